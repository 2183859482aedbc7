//! Tells the command line of which commit it is, in release builds: from the repository, or from what `cargo package` wrote down.
//!
//! Development builds do not ask, so that no commit compiles them again. Without git and outside of a repository there is nothing to tell.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What of the repository becomes part of the program, from its root.
const SOURCES: [&str; 5] = ["crates", "models", "Cargo.toml", "Cargo.lock", ".cargo"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    if let Some(commit) = of_repository(&folder).or_else(|| of_package(&folder)) {
        println!("cargo::rustc-env=VERINFER_COMMIT={commit}");
    }
}

/// Commit and date, if the folder is `crates/cli` of a repository: the sources of a package may lie in somebody else's.
fn of_repository(folder: &Path) -> Option<String> {
    if git(folder, &["rev-parse", "--show-prefix"])? != "crates/cli/" {
        return None;
    }
    let root = folder.join("../..");
    // What git writes when another commit is checked out or made: the log of HEAD or, without one, HEAD, its branch, and all packed branches.
    let branch = git(folder, &["symbolic-ref", "-q", "HEAD"]).unwrap_or_default();
    for name in ["logs/HEAD", "HEAD", &branch, "packed-refs"] {
        if let Some(path) = git(folder, &["rev-parse", "--git-path", name]) {
            watch(&folder.join(path));
        }
    }
    // Whoever changes a source has other sources than the commit's.
    for entry in fs::read_dir(root.join("crates")).into_iter().flatten().flatten() {
        watch(&entry.path().join("src"));
    }
    for name in ["models", "Cargo.toml", "Cargo.lock", ".cargo"] {
        watch(&root.join(name));
    }
    let commit = git(&root, &["log", "-1", "--abbrev=7", "--format=%h %cs"])?;
    let changes = git(&root, &[["status", "--porcelain", "--untracked-files=no", "--"].as_slice(), &SOURCES].concat())?;
    Some(if changes.is_empty() { commit } else { format!("{commit} with changes") })
}

/// The commit in `.cargo_vcs_info.json`, which `cargo package` writes.
fn of_package(folder: &Path) -> Option<String> {
    let path = folder.join(".cargo_vcs_info.json");
    let text = fs::read_to_string(&path).ok()?;
    watch(&path);
    let hash = text.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    let commit = hash.get(..7).filter(|commit| commit.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some(if text.contains("\"dirty\": true") { format!("{commit} with changes") } else { commit.to_owned() })
}

/// Cargo runs this again when the file or anything in the folder changes. A missing file would change always.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// What git prints, without the line's end; nothing if it fails or is not there.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
