//! The page of a run: when it is written, when it is not, and what it never says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::parts::{artifact, insiders, run, shop};

fn page(dir: &Path, manifest: &Value) -> String {
    String::from_utf8(artifact(dir, manifest, "report.html")).unwrap()
}

/// The document in a page.
fn document(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// The document but for what the run took, which is never twice the same.
fn lasting(page: &str) -> Value {
    let mut document = document(page);
    document["run"]["stages"] = json!(null);
    document
}

fn report(args: &[&str], dir: &Path) -> (Option<i32>, String) {
    let args = [&["report", "--dir", dir.to_str().unwrap()], args].concat();
    let output = insiders(&args);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn sales(dir: &Path, lines: u64) -> PathBuf {
    let path = dir.join("shop.csv");
    std::fs::write(&path, shop(lines, 0.002)).unwrap();
    path
}

#[test]
fn a_run_leaves_its_page_once_and_report_makes_it_again() {
    let temporary = tempfile::tempdir().unwrap();
    let (dir, data) = (temporary.path(), temporary.path().join("data"));
    let sales = sales(dir, 20_000);
    let first = run(&sales, &data, &["--no-publish", "--as-of", "2025-09-30"]);
    let second = run(&sales, &data, &["--no-publish"]);
    let path = second["report_path"].as_str().unwrap();
    assert_eq!(
        Path::new(path),
        data.join(second["artifacts"]["report.html"]["key"].as_str().unwrap())
    );
    let written = page(&data, &second);
    let said = document(&written);
    assert_eq!(said["headline"]["customers"], second["customers"]);
    assert_eq!(said["model"]["action"], "apply");
    assert_eq!(said["model"]["training_customers"], first["customers"]);
    assert_eq!(said["flow"]["since"], first["run_id"]);
    assert_eq!(said["flow"]["cells"], second["migrations"]["matrix"]);
    assert_eq!(
        said["quality"]["quarantined"],
        second["counts"]["rows_quarantined"]
    );
    assert!(
        !said["quality"]["reasons"][0]["samples"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let earlier = document(&page(&data, &first));
    assert_eq!(earlier["model"]["action"], "fit");
    assert!(earlier["flow"].is_null());

    // The same run again leaves the page alone.
    let modified = |path: &str| std::fs::metadata(path).unwrap().modified().unwrap();
    let before = modified(path);
    let again = run(&sales, &data, &["--no-publish"]);
    assert_eq!(again["run_id"], second["run_id"]);
    assert_eq!(modified(path), before);
    assert!(page(&data, &second) == written, "another page");

    // The latest run's, to a file; the same document, the stages' times among it.
    let file = dir.join("page.html");
    let (code, said) = report(&["-o", file.to_str().unwrap()], &data);
    assert_eq!(code, Some(0), "{said}");
    let again = document(&std::fs::read_to_string(&file).unwrap());
    assert!(again == document(&written), "another document");

    // A named run's, in its place, though it was lost.
    let id = first["run_id"].as_str().unwrap();
    let place = data.join("runs").join(id).join("report.html");
    let lost = std::fs::read_to_string(&place).unwrap();
    std::fs::remove_file(&place).unwrap();
    let (code, said) = report(&[id], &data);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(place.to_str().unwrap()), "{said}");
    let again = document(&std::fs::read_to_string(&place).unwrap());
    assert!(again == document(&lost), "another document");

    let (code, said) = report(&["00000000000000000000"], &data);
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = report(&["../../etc"], &data);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = report(&[], dir);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn the_same_upload_elsewhere_has_the_same_document() {
    let temporary = tempfile::tempdir().unwrap();
    let sales = sales(temporary.path(), 12_000);
    let documents: Vec<Value> = ["a", "b"]
        .iter()
        .map(|name| {
            let data = temporary.path().join(name);
            let manifest = run(&sales, &data, &["--no-publish"]);
            lasting(&page(&data, &manifest))
        })
        .collect();
    assert_eq!(documents[0], documents[1]);
}

/// The point of somebody who was erased is on no page, and the manifest knows the new pages.
#[test]
fn an_erasure_draws_the_pages_again() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let sales = sales(temporary.path(), 12_000);
    let manifest = run(&sales, &data, &["--no-publish"]);
    let before = document(&page(&data, &manifest));
    let table = artifact(&data, &manifest, "segments.parquet");
    let rows = shared::tables::read_segments(table.into(), "segments.parquet").unwrap();
    let somebody = rows.features.customer_id[7].as_str();
    let output = insiders(&["erase", "--dir", data.to_str().unwrap(), "--", somebody]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let now: Value = serde_json::from_slice(&artifact(&data, &manifest, "manifest.json")).unwrap();
    let written = page(&data, &now);
    let listed = &now["artifacts"]["report.html"];
    assert_eq!(listed["sha256"], shared::store::sha256(written.as_bytes()));
    let after = document(&written);
    let customers = before["headline"]["customers"].as_u64().unwrap() - 1;
    assert_eq!(after["headline"]["customers"], customers);
    assert_eq!(after["points"]["count"], customers);
    assert_ne!(after["points"]["x"], before["points"]["x"]);
    let sizes = after["segments"].as_array().unwrap().iter();
    assert_eq!(
        sizes.map(|s| s["customers"].as_u64().unwrap()).sum::<u64>(),
        customers
    );
}
