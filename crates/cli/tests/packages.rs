//! Every crate that can be published says what a registry shows, and its package is complete.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The crates of the workspace that can be published.
fn published() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().filter(|package| package["publish"].is_null()).cloned().collect()
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or_else(|| panic!("{} has no {field}", package["name"]))
}

#[test]
fn every_published_crate_says_what_a_registry_shows() {
    let packages = published();
    assert!(packages.len() >= 20, "{}", packages.len());
    for package in &packages {
        let name = text(package, "name");
        assert!(
            !text(package, "description").is_empty()
                && !text(package, "repository").is_empty()
                && !text(package, "rust_version").is_empty()
        );
        for field in ["keywords", "categories"] {
            let count = package[field].as_array().unwrap().len();
            assert!((1..=5).contains(&count), "{name} has {count} {field}");
        }
    }
}

#[test]
fn every_published_crate_has_a_readme_and_its_licences() {
    for package in published() {
        let name = text(&package, "name");
        let folder = Path::new(text(&package, "manifest_path")).parent().unwrap();
        let readme = std::fs::read_to_string(folder.join(text(&package, "readme"))).unwrap();
        let lines = readme.lines().count();
        assert!(readme.starts_with("# ") && lines >= 8, "README.md of {name}");
        for (licence, file) in [("MIT", "LICENSE-MIT"), ("Apache-2.0", "LICENSE-APACHE")] {
            let has = std::fs::read_to_string(folder.join(file)).is_ok();
            assert_eq!(has, text(&package, "license").contains(licence), "{file} of {name}");
        }
    }
}

#[test]
fn what_published_crates_depend_on_has_a_version() {
    for package in published() {
        for dependency in package["dependencies"].as_array().unwrap() {
            // What tests alone need of the workspace is left out of packages.
            if dependency["kind"].as_str() != Some("dev") {
                assert_ne!(dependency["req"].as_str(), Some("*"), "{} depends on {}", package["name"], dependency["name"]);
            }
        }
    }
}
