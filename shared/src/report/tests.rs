//! The page as a whole.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::contracts::{
    Counts, Manifest, Mode, ObjectRef, Quality, Request, Run, RunState, Source,
};
use crate::features::Features;
use crate::segments::next_step::NextStep;
use crate::segments::{Member, Migrations, Profile, Segment};
use crate::settings::Settings;
use crate::tables::SegmentRows;
use crate::value::Value;

const HOSTILE: &str = "</script><script>alert(1)</script><!--";

struct Fixture {
    manifest: Manifest,
    profile: Profile,
    rows: SegmentRows,
    quality: Json,
    defects: Defects,
}

/// `n` customers in three segments, two of them named to break out of the page.
fn fixture(n: usize) -> Fixture {
    let features = Features {
        value: Value::default(),
        customer_id: (0..n).map(|i| format!("id-of-{i:07}")).collect(),
        is_guest: (0..n).map(|i| i % 4 == 0).collect(),
        gross_revenue: (0..n).map(|i| (i % 997) as f64 * 7.31).collect(),
        recency_days: (0..n).map(|i| (i % 370) as i64).collect(),
        quantity_of_products: (0..n).map(|i| (i % 1_234) as i64).collect(),
        returns: (0..n).map(|i| i64::from(i % 9 == 0)).collect(),
        frequency: (0..n).map(|i| (i % 50) as f64 / 400.0).collect(),
    };
    let names = ["Insiders", HOSTILE, "'\"&<b>"].map(str::to_owned);
    let segments = Segment::first(names.to_vec());
    let labels: Vec<u32> = (0..n).map(|i| (i % 3) as u32).collect();
    let profile = Profile::of(&features, &labels, &segments);
    let rows = SegmentRows {
        embedding_x: (0..n).map(|i| (i % 211) as f64 * 0.1).collect(),
        embedding_y: (0..n).map(|i| (i % 101) as f64 * 0.1).collect(),
        label: labels.iter().map(|&label| label.cast_signed()).collect(),
        segment: labels.iter().map(|&l| names[l as usize].clone()).collect(),
        features,
        next_step: vec![NextStep::default(); n],
    };
    let object = ObjectRef {
        bucket: "b".into(),
        key: format!("uploads/{HOSTILE}.csv"),
        version: None,
    };
    let source = Source {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        version: None,
        etag: "\"1\"".into(),
        size: 10,
    };
    let request = Request {
        source: object,
        mode: Mode::Auto,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: crate::contracts::Scale::default(),
    };
    let figures = Quality {
        segments: 3,
        inertia: 12.5,
        silhouette: 0.8,
        silhouette_sample: None,
        rules_f1: None,
        next_step_sample: None,
        next_step_verified_share: None,
    };
    let as_of = "2011-12-09".parse().unwrap();
    let state = RunState {
        run: Run::plan("b", &request, source, Settings::default(), None).unwrap(),
        already_complete: false,
        as_of: Some(as_of),
        counts: Counts {
            rows_read: 100,
            rows_kept: 90,
            rows_dropped: 9,
            rows_quarantined: 1,
            customers: n as u64,
            ..Counts::default()
        },
        checks: Vec::new(),
        promotion: None,
        quality: None,
        artifacts: BTreeMap::new(),
        stages: Vec::new(),
        spark: None,
    };
    Fixture {
        manifest: Manifest::of(&state, figures, as_of),
        profile,
        rows,
        quality: json!({"dropped": {"country": 9, "customer": 0}, "quarantined_by_reason": {HOSTILE: 1}}),
        defects: Defects::default(),
    }
}

impl Fixture {
    fn report(&self) -> Report {
        Report::of(&Inputs {
            manifest: &self.manifest,
            profile: &self.profile,
            rows: &self.rows,
            quality: &self.quality,
            defects: &self.defects,
            model: None,
            before: None,
            value: None,
        })
        .unwrap()
    }
}

fn page(report: &Report) -> String {
    String::from_utf8(render(report).unwrap().to_vec()).unwrap()
}

