//! Nothing else in the workspace writes files.

use std::fs;
use std::path::{Path, PathBuf};

/// What makes or changes a file.
const WRITES: [&str; 9] =
    ["fs::write", "File::create", "OpenOptions", "fs::rename", "fs::copy", "hard_link", "NamedTempFile", "set_permissions", "set_len"];

/// `/proc/self/clear_refs`, which is no file.
const EXCEPT: &str = "crates/cli/src/memory.rs";

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn files_are_written_by_this_crate_alone() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for member in fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path()) {
        if !member.ends_with("files") {
            sources(&member.join("src"), &mut files);
        }
    }
    assert!(files.len() > 100, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Unit tests are at the end of a file, or files of their own.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let is_tests = file.ends_with("tests.rs") || file.components().any(|part| part.as_os_str() == "tests");
        let writes = WRITES.iter().find(|write| code.contains(*write));
        assert!(is_tests || file.ends_with(EXCEPT) || writes.is_none(), "{} uses {}", file.display(), writes.unwrap_or(&""));
    }
}
