//! The rows as they come from the store: by way of a file, through bounded memory.

use bytes::Bytes;
use futures::TryStreamExt;
use insiders::local::LocalS3;
use publish_to_rds::{batches, publish_rows};
use shared::contracts::Artifact;
use shared::progress::Silent;
use shared::store::Store;
use shared::tables::{TableWriter, segments_batches, segments_schema};

use super::fixture::{Fixture, Run, id};

/// The rows of a run as Parquet.
fn table(run: &Run) -> Bytes {
    let mut writer = TableWriter::new(Vec::new(), segments_schema()).unwrap();
    for batch in segments_batches(&run.rows) {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap().0.into()
}

async fn put(store: &Store, run: &Run) -> Artifact {
    let key = &run.run.segments_key;
    store
        .put(key, "application/octet-stream", table(run))
        .await
        .unwrap()
}

async fn publish(
    fixture: &Fixture,
    store: &Store,
    run: &Run,
    artifact: &Artifact,
) -> shared::Result<u64> {
    let rows = batches(store.file_verified(artifact), &artifact.key, 2);
    let outcome = publish_rows(&fixture.database, &run.run, rows, &Silent).await?;
    Ok(outcome.publication.customers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_the_manifests_shows_nothing() {
    let fixture = Fixture::new("files").await;
    let dir = tempfile::tempdir().unwrap();
    let s3 = LocalS3::start(dir.path()).await.unwrap();
    let store = insiders::pipeline::store(&s3);
    // More than one range of the download and one row group.
    let run = Run::new(1, 300_000);
    let artifact = put(&store, &run).await;
    let mut shorter = artifact.clone();
    shorter.bytes -= 1;
    let mut other = artifact.clone();
    other.sha256 = "0".repeat(64);
    for (wrong, word) in [(&shorter, "bytes"), (&other, "SHA-256")] {
        let error = publish(&fixture, &store, &run, wrong).await.unwrap_err();
        assert_eq!(error.name(), "Insiders.Corrupt", "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(fixture.ask("SELECT count(*) FROM insiders.runs").await, "0");
    }
    let mut missing = artifact.clone();
    missing.key = "runs/none/segments.parquet".to_owned();
    let error = publish(&fixture, &store, &run, &missing).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.NotFound", "{error}");
    assert_eq!(
        publish(&fixture, &store, &run, &artifact).await.unwrap(),
        300_000
    );
    assert_eq!(fixture.visible().await, format!("{},300000", id(1)));
    let read = batches(store.file_verified(&artifact), &artifact.key, 2);
    let rows: usize = read
        .map_ok(|batch| batch.num_rows())
        .try_fold(0, |sum, n| async move { Ok(sum + n) })
        .await
        .unwrap();
    assert_eq!(rows, 300_000);
    s3.stop().await;
}
