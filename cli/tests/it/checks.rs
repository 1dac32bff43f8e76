//! An export held against that of the run before.

use std::path::Path;

use serde_json::Value;

use crate::parts::{insiders, shop};

const SETTINGS: &str = "[embedding]\ntrees = 20\n[clustering]\nk = 4\nn_init = 5\n";

struct Shop {
    dir: tempfile::TempDir,
}

impl Shop {
    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, csv: &str, settings: &str) -> std::process::Output {
        std::fs::write(self.path("shop.csv"), csv).unwrap();
        std::fs::write(self.path("insiders.toml"), format!("{SETTINGS}{settings}")).unwrap();
        insiders(&[
            "run",
            &self.path("shop.csv"),
            "--dir",
            &self.path("data"),
            "--config",
            &self.path("insiders.toml"),
            "--no-publish",
            "--json",
        ])
    }

    fn manifest(&self, csv: &str, settings: &str) -> Value {
        let output = self.run(csv, settings);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The lines that are ASCII and without a quoted field, which may hold a comma.
fn plain(csv: &[u8]) -> String {
    let text = String::from_utf8_lossy(csv);
    let lines = text
        .lines()
        .filter(|line| line.is_ascii() && !line.contains('"'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The lines with another price, another header and a column more; the last line goes.
fn changed(csv: &str) -> String {
    let mut lines: Vec<&str> = csv.lines().collect();
    lines.pop();
    let header = lines[0];
    let names: Vec<&str> = header.split(',').collect();
    let price = names.iter().position(|name| *name == "UnitPrice").unwrap();
    let customer = names.iter().position(|name| *name == "CustomerID").unwrap();
    let mut out = vec![format!("{header},Channel")];
    for line in &lines[1..] {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        fields[price] = fields[price].replace('.', "");
        if !fields[customer].is_empty() {
            fields[customer].push_str(".0");
        }
        out.push(format!("{},web", fields.join(",")));
    }
    out.join("\n")
}

#[test]
fn what_differs_is_told_and_stops_the_run_where_it_is_to() {
    let shop_dir = Shop {
        dir: tempfile::tempdir().unwrap(),
    };
    let csv = plain(&shop(8_000, 0.0));
    let lines = csv.lines().count() as u64 - 1;
    let first = shop_dir.manifest(&csv, "");
    assert_eq!(
        first["checks"],
        Value::Null,
        "there is nothing to compare with"
    );
    let quality = std::fs::read(
        Path::new(&shop_dir.path("data/runs"))
            .join(first["run_id"].as_str().unwrap())
            .join("quality.json"),
    );
    let quality: Value = serde_json::from_slice(&quality.unwrap()).unwrap();
    let profile = &quality["column_profile"];
    assert_eq!(profile["invoice_no"]["values"], lines);
    assert_eq!(
        profile["customer_id"]["top"],
        Value::Null,
        "ids are nobody's business"
    );
    let top = &profile["country"]["top"][0];
    let rows = csv.matches(top[0].as_str().unwrap()).count() as u64;
    assert_eq!(top[1], rows, "{top}");

    let other = changed(&csv);
    let stop = "[checks]\nunits = 'stop'\ntypes = 'off'\n";
    let output = shop_dir.run(&other, stop);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("unit_price: the median was"), "{said}");
    assert!(said.contains("(checks.units)"), "{said}");
    assert_eq!(
        std::fs::read_dir(shop_dir.path("data/runs"))
            .unwrap()
            .count(),
        2,
        "the first run and the index: nothing of the second"
    );

    let second = shop_dir.manifest(&other, "");
    let kinds: Vec<&str> = second["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["columns", "types", "units", "freshness"],
        "{}",
        second["checks"]
    );
    assert_eq!(second["checks"][0]["message"], "column 'Channel' is new");

    let old = shop_dir.manifest(&csv.replace('\n', "\r\n"), "[checks]\nmax_age_days = 3\n");
    let checks = old["checks"].to_string();
    assert!(checks.contains("days old when it was uploaded"), "{checks}");
}

#[test]
fn a_purchase_after_the_upload_is_told() {
    let shop_dir = Shop {
        dir: tempfile::tempdir().unwrap(),
    };
    let csv = plain(&shop(8_000, 0.0));
    let (header, last) = (csv.lines().next().unwrap(), csv.lines().last().unwrap());
    let date = header
        .split(',')
        .position(|name| name == "InvoiceDate")
        .unwrap();
    let mut fields: Vec<&str> = last.split(',').collect();
    fields[date] = "1/1/9999 9:00";
    let slipped = format!("{csv}{}\n", fields.join(","));
    let told = shop_dir.manifest(&slipped, "");
    let checks = told["checks"].to_string();
    assert!(
        checks.contains("9999-01-01T09:00:00, which is after its upload"),
        "{checks}"
    );
    assert_eq!(
        shop_dir.manifest(&csv, "[checks]\nfreshness = 'off'\n")["checks"],
        Value::Null
    );

    let stop = shop_dir.run(&format!("{slipped}\n"), "[checks]\nfreshness = 'stop'\n");
    assert_eq!(stop.status.code(), Some(3));
}
