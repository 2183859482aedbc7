//! Where an operator is spoken of, in the whole workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of the workspace, relative to its root.
type Files = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sources in `folder`, tests apart.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The files with a `match` on operators that has no wildcard arm: each has one for the last operator.
fn matching() -> Files {
    let root = root();
    let mut paths = Vec::new();
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            sources(&source, &mut paths);
        }
    }
    let is_arm = |line: &str| {
        ["Op::Concat(", "OpRecord::Concat ", "Self::Concat"]
            .iter()
            .any(|variant| line.find(variant).is_some_and(|at| line[at..].contains("=>")))
    };
    let has_match = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.split("\nmod tests {").next().unwrap().lines().any(is_arm)
    };
    let name = |path: PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    paths.into_iter().filter(has_match).map(name).collect()
}

/// The first column of the table in CONTRIBUTING.md, *Add an operator*.
fn listed() -> Files {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let section = page.split("## Add an operator").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

#[test]
fn an_operator_touches_the_files_that_contributing_lists() {
    let (found, listed) = (matching(), listed());
    let missing: Vec<_> = found.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md, Add an operator, lacks {missing:?}");
    assert!(stale.is_empty(), "CONTRIBUTING.md, Add an operator, has files without a match on operators: {stale:?}");
}
