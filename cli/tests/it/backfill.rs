//! The history of segments, filled in for past moments.

use std::path::Path;

use insiders::local::{Install, LocalPostgres};
use serde_json::Value;
use tokio_postgres::NoTls;

use crate::parts::{insiders, shop};

const MOMENTS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn past_months_sum_up_to_their_members() {
    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    let sales = dir.join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    std::fs::write(
        dir.join("insiders.toml"),
        "[embedding]\ntrees = 40\n[clustering]\nk = 5\nn_init = 10\n",
    )
    .unwrap();
    let postgres = tempfile::tempdir().unwrap();
    let server = LocalPostgres::start(postgres.path(), Install::IfAllowed(&|_| ()));
    let server = server.await.unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (sales, config) = (text(&sales), text(&dir.join("insiders.toml")));
    let (data_dir, url) = (text(&data), server.url().to_owned());
    // There are runs already; readers see the last of them, and go on to.
    for as_of in ["2025-10-15", "2025-11-30"] {
        let output = insiders(&[
            "run",
            &sales,
            "--as-of",
            as_of,
            "--dir",
            &data_dir,
            "--config",
            &config,
            "--database-url",
            &url,
        ]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }
    let args = [
        "backfill",
        &sales,
        "--dir",
        &data_dir,
        "--config",
        &config,
        "--database-url",
        &url,
        "--from",
        "2025-08-31",
        "--to",
        "2025-11-30",
    ];
    for _ in 0..2 {
        let output = insiders(&args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let said = String::from_utf8_lossy(&output.stdout);
        let told = said.matches("sums are the members of both runs").count();
        assert_eq!(told, MOMENTS - 1, "{said}");
    }

    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let runs = client
        .query(
            "select run_id, as_of::date::text from insiders.kept_runs order by as_of",
            &[],
        )
        .await
        .unwrap();
    let moments: Vec<String> = runs.iter().map(|row| row.get(1)).collect();
    assert_eq!(
        moments,
        [
            "2025-08-31",
            "2025-09-30",
            "2025-10-15",
            "2025-10-31",
            "2025-11-30",
        ]
    );
    let row = client.query_one("select run_id from insiders.visible_run", &[]);
    let visible: String = row.await.unwrap().get(0);
    assert_eq!(runs.last().unwrap().get::<_, String>(0), visible);
    let moves = "select count(*) from insiders.pointer_history";
    let moves: i64 = client.query_one(moves, &[]).await.unwrap().get(0);
    assert_eq!(moves, 2, "backfilling moves nothing that readers see");
    // The manifest's matrix, made from the bucket, is that of Postgres, made from its rows.
    let mut customers = 0;
    for row in runs.iter().skip(1) {
        let run: String = row.get(0);
        let manifest = std::fs::read(data.join("runs").join(&run).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let number = |cell: &Value| cell.as_i64().map_or(-1, |n| n);
        let mut ours: Vec<(i64, i64, i64)> = manifest["migrations"]["matrix"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cell| {
                let n = cell["customers"].as_i64().unwrap();
                (number(&cell["from"]), number(&cell["to"]), n)
            })
            .collect();
        ours.sort_unstable();
        let theirs = client
            .query(
                "select coalesce(from_label, -1)::bigint, coalesce(to_label, -1)::bigint, customers \
                 from insiders.migration_matrix where run_id = $1 order by 1, 2",
                &[&run],
            )
            .await
            .unwrap();
        let theirs: Vec<(i64, i64, i64)> = theirs
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect();
        assert_eq!(ours, theirs, "run {run}");
        let now = manifest["customers"].as_i64().unwrap();
        assert!(now > customers, "a later moment has more customers");
        customers = now;
    }
    drop(client);
    server.stop().await.unwrap();
}
