//! Objects that are written in parts, with a fault at every request.

use std::io::Write;

use shared::Result;
use shared::contracts::{Artifact, Mode};
use shared::store::Store;
use tokio::task::spawn_blocking;

use super::bucket::{Bucket, Given, leftovers, request};
use super::fault::{BAD_DIGEST, DENIED, EXPIRED, Fault, INTERNAL, Kind, SLOW_DOWN, Times};
use super::proxy::{Point, Proxy};
use super::sweep::{caught, expect_clear};
use crate::parts::{HEADER, tally};

const KEY: &str = "runs/0/large.parquet";
const ONCE: Times = Times::First(1);

/// Bytes that do not compress, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Writes an object of three parts.
async fn write(store: &Store, bytes: &[u8]) -> Result<Artifact> {
    let mut writer = store.writer(KEY, "application/octet-stream");
    let bytes = bytes.to_vec();
    let (writer, written) = spawn_blocking(move || {
        let written = writer.write_all(&bytes);
        (writer, written)
    })
    .await
    .unwrap();
    match written {
        Ok(()) => writer.finish(None).await?.commit().await,
        Err(_) => Err(writer.finish(None).await.unwrap_err()),
    }
}

const FAULTS: [(Kind, Times); 18] = [
    (INTERNAL, ONCE),
    (SLOW_DOWN, ONCE),
    (EXPIRED, ONCE),
    (BAD_DIGEST, ONCE),
    (DENIED, ONCE),
    (Kind::Reset, ONCE),
    (Kind::LoseAnswer, ONCE),
    (Kind::BreakOff, ONCE),
    (Kind::Truncate, ONCE),
    (Kind::Silence, ONCE),
    (Kind::FlipUpload, ONCE),
    (Kind::ErrorAfterOk, ONCE),
    (INTERNAL, Times::First(3)),
    (Kind::LoseAnswer, Times::First(3)),
    (Kind::ErrorAfterOk, Times::First(3)),
    (INTERNAL, Times::Ever),
    (Kind::Reset, Times::Ever),
    (DENIED, Times::Ever),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_object_in_parts_is_there_whole_or_not_at_all() {
    let bytes = noise(20 << 20);
    let points = {
        let bucket = Bucket::empty().await;
        let proxy = Proxy::before(&bucket.s3, None).await;
        write(&proxy.store, &bytes).await.unwrap();
        proxy.seen()
    };
    let names: Vec<&str> = points.iter().map(|point| point.name.as_str()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let mut broken = 0;
    for (kind, times) in FAULTS {
        let (mut cases, mut errors) = (0, 0);
        for at in points.iter().filter(|at| kind.fits_name(&at.name)) {
            cases += 1;
            match caught(case(&bytes, kind, times, at)).await {
                Some(error) => errors += usize::from(error),
                None => broken += 1,
            }
        }
        tally(
            "an object in parts: whole or not at all, no part left",
            &format!("{}, {}", kind.called(), times.called()),
            cases,
            &format!("{} done, {errors} one error, then done", cases - errors),
        );
    }
    assert_eq!(broken, 0, "{broken} cases, each told above");
}

/// Whether it ended in an error.
async fn case(bytes: &[u8], kind: Kind, times: Times, at: &Point) -> bool {
    let what = format!("{kind:?} {times:?} at {}", at.name);
    let bucket = Bucket::empty().await;
    let fault = Fault {
        kind,
        at: at.clone(),
        times,
    };
    let proxy = Proxy::before(&bucket.s3, Some(fault)).await;
    let result = write(&proxy.store, bytes).await;
    assert!(proxy.injected() > 0, "{what}");
    let own = insiders::pipeline::store(&bucket.s3);
    let there = own.table(KEY).await.unwrap();
    match (&result, &there) {
        (Ok(_), there) => assert!(there.as_deref() == Some(bytes), "{what}"),
        // The answer to the last request was lost: it is there, and nobody knows.
        (Err(_), Some(there)) => assert!(**there == *bytes, "{what}"),
        (Err(_), None) => {}
    }
    if let Err(error) = &result {
        expect_clear(error);
        let name = if kind == DENIED {
            "Insiders.Refused"
        } else {
            "Insiders.Unavailable"
        };
        assert_eq!(error.name(), name, "{what}: {error}");
    }
    // Where S3 can't be reached nothing can be taken back, and an upload whose id nobody heard
    // of is nobody's: the bucket's lifecycle rule removes those, here the store's next start.
    let unheard = at.name.ends_with("create") && !matches!(kind, Kind::Refuse(..) | Kind::Reset);
    if times != Times::Ever && !unheard {
        assert_eq!(bucket.leftovers(), Vec::<String>::new(), "{what}");
    }
    assert_eq!(proxy.abandoned(), Vec::<String>::new(), "{what}");
    write(&own, bytes).await.unwrap();
    assert!(own.table(KEY).await.unwrap().as_deref() == Some(bytes));
    let dir = bucket.stop().await;
    insiders::local::LocalS3::start(dir.path()).await.unwrap();
    assert_eq!(leftovers(&dir.path().join(".store")), Vec::<String>::new());
    result.is_err()
}

/// Lines so long that both tables of the first stage take several parts, and the export
/// several ranges.
fn wide() -> Vec<u8> {
    let mut csv = HEADER.as_bytes().to_vec();
    let noise = noise(30 << 20);
    let letter = |byte: &u8| {
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[usize::from(byte % 64)]
    };
    for (line, chunk) in noise.chunks(3_000).enumerate() {
        let text: Vec<u8> = chunk.iter().map(letter).collect();
        let text = String::from_utf8(text).unwrap();
        // Every other line has a quantity that is none.
        let quantity = if line % 2 == 0 { "6" } else { "six" };
        let (day, customer) = (line % 28 + 1, line % 40);
        csv.extend_from_slice(
            format!("{line},{line}A,{text},{quantity},12/{day}/2010 8:26,2.55,c{customer},United Kingdom\n")
                .as_bytes(),
        );
    }
    csv
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_finished_takes_the_other_back() {
    let csv = wide();
    let settings = "[cleaning]\nmax_quarantined_share = 0.9\n[clustering]\nk = 3\n";
    let prepare = async || {
        let bucket = Bucket::empty().await;
        let own = insiders::pipeline::store(&bucket.s3);
        for (key, text) in [
            ("uploads/wide.csv", csv.clone()),
            ("config/insiders.toml", settings.into()),
        ] {
            own.put(key, "text/plain", text.into()).await.unwrap();
        }
        bucket
    };
    let mut asked = request("uploads/wide.csv");
    asked.mode = Mode::Fit;
    let given = Given::Preprocess(asked);
    let (points, expected) = {
        let bucket = prepare().await;
        let proxy = Proxy::before(&bucket.s3, None).await;
        given.call(&proxy.store).await.unwrap();
        (proxy.seen(), bucket.contents())
    };
    let parts = points.iter().filter(|point| {
        let name = &point.name;
        name.contains(" part ") || name.ends_with("create") || name.ends_with("complete")
    });
    let ranges = points.iter().filter(|point| point.name.contains("bytes="));
    assert!(ranges.clone().count() > 3, "{points:?}");
    let at: Vec<&Point> = parts.chain(ranges).collect();
    assert!(at.len() > 9, "{points:?}");
    let mut errors = 0;
    for at in &at {
        let bucket = prepare().await;
        let fault = Fault {
            kind: INTERNAL,
            at: (*at).clone(),
            times: Times::First(3),
        };
        let proxy = Proxy::before(&bucket.s3, Some(fault)).await;
        let error = given.call(&proxy.store).await.unwrap_err();
        expect_clear(&error);
        assert_eq!(error.name(), "Insiders.Unavailable", "{at:?}: {error}");
        assert_eq!(bucket.leftovers(), Vec::<String>::new(), "{at:?}");
        assert!(bucket.expect_whole().is_empty());
        given.call(&proxy.store).await.unwrap();
        assert_eq!(bucket.contents(), expected, "{at:?}");
        errors += 1;
    }
    tally(
        "preprocess of a large export: no part of a table is left",
        "S3 answers 500 InternalError, for all of the client's attempts",
        at.len(),
        &format!("{errors} Insiders.Unavailable, then the same bytes"),
    );
}
