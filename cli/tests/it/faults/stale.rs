//! A store that answers with what was there before the last write. S3 does not: since
//! December 2020 a `GET`, a `HEAD` or a list gives what was written last. Stores that are like
//! S3 may; then a run may see less, and must neither damage nor lose what there is.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::bundle::champion;

use super::bucket::{Bucket, Prepared};
use super::fault::{Fault, NOT_THERE, Times};
use super::proxy::Proxy;
use super::sweep::expect_clear;
use crate::parts::tally;

/// The moves of the champion and the runs that are listed.
async fn known(bucket: &Bucket) -> (Vec<String>, Vec<String>) {
    let store = insiders::pipeline::store(&bucket.s3);
    let moves = champion(&store).await.unwrap();
    let moves = moves.map(|(champion, _)| champion.history.into_iter().map(|m| m.version));
    let index = store.get_optional("runs/index.json").await.unwrap();
    let index = index.map(|(bytes, _)| serde_json::from_slice::<Value>(&bytes).unwrap());
    let runs = index.map(|index| {
        let runs = index["runs"].as_array().unwrap().iter();
        runs.map(|run| run["run_id"].as_str().unwrap().to_owned())
            .collect()
    });
    (
        moves.into_iter().flatten().collect(),
        runs.unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_forgets_the_last_write_loses_nothing() {
    let stages = [
        ("preprocess", Prepared::to_preprocess().await),
        ("fit", Prepared::to_fit().await),
        ("apply", Prepared::to_apply().await),
    ];
    for (stage, prepared) in &stages {
        let points = {
            let bucket = prepared.serve().await;
            let proxy = Proxy::before(&bucket.s3, None).await;
            prepared.given.call(&proxy.store).await.unwrap();
            proxy.seen()
        };
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        let mut cases = 0;
        for at in points.iter().filter(|at| NOT_THERE.fits_name(&at.name)) {
            let bucket = prepared.serve().await;
            let before = known(&bucket).await;
            let fault = Fault {
                kind: NOT_THERE,
                at: at.clone(),
                times: Times::First(1),
            };
            let proxy = Proxy::before(&bucket.s3, Some(fault)).await;
            let result = prepared.given.call(&proxy.store).await;
            assert_eq!(proxy.injected(), 1);
            let end = match &result {
                Ok(_) => "done",
                Err(error) => {
                    expect_clear(error);
                    error.name()
                }
            };
            *ends.entry(end.to_owned()).or_default() += 1;
            cases += 1;
            bucket.expect_whole();
            prepared.given.call(&proxy.store).await.unwrap();
            let runs = bucket.expect_whole();
            let after = known(&bucket).await;
            assert!(after.0.starts_with(&before.0), "{at:?}: {after:?}");
            assert!(
                before.1.iter().all(|run| after.1.contains(run)),
                "{at:?}: {after:?}"
            );
            if *stage != "preprocess" {
                assert!(!runs.is_empty() && runs.len() == after.1.len(), "{at:?}");
            }
        }
        let ends: Vec<String> = ends.iter().map(|(end, n)| format!("{n} {end}")).collect();
        tally(
            &format!("{stage}: neither champion nor index loses an entry"),
            "a read gives what was there before the last write (S3 never does), once",
            cases,
            &ends.join(", "),
        );
    }
}
