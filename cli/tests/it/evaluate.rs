//! How good the segments are: what the command prints, and that it stays good.

use serde_json::Value;

use crate::parts::{insiders, reference, run, shop};

fn evaluate(args: &[&str]) -> Value {
    let mut all = vec!["evaluate"];
    all.extend(args);
    all.push("--json");
    let output = insiders(&all);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(found: &Value, key: &str) -> f64 {
    found[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {found}"))
}

#[test]
fn a_stored_model_and_a_fit_of_the_same_settings_measure_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let sales = dir.path().join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    let data = dir.path().join("data");
    let (input, folder) = (sales.to_str().unwrap(), data.to_str().unwrap());
    let fresh = evaluate(&[input, "--dir", folder, "--resamples", "2"]);
    assert!(fresh.get("model").is_none());
    assert!(!data.exists(), "measuring leaves nothing behind");

    let manifest = run(&sales, &data, &["--no-publish"]);
    let stored = evaluate(&[input, "--dir", folder, "--resamples", "2"]);
    assert_eq!(stored["model"], manifest["model_version"]);
    for key in [
        "silhouette",
        "inertia",
        "eta_squared",
        "trustworthiness",
        "stability_ari",
        "stability_ari_lowest",
        "held_out_agreement",
        "held_out_ari",
        "training_agreement",
    ] {
        assert_eq!(stored[key], fresh[key], "{key}");
    }
    assert_eq!(
        number(&stored, "silhouette"),
        manifest["quality"]["silhouette"].as_f64().unwrap()
    );
    assert!(number(&stored, "training_agreement") >= 0.99);
    assert_eq!(stored["rules"], fresh["rules"]);
    let mean = |key: &str| stored["rules"][key].as_f64().unwrap();
    assert!(mean("mean_f1") > mean("rfm_mean_f1") && mean("rfm_mean_f1") > 0.0);
    assert_eq!(stored["rules"]["segments"].as_array().unwrap().len(), 11);
    assert_eq!(stored["segment_stability"].as_array().unwrap().len(), 11);
}

#[test]
fn too_few_customers_to_refit_are_bad_input() {
    let dir = tempfile::tempdir().unwrap();
    let sales = dir.path().join("shop.csv");
    let mut csv = String::from(crate::parts::HEADER);
    for customer in 0..12 {
        csv += &format!(
            "{customer},1A,THING,{},12/1/2010 8:26,2.5,{customer},France\n",
            customer + 1
        );
    }
    std::fs::write(&sales, csv).unwrap();
    let folder = dir.path().join("data");
    let output = insiders(&[
        "evaluate",
        sales.to_str().unwrap(),
        "--dir",
        folder.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(3));
}

/// The bar of docs/QUALITY.md, by five resamples in place of twenty.
#[test]
fn the_default_profile_keeps_its_quality_on_the_real_data() {
    let Some(sales) = reference("data/online-retail.csv.gz") else {
        return;
    };
    let found = evaluate(&[
        sales.to_str().unwrap(),
        "--profile",
        "default",
        "--resamples",
        "5",
    ]);
    for (key, least) in [
        ("silhouette", 0.60),
        ("stability_ari", 0.85),
        ("eta_squared", 0.85),
        ("held_out_agreement", 0.85),
        ("training_agreement", 0.99),
    ] {
        assert!(number(&found, key) >= least, "{key} in {found}");
    }
}
