//! Parquet: refused as damaged, or read whole. The decoder of the parquet crate panics on
//! some damage, which `read_batches` makes an error: those panics are let pass here, and any
//! that comes out of our own reading still ends the process.
#![no_main]

use fuzz::check;
use libfuzzer_sys::fuzz_target;
use shared::tables::{read_features, read_segments};

fuzz_target!(
    // libFuzzer's own hook aborts before a panic can be caught.
    init: std::panic::set_hook(Box::new(|_| {})),
    |input: &[u8]| {
        let bytes = input.to_vec();
        match read_features(bytes.clone().into(), "t") {
            Ok(features) => {
                let n = features.len();
                assert_eq!(features.gross_revenue.len(), n);
                assert_eq!(features.value.clv.len(), n);
                assert!(features.frequency.iter().all(|x| x.is_finite()));
            }
            Err(error) => {
                assert_eq!(error.name(), "Insiders.Corrupt");
                check(&error);
            }
        }
        match read_segments(bytes.into(), "t") {
            Ok(rows) => assert_eq!(rows.label.len(), rows.features.len()),
            Err(error) => {
                assert_eq!(error.name(), "Insiders.Corrupt");
                check(&error);
            }
        }
    }
);
