//! Seeds of fuzzing that no text editor writes: models, tables and all settings, one folder a
//! target. `fuzz/seed` runs it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods
)]

use std::fs;
use std::path::Path;

use shared::evaluation::Reference;
use shared::settings::{Profile, Settings};

// The rows of the models are for tests.
#[allow(dead_code)]
#[path = "../tests/small/mod.rs"]
mod small;

/// A safetensors file as the target `bundle` takes it: header, line end, data, kind.
fn framed(file: &[u8], kind: u8) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    [header.trim_ascii_end(), b"\n", data, &[kind, 0]].concat()
}

fn main() {
    let dir = std::env::args_os().nth(1).expect("usage: seeds DIR");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = Path::new(&dir).join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    };
    let models = small::models();
    let reference = Reference::of(&small::features()).unwrap();
    let mut reference = framed(&reference.to_bytes().unwrap(), 4);
    // The target has its data.
    let end = reference.iter().position(|&byte| byte == b'\n').unwrap();
    reference.drain(end + 1..reference.len() - 2);
    for (kind, file) in [
        models.scaler.to_bytes().unwrap(),
        models.forest.to_bytes().unwrap(),
        models.umap.to_bytes().unwrap(),
        models.kmeans.to_bytes().unwrap(),
    ]
    .iter()
    .enumerate()
    {
        let kind = kind as u8;
        write("bundle", &format!("{kind}"), &framed(file, kind));
        write(
            "bundle",
            &format!("{kind}-raw"),
            &[&file[..], &[kind, 1]].concat(),
        );
    }
    write("bundle", "4", &reference);
    write("tables", "features", &small::features_table());
    let segments = small::segments();
    write("tables", "segments", &small::segments_table(&segments));
    for (name, profile) in [
        ("default", Profile::Default),
        ("notebook", Profile::Notebook),
    ] {
        let json = serde_json::to_vec(&Settings::of(profile)).unwrap();
        write("settings", &format!("{name}.json"), &json);
    }
}
