//! Looks for texts in everything that a store keeps, packed or not.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

use arrow_array::cast::AsArray as _;
use bytes::Bytes;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use serde_json::Value;
use shared::store::sha256;
use shared::tables::read_batches;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// What the bytes of an object say, however they are packed.
pub(super) fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut text)
            .unwrap();
        text
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        zstd::decode_all(&bytes[..]).unwrap()
    } else if bytes.starts_with(b"PAR1") {
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        // Statistics and the footer, then the rows.
        let mut text = format!("{:?}", reader.metadata());
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            for column in 0..row.len() {
                match row.get_string(column) {
                    Ok(cell) => text.push_str(cell),
                    Err(_) => text.push_str(&format!("{:?}", row.get_column_iter().nth(column))),
                }
                text.push('\n');
            }
        }
        text.into_bytes()
    } else {
        bytes
    }
}

/// Files under `dir` whose content, packed or not, or whose name has one of `needles`.
pub(super) fn needles_in_store(dir: &Path, needles: &[&str]) -> Vec<String> {
    let dir = match dir.canonicalize() {
        Ok(dir) if dir.join(".store").exists() => dir.join(".store"),
        Ok(dir) => dir,
        Err(e) => panic!("{}: {e}", dir.display()),
    };
    let mut found = Vec::new();
    let mut folders = vec![dir];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let place = path.display().to_string();
            let is_in = |bytes: &[u8]| {
                needles
                    .iter()
                    .any(|needle| memchr::memmem::find(bytes, needle.as_bytes()).is_some())
            };
            if is_in(&bytes) || is_in(&unpacked(bytes)) || is_in(place.as_bytes()) {
                found.push(place);
            }
        }
    }
    found.sort();
    found
}

/// The rows of one table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// How many are theirs.
    pub(super) theirs: usize,
    /// All others as text, in order.
    pub(super) others: Vec<String>,
}

/// The tables of each run, by file name.
pub(super) fn rows_by_run(
    data: &Path,
    people: &[&str],
) -> BTreeMap<String, BTreeMap<String, Table>> {
    let mut runs = BTreeMap::new();
    for run in std::fs::read_dir(data.join("runs")).unwrap() {
        let run = run.unwrap();
        if !run.path().is_dir() {
            continue; // the index of runs
        }
        let mut tables = BTreeMap::new();
        for file in std::fs::read_dir(run.path()).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if name.ends_with(".parquet") {
                let bytes = std::fs::read(file.path()).unwrap();
                tables.insert(name, table(bytes, people));
            }
        }
        runs.insert(run.file_name().into_string().unwrap(), tables);
    }
    runs
}

fn table(bytes: Vec<u8>, people: &[&str]) -> Table {
    let mut table = Table::default();
    let bytes = Bytes::from(bytes);
    let rows = SerializedFileReader::new(bytes.clone()).unwrap();
    let texts: Vec<String> = rows
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().to_string())
        .collect();
    let mut texts = texts.into_iter();
    for batch in read_batches(bytes, "t").unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let text = texts.next().unwrap();
            let is_theirs = match batch.column_by_name("customer_id") {
                Some(ids) => people.contains(&ids.as_string::<i32>().value(row)),
                None => {
                    let raw = batch.column_by_name("raw").unwrap();
                    let raw = raw.as_string::<i32>().value(row);
                    raw.contains("Q77001Z") || raw.contains("O'Neil-Q7")
                }
            };
            if is_theirs {
                table.theirs += 1;
            } else {
                table.others.push(text);
            }
        }
    }
    table
}

/// The ids of a table.
pub(super) fn customers(bytes: &[u8]) -> Vec<String> {
    let mut ids = Vec::new();
    for batch in read_batches(Bytes::copy_from_slice(bytes), "t").unwrap() {
        let batch = batch.unwrap();
        let column = batch.column_by_name("customer_id").unwrap();
        ids.extend(
            column
                .as_string::<i32>()
                .iter()
                .map(|id| id.unwrap().to_owned()),
        );
    }
    ids
}

/// Every manifest tells of the artifacts as they are, and its rows add up.
pub(super) fn whole_runs(data: &Path) {
    let mut runs = 0;
    for run in std::fs::read_dir(data.join("runs")).unwrap() {
        let folder = run.unwrap().path();
        if !folder.is_dir() {
            continue; // the index of runs
        }
        let manifest: Value =
            serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        assert!(!folder.join("erasure.json").exists());
        for (name, artifact) in manifest["artifacts"].as_object().unwrap() {
            let bytes = std::fs::read(folder.join(name)).unwrap();
            assert_eq!(artifact["sha256"], sha256(&bytes), "{name}");
            assert_eq!(artifact["bytes"], bytes.len(), "{name}");
            if name.ends_with(".parquet") {
                let rows = table(bytes, &[]);
                assert_eq!(artifact["rows"], rows.theirs + rows.others.len(), "{name}");
            }
        }
        let counts = |name: &str| manifest["counts"][name].as_u64().unwrap();
        assert_eq!(
            counts("rows_read"),
            counts("rows_kept")
                + counts("rows_dropped")
                + counts("rows_quarantined")
                + counts("rows_after_as_of")
                + counts("rows_before_window")
        );
        assert_eq!(
            counts("rows_kept"),
            manifest["artifacts"]["transactions.parquet"]["rows"]
        );
        assert_eq!(
            counts("customers"),
            manifest["artifacts"]["segments.parquet"]["rows"]
        );
        let profile: Value =
            serde_json::from_slice(&std::fs::read(folder.join("profile.json")).unwrap()).unwrap();
        let segments = profile["segments"].as_array().unwrap();
        let sum: u64 = segments
            .iter()
            .map(|s| s["customers"].as_u64().unwrap())
            .sum();
        assert_eq!(sum, counts("customers"));
        runs += 1;
    }
    assert!(runs > 0);
}
