//! How errors are worded, in all crates.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What follows `#[error("...")]` up to the end of the variant, with its message.
fn variants(source: &str) -> Vec<(&str, &str)> {
    let mut variants = Vec::new();
    for (start, _) in source.match_indices("#[error(\"") {
        let message = &source[start + "#[error(\"".len()..];
        let Some((message, rest)) = message.split_once("\")]") else { continue };
        let end = rest.find("#[error(").unwrap_or(rest.len());
        let end = rest[..end].find("\n}").unwrap_or(end);
        variants.push((message, &rest[..end]));
    }
    variants
}

/// A chain of causes is printed one after the other: what names its cause in its message must not have it as its source too.
#[test]
fn no_error_names_its_cause_twice() {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    let mut num_variants = 0;
    let mut twice = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for (message, variant) in variants(&source) {
            num_variants += 1;
            let names_first = message.contains("{0}") || message.contains("{0:");
            let unnamed = names_first && (variant.contains("(#[from]") || variant.contains("(#[source]"));
            // A field of this name is a source by itself.
            let named = message.contains("{source") || (variant.contains("#[source]") && message.contains("{cause"));
            if unnamed || named {
                twice.push(format!("{}: {message}", file.display()));
            }
        }
    }
    assert!(num_variants > 300, "{num_variants}");
    assert!(twice.is_empty(), "{twice:#?}");
}