/// What lies between two texts that the page has once each in this order.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = page.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[test]
fn what_the_data_say_never_ends_the_element_they_are_in() {
    let report = fixture(300).report();
    let page = page(&report);
    let data = between(&page, "id=\"data\">", "</script>");
    assert!(!data.contains('<'));
    // Whoever reads the JSON gets the text that was meant.
    assert!(data.replace("\\u003c", "<") == serde_json::to_string(&report).unwrap());
    let read: Json = serde_json::from_str(data).unwrap();
    let names: Vec<&str> = read["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&HOSTILE), "{names:?}");
    // Two scripts and no more: the data and the one that shows them.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("</style").count(), 1);
}

#[test]
fn the_policy_lets_run_what_is_built_in_and_nothing_else() {
    let page = page(&fixture(30).report());
    let policy = between(
        &page,
        "http-equiv=\"Content-Security-Policy\" content=\"",
        "\"",
    );
    let style = between(&page, "<style>", "</style>");
    let (_, rest) = page.split_once("<script>").unwrap();
    let script = rest.split_once("</script>").unwrap().0;
    let sha = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
            sha(script),
            sha(style)
        )
    );
    assert!(!page.contains("src=") || !page.contains("src=\"http"));
    assert!(!page.contains("@import"));
}

#[test]
fn no_id_is_on_the_page_and_the_same_run_is_the_same_page() {
    let first = page(&fixture(400).report());
    assert!(!first.contains("id-of-"));
    assert_eq!(first, page(&fixture(400).report()));
}

#[test]
fn a_page_of_six_thousand_customers_is_small() {
    let page = page(&fixture(5_695).report());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

/// A run of more customers than a page holds shows a sample, and counts all of them.
#[test]
fn a_large_run_shows_a_sample_and_counts_everybody() {
    let n = MOST_POINTS + 50_000;
    let report = fixture(n).report();
    assert_eq!(report.points.of, n);
    assert!(report.points.count <= MOST_POINTS && report.points.count > MOST_POINTS - 3);
    let decoded = STANDARD.decode(&report.points.segment).unwrap();
    assert_eq!(decoded.len(), report.points.count);
    for found in &report.distributions {
        let bars: u64 = found.counts.iter().flatten().sum();
        let zeros: u64 = found.zeros.iter().flatten().sum();
        assert_eq!(bars + zeros, n as u64, "{}", found.feature);
    }
    let size = page(&report).len();
    assert!(size < 3_000_000, "{size} bytes");
}

/// Of three customers of segment 0, one goes to segment 1, one is gone, and one is new.
#[test]
fn a_card_says_how_its_segment_changed() {
    let mut fixture = fixture(3);
    let member = |customer_id, segment| Member {
        customer_id,
        segment,
        gross_revenue: 1.0,
    };
    let before = [member("a", 0), member("b", 0), member("c", 0)];
    let now = [member("a", 0), member("b", 1), member("d", 0)];
    fixture.manifest.migrations = Some(Migrations::between(
        "r0",
        "2011-11-09".parse().unwrap(),
        before.into_iter(),
        now.into_iter(),
    ));
    let report = fixture.report();
    let card = report.segments.iter().find(|card| card.label == 0).unwrap();
    let change = card.change.as_ref().unwrap();
    assert_eq!((change.before, change.came, change.went), (3, 0, 1));
    assert_eq!((change.entered, change.left), (1, 1));
    let flow = report.flow.unwrap();
    assert_eq!(flow.before.len(), 1);
    assert_eq!(flow.before[0].customers, 3);
    assert_eq!(flow.now.iter().map(|node| node.customers).sum::<u64>(), 3);
}

#[test]
fn a_run_without_customers_has_a_page() {
    let report = fixture(0).report();
    assert!(report.headline.insiders.is_none() && report.distributions.is_empty());
    assert!(page(&report).contains("id=\"data\""));
}

#[test]
fn a_quality_that_is_none_is_refused() {
    let mut fixture = fixture(3);
    fixture.quality = json!({"dropped": "many"});
    let error = DataQuality::of(&fixture.manifest, &fixture.quality, &fixture.defects);
    assert!(error.unwrap_err().to_string().contains("quality.json"));
}
