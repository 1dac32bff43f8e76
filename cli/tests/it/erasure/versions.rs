//! A bucket that keeps every version, as the one on AWS does: none of them may know the
//! people afterwards.

use std::process::Command;
use std::sync::Arc;

use insiders::pipeline::{self, Target};
use shared::contracts::{Mode, ObjectRef, Request};
use shared::history::ledger;
use shared::progress::Silent;
use shared::settings::Settings;
use shared::store::{Endpoint, Patience, Store};

use self::memory::Memory;
use super::scan::unpacked;
use super::{NEEDLES, PEOPLE, SETTINGS, with_them};

mod memory;

const KEYS: [&str; 2] = ["AKIDEXAMPLE", "secret"];

async fn run(store: &Store, key: &str, bytes: &[u8]) -> shared::contracts::Manifest {
    let body = bytes.to_vec().into();
    store.put(key, "text/csv", body).await.unwrap();
    again(store, key, None).await
}

async fn again(store: &Store, key: &str, version: Option<String>) -> shared::contracts::Manifest {
    let request = Request {
        source: ObjectRef {
            bucket: store.bucket().to_owned(),
            key: key.to_owned(),
            version,
        },
        mode: Mode::Auto,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: shared::contracts::Scale::default(),
    };
    let settings = Some(Settings::parse(SETTINGS, "t").unwrap());
    let dir = tempfile::tempdir().unwrap();
    let nowhere = Target::Nothing;
    pipeline::run(
        store,
        dir.path(),
        request,
        settings,
        &nowhere,
        Arc::new(Silent),
    )
    .await
    .unwrap()
    .manifest
}

fn named(memory: &Memory) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in memory.everything() {
        let text = unpacked(bytes.to_vec());
        let is_in = |needle: &&str| {
            memchr::memmem::find(&text, needle.as_bytes()).is_some()
                || memchr::memmem::find(&bytes, needle.as_bytes()).is_some()
        };
        if NEEDLES.iter().any(is_in) {
            found.push(place);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_version_of_any_object_knows_them() {
    let memory = Memory::default();
    let url = memory.serve(KEYS).await;
    let endpoint = Endpoint {
        url: url.clone(),
        region: "us-east-1".to_owned(),
        access_key: KEYS[0].to_owned(),
        secret_key: KEYS[1].to_owned(),
        patience: Patience::default(),
    };
    let store = Store::at(&endpoint, "insiders");
    let parts: Vec<Vec<u8>> = {
        let csv = crate::parts::shop(12_000, 0.0);
        let lines: Vec<&[u8]> = csv.split_inclusive(|&byte| byte == b'\n').collect();
        let (header, lines) = lines.split_first().unwrap();
        let chunks = lines.chunks(lines.len().div_ceil(4));
        chunks
            .map(|chunk| [header, &chunk.concat()[..]].concat())
            .collect()
    };
    // One name twice: the ledger reads the first version of it, which is not the latest. Then
    // one that is deleted and still read, one that nobody is in, and a version that nothing
    // reads any more.
    run(&store, "uploads/sales.csv", &with_them(&parts[0], 2)).await;
    run(&store, "uploads/sales.csv", &parts[1]).await;
    run(&store, "uploads/gone.csv", &with_them(&parts[2], 3)).await;
    store.remove("uploads/gone.csv", None).await.unwrap();
    let unread = with_them(&parts[2], 5).into();
    store
        .put("uploads/unread.csv", "text/csv", unread)
        .await
        .unwrap();
    store
        .put("uploads/unread.csv", "text/csv", parts[0].clone().into())
        .await
        .unwrap();
    let last = run(&store, "uploads/last.csv", &parts[3]).await;
    let newest = store.newest("uploads/").await.unwrap();
    assert_eq!(newest, "uploads/last.csv");
    assert!(named(&memory).len() > 10);
    let (listed, _) = ledger(&store).await.unwrap().unwrap();
    assert_eq!(listed.uploads.len(), 4);

    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("insiders.toml");
    std::fs::write(&config, SETTINGS).unwrap();
    let mut erase = Command::new(env!("CARGO_BIN_EXE_insiders"));
    erase
        .args([
            "erase",
            "--bucket",
            "insiders",
            "--config",
            config.to_str().unwrap(),
            "--json",
        ])
        .args(PEOPLE)
        .env("AWS_ENDPOINT_URL", &url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", KEYS[0])
        .env("AWS_SECRET_ACCESS_KEY", KEYS[1]);
    let output = tokio::task::spawn_blocking(move || erase.output().unwrap())
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{report:#}");
    assert_eq!(named(&memory), Vec::<String>::new());

    // What is newest, what is the latest of a name, and what is deleted stay what they were.
    assert_eq!(store.newest("uploads/").await.unwrap(), "uploads/last.csv");
    assert_eq!(store.get("uploads/sales.csv").await.unwrap(), parts[1]);
    assert!(
        store
            .get_optional("uploads/gone.csv")
            .await
            .unwrap()
            .is_none()
    );
    let (now, _) = ledger(&store).await.unwrap().unwrap();
    assert_eq!(now.uploads.len(), 4);
    let pinned = &now.uploads[0].source;
    assert_eq!(pinned.key, "uploads/sales.csv");

    // The history is read as before, without them, and the event of the rewritten upload, or
    // the original bytes under another name, add nothing.
    let without = again(&store, "uploads/sales.csv", pinned.version.clone()).await;
    let (was, is) = (&last.counts, &without.counts);
    assert_eq!(is.rows_read, was.rows_read - 12);
    let original = with_them(&parts[0], 2);
    let same = run(&store, "uploads/again.csv", &original).await;
    assert_eq!(same.run.run_id, without.run.run_id);
}
