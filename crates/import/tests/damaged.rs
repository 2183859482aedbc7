//! Damaged files give errors, never panics.

use proptest::prelude::*;
use verinfer_import::{import_tflite, survey};

mod common;

const MODELS: [&str; 4] = ["hello_world_int8", "emnist_byclass_st_mnist_v1_28_tfs_int8", "kws_ref_model", "pretrainedResnet_quant"];

fn import_and_survey(bytes: &[u8]) {
    let imported = import_tflite(bytes);
    let surveyed = survey(bytes);
    assert_eq!(imported.is_ok(), surveyed.is_ok_and(|survey| survey.is_supported()), "{:?}", imported.err());
}

/// Tables and strings of these files lie at the beginning and the end, weights between.
fn position(length: usize, raw: usize) -> usize {
    let near = raw / 3 % length.min(6000);
    match raw % 3 {
        0 => near,
        1 => length - 1 - near,
        _ => raw / 3 % length,
    }
}

#[test]
fn changed_bytes_never_panic() {
    let Some(root) = common::data() else { return };
    let models: Vec<Vec<u8>> = MODELS.iter().map(|name| common::model_bytes(&root, name)).collect();
    let changes = prop::collection::vec((any::<usize>(), any::<u8>()), 1..8);
    let cases = if cfg!(debug_assertions) { 256 } else { 4096 };
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..Default::default() });
    runner
        .run(&(0..models.len(), changes), |(model, changes)| {
            let mut bytes = models[model].clone();
            for (raw, value) in changes {
                let at = position(bytes.len(), raw);
                bytes[at] ^= value;
            }
            import_and_survey(&bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn truncated_files_never_panic() {
    let Some(root) = common::data() else { return };
    for name in MODELS {
        let bytes = common::model_bytes(&root, name);
        for length in (0..bytes.len()).step_by(bytes.len() / 200 + 1) {
            import_and_survey(&bytes[..length]);
            import_and_survey(&bytes[length..]);
        }
    }
}

proptest! {
    #[test]
    fn noise_with_the_identifier_never_panics(mut noise in prop::collection::vec(any::<u8>(), 8..400)) {
        noise[4..8].copy_from_slice(b"TFL3");
        import_and_survey(&noise);
    }
}
