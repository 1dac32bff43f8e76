//! The job's program, as spark-submit takes it.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use shared::store::{Store, sha256};
use shared::{Error, Result};
use zip::write::{SimpleFileOptions, ZipWriter};

/// What spark-submit starts.
const ENTRY: &str = "insiders_features.py";
/// The package beside it.
const PACKAGE: &str = "insiders_spark";

/// Keys of the program in the store.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) entry: String,
    pub(super) package: String,
}

impl Program {
    /// Lays the program that is in the folder `from` where Spark finds it, under a key of its
    /// content: a job that runs keeps its own.
    pub(super) async fn lay(store: &Store, from: &Path) -> Result<Self> {
        let from = from.to_owned();
        let read = tokio::task::spawn_blocking(move || read(&from));
        let (entry, package) = read.await.map_err(|e| Error::Internal(e.to_string()))??;
        let digest = sha256(&[&entry[..], &package[..]].concat());
        let folder = format!("spark/{}", digest.get(..20).unwrap_or(&digest));
        let program = Self {
            entry: format!("{folder}/{ENTRY}"),
            package: format!("{folder}/{PACKAGE}.zip"),
        };
        store
            .put(&program.package, "application/zip", package.into())
            .await?;
        store
            .put(&program.entry, "text/x-python", entry.into())
            .await?;
        Ok(program)
    }
}

fn read(from: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let entry = file(&from.join(ENTRY))?;
    let folder = from.join(PACKAGE);
    let listed = std::fs::read_dir(&folder).and_then(|files| {
        let files = files.map(|file| file.map(|file| file.path()));
        files.collect::<std::io::Result<Vec<PathBuf>>>()
    });
    let mut files = listed.map_err(|e| missing(&folder, &e))?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "py"));
    files.sort();
    let failed = |e: zip::result::ZipError| Error::Internal(format!("zip of the job: {e}"));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // No time of its own: the same files are the same bytes.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default());
        archive
            .start_file(format!("{PACKAGE}/{name}"), options)
            .map_err(failed)?;
        archive
            .write_all(&file(&path)?)
            .map_err(|e| Error::Internal(format!("zip of the job: {e}")))?;
    }
    let archive = archive.finish().map_err(failed)?;
    Ok((entry, archive.into_inner()))
}

fn file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| missing(path, &e))
}

fn missing(path: &Path, error: &std::io::Error) -> Error {
    Error::config(
        "SPARK_JOB",
        format!(
            "{} can't be read ({error}): it is the folder infra/spark",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_zip_is_the_same_bytes_every_time() {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/spark");
        let (entry, package) = read(&from).unwrap();
        assert_eq!(read(&from).unwrap(), (entry, package.clone()));
        let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
        for name in ["__init__", "job"] {
            let file = format!("{PACKAGE}/{name}.py");
            let expected = std::fs::metadata(from.join(&file)).unwrap().len();
            assert_eq!(archive.by_name(&file).unwrap().size(), expected);
        }
        let error = read(Path::new("nowhere")).unwrap_err();
        assert_eq!(error.name(), "Insiders.Config");
    }
}
