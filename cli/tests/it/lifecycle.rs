//! Models through their life: a challenger, its gates, promotion, going back, names.

use std::path::Path;

use serde_json::Value;

use crate::parts::{insiders, run, shop};

/// Settings under which a fit is quick, and `gates` over the defaults.
fn config(dir: &Path, name: &str, seed: u64, gates: &str) -> String {
    let text = format!(
        "[embedding]\ntrees = 40\n[clustering]\nk = 5\nn_init = 10\nseed = {seed}\n[gates]\n{gates}\n"
    );
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn models(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut all = vec!["models"];
    all.extend(args);
    all.extend(["--dir", dir.to_str().unwrap()]);
    let output = insiders(&all);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn listed(dir: &Path) -> Value {
    let (code, text) = models(dir, &["list", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Gates that no fit passes by its silhouette, and that any fit passes.
const CLOSED: &str = "min_silhouette = 1.0\nresamples = 0";
const OPEN: &str = "min_silhouette = -1.0\nresamples = 0\nmax_moved_share = 1.0\nmax_share_shift = 1.0\nmax_psi = 1e9\nmax_ks = 1.0";

#[test]
fn a_challenger_waits_for_somebody_to_promote_it() {
    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    let sales = dir.join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    let fit = |config: &str| {
        let more = ["--no-publish", "--mode", "fit", "--config", config];
        run(&sales, &data, &more)
    };
    let first = fit(&config(dir, "a.toml", 1, OPEN));
    let version = |run: &Value| run["model_version"].as_str().unwrap().to_owned();
    assert_eq!(first["promotion"]["promoted"], true);
    assert_eq!(listed(&data)["champion"]["version"], version(&first));

    let closed = config(dir, "b.toml", 2, CLOSED);
    let second = fit(&closed);
    assert_eq!(second["promotion"]["promoted"], false);
    assert_eq!(second["promotion"]["champion"], version(&first));
    let reason = second["promotion"]["reason"].as_str().unwrap();
    assert!(reason.contains("gates.min_silhouette is 1"), "{reason}");
    let champion = || listed(&data)["champion"]["version"].clone();
    assert_eq!(champion(), version(&first), "the pointer stays");
    let applied = ["--no-publish", "--mode", "apply", "--config", &closed];
    let applied = run(&sales, &data, &applied);
    assert_eq!(applied["model_version"], version(&first));

    // The same fit again is the same work: no third model, and still a challenger.
    assert_eq!(fit(&closed)["promotion"]["promoted"], false);
    assert_eq!(listed(&data)["models"].as_array().unwrap().len(), 2);

    let (code, said) = models(&data, &["promote", &version(&second)]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(champion(), version(&second));
    let auto = run(&sales, &data, &["--no-publish", "--config", &closed]);
    assert_eq!(auto["run_id"], second["run_id"]);

    let third = fit(&config(dir, "c.toml", 3, OPEN));
    assert_eq!(third["promotion"]["promoted"], true);
    assert_eq!(champion(), version(&third));
    for expected in [version(&second), version(&first)] {
        let (code, said) = models(&data, &["rollback"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(champion(), expected);
    }
    let (code, said) = models(&data, &["rollback"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("is the first"), "{said}");
    let causes: Vec<Value> = listed(&data)["champion"]["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["cause"].clone())
        .collect();
    let expected = ["fit", "promote", "fit", "rollback", "rollback"];
    assert_eq!(causes, expected);

    let (_, shown) = models(&data, &["show", &version(&second)]);
    assert!(shown.contains("MISSED"), "{shown}");
    let (_, difference) = models(&data, &["diff", &version(&first), &version(&third)]);
    assert!(difference.contains("clustering.seed"), "{difference}");
    let (code, said) = models(&data, &["promote", "nothing"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("models/nothing"), "{said}");
}

#[test]
fn a_given_name_outlasts_refits_and_makes_another_run() {
    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    let sales = dir.join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    let open = config(dir, "a.toml", 1, OPEN);
    let first = run(&sales, &data, &["--no-publish", "--config", &open]);
    let names = |run: &Value| -> Vec<String> {
        let profile: Value =
            serde_json::from_slice(&crate::parts::artifact(&data, run, "profile.json")).unwrap();
        let segments = profile["segments"].as_array().unwrap();
        let names = segments
            .iter()
            .map(|s| s["segment"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(names(&first)[0], "Insiders", "the highest mean revenue");
    assert_eq!(models(&data, &["rename", "0", "Gold"]).0, Some(0));
    let second = run(&sales, &data, &["--no-publish", "--config", &open]);
    assert_ne!(second["run_id"], first["run_id"]);
    assert_eq!(names(&second)[0], "Gold");
    assert_eq!(names(&second)[1..], names(&first)[1..]);

    let (code, said) = models(&data, &["rename", "1", "Gold"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = models(&data, &["rename", "77", "Silver"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("0, 1, 2, 3, 4"), "{said}");

    let refit = dir.join("b.toml");
    let text = std::fs::read_to_string(&open).unwrap();
    std::fs::write(&refit, text.replace("n_init = 10", "n_init = 12")).unwrap();
    let refit = refit.to_str().unwrap();
    let third = run(
        &sales,
        &data,
        &["--no-publish", "--mode", "fit", "--config", refit],
    );
    assert_ne!(third["run_id"], second["run_id"]);
    assert_eq!(names(&third)[0], "Gold");
}

/// Many promotions at once: each is in the history, and the last one counts.
#[tokio::test(flavor = "multi_thread")]
async fn promotions_at_once_are_all_in_the_history() {
    use shared::bundle::{Bundle, Cause, champion, promote, promote_after};

    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    let sales = dir.join("shop.csv");
    std::fs::write(&sales, shop(5_000, 0.0)).unwrap();
    let open = config(dir, "a.toml", 1, OPEN);
    run(&sales, &data, &["--no-publish", "--config", &open]);
    let s3 = insiders::local::LocalS3::start(&data).await.unwrap();
    let store = insiders::pipeline::store(&s3);
    let first = champion(&store).await.unwrap().unwrap().0.version;
    let fitted = Bundle::describe(&store, &first).await.unwrap();
    let version = |number: usize| {
        let mut manifest = fitted.clone();
        manifest.version = format!("v{number}");
        manifest
    };
    let moves = (0..12).map(|number| {
        let (store, manifest) = (store.clone(), version(number));
        tokio::spawn(async move { promote(&store, &manifest, Cause::Promote, None).await })
    });
    for done in futures::future::join_all(moves).await {
        done.unwrap().unwrap();
    }
    let (now, _) = champion(&store).await.unwrap().unwrap();
    assert_eq!(now.history.len(), 13);
    assert_eq!(now.history.last().unwrap().version, now.version);

    // Of fits that were measured against the same champion, one takes its place.
    let before = now.version.clone();
    let moves = (20..28).map(|number| {
        let (store, manifest, before) = (store.clone(), version(number), before.clone());
        tokio::spawn(async move { promote_after(&store, &manifest, Some(&before), "run").await })
    });
    let mut won = 0;
    for done in futures::future::join_all(moves).await {
        won += usize::from(done.unwrap().unwrap().is_none());
    }
    assert_eq!(won, 1);
    let (now, _) = champion(&store).await.unwrap().unwrap();
    assert_eq!(now.history.len(), 14);
    s3.stop().await;
}
