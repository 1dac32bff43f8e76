//! Input that can't be used: one clear line, the right exit code, nothing left behind.

use std::path::Path;

use crate::parts::{HEADER, insiders, shop};

fn fails(dir: &Path, name: &str, bytes: &[u8], code: i32, says: &[&str]) {
    let input = dir.join(name);
    std::fs::write(&input, bytes).unwrap();
    let store = dir.join("data");
    let output = insiders(&[
        "run",
        input.to_str().unwrap(),
        "--dir",
        store.to_str().unwrap(),
        "--no-publish",
    ]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{name}: {errors}");
    assert_eq!(errors.trim_end().lines().count(), 1, "{name}: {errors}");
    for text in says {
        assert!(
            errors.contains(text),
            "{name}: '{text}' is not in: {errors}"
        );
    }
    assert!(output.stdout.is_empty(), "{name}");
    let runs = std::fs::read_dir(store.join("runs")).unwrap().count();
    assert_eq!(runs, 0, "{name}: a partial run is visible");
    assert!(!store.join("models/champion.json").exists(), "{name}");
    eprintln!("{name:<24} exit {code}: {}", errors.trim_end());
}

#[test]
fn bad_input_is_refused_with_one_line_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let check = |name: &str, bytes: &[u8], says: &[&str]| fails(dir.path(), name, bytes, 3, says);
    let line = "1,A1,x,1,1/1/2011 9:00,1,7,UK\n";
    let few: String = (0..10)
        .map(|i| format!("{i},A1,x,1,1/1/2011 9:00,1,{i},UK\n"))
        .collect();
    let utf16: Vec<u8> = HEADER.bytes().flat_map(|byte| [byte, 0]).collect();
    check("empty.csv", b"", &["is empty"]);
    check("header-only.csv", HEADER.as_bytes(), &["not one row"]);
    check(
        "no-price.csv",
        HEADER.replace("UnitPrice,", "").as_bytes(),
        &["'UnitPrice' is missing", "'CustomerID'"],
    );
    check(
        "semicolons.csv",
        HEADER.replace(',', ";").as_bytes(),
        &["delimiter looks like ';'"],
    );
    check(
        "binary.csv",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
        &["a binary file"],
    );
    check("book.csv", b"PK\x03\x04\x14\0\0\0\x08\0", &["Excel"]);
    check("utf-16.csv", &utf16, &["utf-16"]);
    check(
        "utf-16-bom.csv",
        &[&b"\xff\xfe"[..], &utf16[..]].concat(),
        &["utf-16"],
    );
    let returns = line.replace(",1,1/", ",-1,1/");
    check(
        "nobody.csv",
        format!("{HEADER}{returns}").as_bytes(),
        &["no customer is left"],
    );
    check(
        "few.csv",
        format!("{HEADER}{few}").as_bytes(),
        &["10 customers", "11"],
    );
    check(
        "dirty.csv",
        &shop(5_000, 0.02),
        &["2.0%", "max_quarantined_share", "line"],
    );
}

#[test]
fn what_is_missing_is_named_and_the_run_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("data");
    let sales = dir.path().join("shop.csv");
    std::fs::write(&sales, shop(20_000, 0.0)).unwrap();
    let (store, sales) = (store.to_str().unwrap(), sales.to_str().unwrap());

    let output = insiders(&["run", "no-such-file.csv", "--dir", store, "--no-publish"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-file.csv"));

    // Nobody listens on port 1.
    let url = "postgres://nobody:secret@127.0.0.1:1/shop";
    let output = insiders(&["run", sales, "--dir", store, "--database-url", url]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("Postgres") && errors.contains("127.0.0.1:1"),
        "{errors}"
    );
    assert!(!errors.contains("secret"), "{errors}");
    let output = insiders(&["run", sales, "--dir", store, "--no-publish", "--json"]);
    assert!(output.status.success());

    let output = insiders(&["run", sales, "--dir", store, "--mode", "guess"]);
    assert_eq!(output.status.code(), Some(2));
}
