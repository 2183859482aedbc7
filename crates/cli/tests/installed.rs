//! What belongs to an installed program: its version, completions for shells, manual pages.

mod common;

use std::fs;

use common::verinfer;

#[test]
fn the_version_names_the_build() {
    let version = verinfer(["--version"]);
    assert_eq!(version.code, Some(0));
    let start = concat!("verinfer ", env!("CARGO_PKG_VERSION"), " (");
    let rest = version.stdout.strip_prefix(start).unwrap_or_else(|| panic!("{}", version.stdout));
    let (origin, arithmetic) = rest.strip_suffix(")\n").unwrap().rsplit_once(", ").unwrap();
    // Only release builds ask for the commit.
    assert_eq!(origin == "development", cfg!(debug_assertions), "{origin}");
    assert!(["avx512", "avx2", "neon", "portable"].contains(&arithmetic), "{arithmetic}");
}

#[test]
fn completions_are_a_script_of_the_shell() {
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef verinfer"), ("fish", "complete -c verinfer")] {
        let script = verinfer(["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(script.stdout.contains(word), "{shell}");
    }
    verinfer(["completions", "tcsh"]).assert_error("tcsh");
}

#[test]
fn a_manual_page_is_written_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    let written = verinfer(["man", "--json", "--out", out.to_str().unwrap()]);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let json = written.json();
    let pages = json["pages"].as_array().unwrap();
    assert_eq!(pages.len(), fs::read_dir(&out).unwrap().count());
    let page = fs::read_to_string(out.join("verinfer-escrow-serve.1")).unwrap();
    assert!(page.contains(".SH OPTIONS"), "{page}");
}
