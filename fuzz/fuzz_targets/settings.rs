//! `insiders.toml`: refused by name, or valid and the same when it is written and read again.
#![no_main]

use fuzz::check;
use libfuzzer_sys::fuzz_target;
use shared::contracts::{Mode, ObjectRef, Request, Run, Source};
use shared::settings::{Guests, History, Settings};
use shared::transactions::clean::Rules;

/// The id of a run with these settings: what its digest is made of.
fn run_id(settings: &Settings) -> String {
    let (bucket, key) = ("b".to_owned(), "uploads/sales.csv".to_owned());
    let request = Request {
        source: ObjectRef {
            bucket: bucket.clone(),
            key: key.clone(),
            version: None,
        },
        mode: Mode::Fit,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    };
    let source = Source {
        bucket,
        key,
        version: None,
        etag: "\"1\"".to_owned(),
        size: 1,
    };
    Run::plan("b", &request, source, settings.clone(), None)
        .unwrap()
        .run_id
}

/// What every stage takes for granted.
fn valid(settings: &Settings) {
    let source = &settings.source;
    assert!(source.delimiter.is_ascii() && !['"', '\r', '\n'].contains(&source.delimiter));
    assert!(
        source
            .window_days
            .is_none_or(|days| (1..=36_500).contains(&days))
    );
    let is_numbered = settings.cleaning.guests == Guests::Sequential;
    assert!(source.history == History::Snapshot || !is_numbered);
    Rules::new(&settings.cleaning).unwrap();
    let share = 0.0..=1.0;
    assert!(share.contains(&settings.cleaning.max_quarantined_share));
    assert!((1..=10_000).contains(&settings.embedding.trees));
    assert!((2..=1_000).contains(&settings.embedding.n_neighbors));
    assert!((0.0..1.0).contains(&settings.embedding.min_dist));
    assert!((2..=1_000).contains(&settings.clustering.k));
    let gates = &settings.gates;
    assert!(gates.max_psi >= 0.0 && share.contains(&gates.max_moved_share));
    assert!(share.contains(&gates.max_share_shift) && share.contains(&gates.max_ks));
    assert!((2..=10).contains(&settings.rfm.cuts));
    assert!((1..=3_650).contains(&settings.value.horizon_days));
    assert!(settings.publish.keep_runs >= 1);
}

fuzz_target!(|text: &str| {
    let settings = match Settings::parse(text, "insiders.toml") {
        Ok(settings) => settings,
        Err(error) => {
            assert!(error.to_string().starts_with("insiders.toml: "), "{error}");
            return check(&error);
        }
    };
    valid(&settings);
    let id = run_id(&settings);
    // From stage to stage they go as JSON.
    let json = serde_json::to_string(&settings).unwrap();
    let handed: Settings = serde_json::from_str(&json).unwrap();
    assert_eq!(handed, settings);
    assert_eq!(run_id(&handed), id);
    let written = toml::to_string(&settings).unwrap();
    let again = Settings::parse(&written, "insiders.toml").unwrap();
    assert_eq!(again, settings);
    assert_eq!(run_id(&again), id);
});
