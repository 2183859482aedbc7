//! `verinfer attack`.

use crate::common::verinfer;

mod common;

#[test]
fn every_forgery_of_an_accepted_proof_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    for context in ["", "for tests"] {
        let path = folder.path().join("proof.vinf").display().to_string();
        assert_eq!(verinfer(["prove", "digits", "sample:3", "--out", &path, "--context", context]).code, Some(0));
        let finished = verinfer(["attack", &path, "--model", "digits", "--context", context, "--per-step", "4", "--json"]);
        assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
        let report = finished.json();
        assert_eq!(report["accepted"].as_array().unwrap().len(), 0);
        assert!(report["forgeries"].as_u64().unwrap() > 400, "{report}");
        assert_eq!(report["rejected"], report["forgeries"]);
        // Each step's messages are attacked, and each kind of check is what stops something.
        let targets: Vec<_> = report["targets"].as_array().unwrap().iter().map(|target| target["target"].as_str().unwrap()).collect();
        for target in [
            "network digest",
            "input",
            "output",
            "commitment",
            "denominator",
            "sacrifice",
            "contraction round",
            "row",
            "sibling",
            "grinding",
        ] {
            assert!(targets.contains(&target), "{targets:?}");
        }
        for reason in ["wrong_network", "zero_denominator", "grinding", "merkle_root", "combined_claim", "not_canonical"] {
            assert!(report["reasons"][reason].as_u64().is_some_and(|count| count > 0), "{reason}: {}", report["reasons"]);
        }
        for change in ["bit flip", "zero", "swap", "removal", "repetition", "non-canonical", "truncation", "extension", "demand"] {
            assert!(report["changes"][change].as_u64().is_some_and(|count| count > 0), "{change}: {}", report["changes"]);
        }
    }
}

#[test]
fn proofs_that_are_not_accepted_to_begin_with_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proof.vinf");
    let name = path.display().to_string();
    std::fs::write(&path, "hello").unwrap();
    verinfer(["attack", &name, "--model", "digits"]).assert_error("is not accepted to begin with: this is not a Verinfer proof");
    verinfer(["attack", "missing.vinf", "--model", "digits"]).assert_error("cannot read missing.vinf");
}
