//! Bytes that somebody else wrote, given to the readers of models and tables: every bit of a
//! small file turned, every length cut, sizes that are claimed and not there. Each is refused
//! or read as what it says; nothing panics, nothing allocates what a header claims.
//!
//! A binary of its own: it counts what the whole process allocates.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::alloc::System;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cap::Cap;
use shared::evaluation::Reference;
use shared::models::{Forest, KMeans, MinMaxScaler, Umap};
use shared::tables::{read_features, read_segments};

mod small;

use small::{features, features_table, models, segments, segments_table};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What a reader of some kilobytes may have at once.
const MOST: usize = 24 << 20;
/// The same for tables: a page's head may claim a size, and Parquet reserves it.
const MOST_OF_TABLES: usize = 64 << 20;

/// One test at a time, since they count the same memory.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of some bytes.
#[derive(Default)]
struct Outcome {
    refused: usize,
    read: usize,
    panics: Vec<String>,
}

impl Outcome {
    /// Reads `bytes`; whether they were refused.
    fn of<T, E: Display>(
        &mut self,
        what: &str,
        bytes: &[u8],
        read: impl Fn(&[u8]) -> Result<T, E>,
    ) -> bool {
        match catch_unwind(AssertUnwindSafe(|| read(bytes).map(drop))) {
            Ok(Ok(())) => self.read += 1,
            Ok(Err(error)) => {
                let text = error.to_string();
                assert_eq!(text.lines().count(), 1, "{what}: {text}");
                self.refused += 1;
                return true;
            }
            Err(_) => self.panics.push(what.to_owned()),
        }
        false
    }

    /// Every cut and every bit; of files beyond `all` bytes, a sample and both ends.
    fn every_damage<T, E: Display>(
        &mut self,
        name: &str,
        whole: &[u8],
        all: usize,
        read: impl Fn(&[u8]) -> Result<T, E>,
    ) {
        let sparse = whole.len().div_ceil(all);
        for end in (0..whole.len()).step_by(sparse) {
            let refused = self.of(&format!("{name} cut at {end}"), &whole[..end], &read);
            assert!(refused, "{name} cut at {end} was not refused");
        }
        let mut bytes = whole.to_vec();
        for at in 0..whole.len() {
            // What is between is numbers, one like the other.
            let at_an_end = at < 1_024 || at + 1_024 > whole.len();
            if at_an_end || at % sparse == 0 {
                for bit in 0..8 {
                    bytes[at] ^= 1 << bit;
                    self.of(&format!("{name}, byte {at}, bit {bit}"), &bytes, &read);
                    bytes[at] ^= 1 << bit;
                }
            }
        }
    }

    fn say(self, name: &str) {
        let (refused, read, panics) = (self.refused, self.read, self.panics);
        println!(
            "tally | damage is not taken for data | {name} | {} | {refused} refused, {read} read, {} panicked",
            refused + read,
            panics.len()
        );
        assert!(panics.is_empty(), "{name} panicked: {panics:?}");
    }
}

/// A model that can be read can be used, or says why not.
#[test]
fn damaged_models_are_refused_or_work() {
    let _alone = alone();
    let models = models();
    let scaled = models.scaler.transform(models.rows.view()).unwrap();
    let leaves = models.forest.leaf_indices(scaled.view()).unwrap();
    let points = models.umap.transform(leaves.view()).unwrap();
    let points = points.mapv(f64::from);

    let mut outcome = Outcome::default();
    let bytes = models.scaler.to_bytes().unwrap();
    outcome.every_damage("scaler", &bytes, 4_096, |bytes| {
        MinMaxScaler::from_bytes(bytes)?.transform(models.rows.view())
    });
    let bytes = models.forest.to_bytes().unwrap();
    outcome.every_damage("forest", &bytes, 4_096, |bytes| {
        let forest = Forest::from_bytes(bytes)?;
        forest.predict(scaled.view())?;
        forest.leaf_indices(scaled.view())
    });
    let bytes = models.umap.to_bytes().unwrap();
    outcome.every_damage("umap", &bytes, 4_096, |bytes| {
        Umap::from_bytes(bytes)?.transform(leaves.view())
    });
    let bytes = models.kmeans.to_bytes().unwrap();
    outcome.every_damage("kmeans", &bytes, 4_096, |bytes| {
        KMeans::from_bytes(bytes)?.predict(points.view())
    });
    let features = features();
    let bytes = Reference::of(&features).unwrap().to_bytes().unwrap();
    outcome.every_damage("reference", &bytes, 512, |bytes| {
        Reference::from_bytes(bytes).map(|reference| reference.drift(&features))
    });
    outcome.say("models");
}

