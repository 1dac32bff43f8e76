//! From a CSV to segments in Postgres, twice.

use std::path::Path;

use insiders::local::{Install, LocalPostgres};
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use crate::parts::{artifact, insiders, run, shop};

async fn connect(server: &LocalPostgres) -> Client {
    let (client, connection) = tokio_postgres::connect(server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Postgres as the runs need it, kept open between them.
async fn server(dir: &Path) -> LocalPostgres {
    LocalPostgres::start(dir, Install::IfAllowed(&|_| ()))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_published_and_the_same_run_again_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sales = dir.path().join("shop.csv");
    std::fs::write(&sales, shop(30_000, 0.002)).unwrap();
    let postgres = tempfile::tempdir().unwrap();
    let server = server(postgres.path()).await;
    let data = dir.path().join("data");
    let url = server.url().to_owned();
    let again = || run(&sales, &data, &["--database-url", &url]);

    let first = again();
    let segments = artifact(&data, &first, "segments.parquet");
    let client = connect(&server).await;
    let customers = first["customers"].as_i64().unwrap();
    assert_eq!(
        count(&client, "select count(*) from insiders.insiders").await,
        customers
    );
    assert_eq!(
        count(&client, "select count(*) from insiders.segments").await,
        11
    );
    assert_eq!(first["action"], "fit");
    let shares = "select round(sum(share)::numeric, 6)::float8::bigint from insiders.segments";
    assert_eq!(count(&client, shares).await, 1);

    let second = again();
    assert_eq!(
        second["run_id"], first["run_id"],
        "a model's own training data are no new run"
    );
    assert_eq!(artifact(&data, &second, "segments.parquet"), segments);
    assert_eq!(second["publication"], first["publication"]);
    assert_eq!(
        count(&client, "select count(*) from insiders.runs").await,
        1
    );

    // The same customers scored by the stored models as another upload: each in the segment
    // that the fit gave it.
    let other = dir.path().join("again.csv");
    std::fs::copy(&sales, &other).unwrap();
    let third = run(&other, &data, &["--database-url", &url]);
    assert_ne!(third["run_id"], first["run_id"]);
    assert_eq!(third["action"], "apply");
    let applied = artifact(&data, &third, "segments.parquet");
    assert_eq!(
        applied, segments,
        "apply says of the training customers what the fit said"
    );
    assert_eq!(
        count(&client, "select count(*) from insiders.runs").await,
        2
    );

    // An earlier moment than the one in place is refused, and named.
    let earlier = ["--database-url", &url, "--as-of", "2025-06-30"];
    let (sales, data) = (sales.to_str().unwrap(), data.to_str().unwrap());
    let mut args = vec!["run", sales, "--dir", data];
    args.extend(earlier);
    let refused = insiders(&args);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("force"));
    assert_eq!(
        count(&client, "select count(*) from insiders.insiders").await,
        customers
    );
    drop(client);
    server.stop().await.unwrap();
}

/// The same upload fitted in two places, on any number of threads: the same bytes.
#[test]
fn a_fit_gives_the_same_bytes_every_time() {
    let dir = tempfile::tempdir().unwrap();
    let sales = dir.path().join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    let mut seen: Vec<(Value, Vec<u8>)> = Vec::new();
    for threads in ["1", "2", "5"] {
        let data = dir.path().join(threads);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_insiders"))
            .args([
                "run",
                sales.to_str().unwrap(),
                "--dir",
                data.to_str().unwrap(),
            ])
            .args(["--no-publish", "--json"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        let segments = artifact(&data, &manifest, "segments.parquet");
        let mut artifacts = manifest["artifacts"].clone();
        // The page says what the run took, as the manifest's stages do.
        artifacts.as_object_mut().unwrap().remove("report.html");
        seen.push((artifacts, segments));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}
