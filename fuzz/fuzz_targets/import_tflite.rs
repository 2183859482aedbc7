//! Any bytes are imported or refused, and the survey agrees with the importer. Seeds: the `.tflite` files of `models/`.
//!
//! ```text
//! cargo +nightly fuzz run import_tflite fuzz/corpus/import_tflite models/digits
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use verinfer_import::{import_tflite, survey};

fuzz_target!(|bytes: &[u8]| {
    let imported = import_tflite(bytes);
    let surveyed = survey(bytes);
    assert_eq!(imported.is_ok(), surveyed.is_ok_and(|survey| survey.is_supported()));
});