/// A safetensors file of this header.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn sizes_that_are_claimed_are_not_allocated() {
    let _alone = alone();
    let header = |shape: &str, offsets: &str| {
        let insiders = r#"{\"kind\":\"k-means\",\"n_iter\":1}"#;
        format!(
            r#"{{"__metadata__":{{"insiders":"{insiders}"}},"centroids":{{"dtype":"F64","shape":{shape},"data_offsets":{offsets}}}}}"#
        )
    };
    let mut claims: Vec<Vec<u8>> = [u64::MAX, 1 << 63, 1 << 40, 99_999_999, 1 << 20]
        .map(|length: u64| [&length.to_le_bytes()[..], b"{}"].concat())
        .to_vec();
    for (shape, offsets) in [
        ("[1099511627776,2]", "[0,17592186044416]"),
        ("[18446744073709551615,18446744073709551615]", "[0,8]"),
        ("[4294967296,4294967296]", "[0,0]"),
        ("[9223372036854775807,2]", "[0,16]"),
        ("[1,1]", "[8,0]"),
        ("[0,4000000000]", "[0,0]"),
        ("[4000000000,0]", "[0,0]"),
    ] {
        claims.push(safetensors(&header(shape, offsets), 0));
        claims.push(safetensors(&header(shape, offsets), 16));
    }
    let mut outcome = Outcome::default();
    let start = MEMORY.max_allocated();
    for (i, bytes) in claims.iter().enumerate() {
        let name = format!("claim {i}");
        assert!(outcome.of(&name, bytes, KMeans::from_bytes), "{name}");
        assert!(outcome.of(&name, bytes, Umap::from_bytes), "{name}");
        assert!(outcome.of(&name, bytes, Forest::from_bytes), "{name}");
    }
    let grown = MEMORY.max_allocated() - start;
    assert!(grown < MOST, "{grown} bytes were allocated");
    outcome.say("claims");
}

#[test]
fn damaged_tables_are_refused_or_read() {
    let _alone = alone();
    let mut outcome = Outcome::default();
    let before = MEMORY.max_allocated();
    let table = features_table();
    let whole = read_features(table.clone().into(), "t").unwrap();
    assert_eq!(whole, features());
    // Panics of the decoder are an error to us: hundreds of traces would say nothing more.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    outcome.every_damage("features", &table, 1_024, |bytes| {
        read_features(Bytes::copy_from_slice(bytes), "t")
    });
    let table = segments_table(&segments());
    let whole = read_segments(table.clone().into(), "t").unwrap();
    assert_eq!(whole, segments());
    outcome.every_damage("segments", &table, 1_024, |bytes| {
        read_segments(Bytes::copy_from_slice(bytes), "t")
    });
    std::panic::set_hook(hook);
    let grown = MEMORY.max_allocated() - before;
    println!("at most {} KiB more were allocated at once", grown >> 10);
    outcome.say("tables");
    assert!(grown < MOST_OF_TABLES, "{grown} bytes were allocated");
}

#[test]
fn another_table_is_refused_by_what_it_lacks() {
    let _alone = alone();
    let key = "runs/r/segments.parquet";
    let read = |bytes: &[u8]| read_segments(Bytes::copy_from_slice(bytes), key);
    let lacking = read(&features_table()).unwrap_err().to_string();
    assert!(lacking.contains("'embedding_x' is missing"), "{lacking}");
    for bytes in [
        &b""[..],
        b"PAR1",
        b"PAR1PAR1",
        b"customer_id\n1\n",
        &[0; 64],
    ] {
        let error = read(bytes).unwrap_err();
        assert_eq!(error.name(), "Insiders.Corrupt");
        let text = error.to_string();
        assert!(
            text.starts_with("runs/r/segments.parquet is damaged"),
            "{text}"
        );
    }
    let mut rows = segments();
    rows.features.gross_revenue[3] = f64::NAN;
    let error = read(&segments_table(&rows)).unwrap_err().to_string();
    let why = "'gross_revenue' has a value that is not a finite number";
    assert!(error.contains(why), "{error}");
}
