//! Where the reference data lie.

use std::path::{Path, PathBuf};

/// The reference data: `$VERINFER_DATA`, by default `../shared/data` beside the workspace.
///
/// `None` only if `VERINFER_DATA=none` says to do without; data that are merely missing are a failure, so that no run passes by accident.
pub fn data() -> Option<PathBuf> {
    let root = match std::env::var_os("VERINFER_DATA") {
        Some(value) if value == "none" => {
            println!("SKIPPED: reference data not found");
            return None;
        }
        Some(value) => PathBuf::from(value),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    assert!(
        root.join("golden").is_dir(),
        "reference data not found at {}: set VERINFER_DATA to their folder, or to 'none' to do without these tests",
        root.display()
    );
    Some(root)
}

/// The bytes of a model of the reference data.
#[allow(dead_code)]
pub fn model_bytes(root: &Path, name: &str) -> Vec<u8> {
    let path = root.join("models").join(format!("{name}.tflite"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Bytes of an 8-bit tensor as values.
#[allow(dead_code)]
pub fn values(bytes: &[u8], signed: bool) -> Vec<i16> {
    bytes.iter().map(|&byte| if signed { i16::from(byte as i8) } else { i16::from(byte) }).collect()
}
