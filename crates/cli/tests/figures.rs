//! What does not depend on the machine: cells, proof sizes, security, hashes of the verifier. Regressions are seen here.
//!
//! `figures/proofs.json` is written anew by `VERINFER_UPDATE_FIGURES=1 cargo test -p verinfer-cli --test figures`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::common::{data, verinfer_with};

mod common;

/// Settings by their name on the command line.
const SETTINGS: [&str; 2] = ["none", "weights,input"];

/// Networks that need no data.
const ALWAYS: [(&str, &[&str]); 3] = [
    ("digits", &["digits"]),
    ("synthetic lenet", &["--synthetic=lenet"]),
    ("synthetic mobilenet_v2 0.35/96", &["--synthetic=mobilenet_v2", "--width=0.35", "--resolution=96"]),
];

/// Figures of one network in one setting.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Figures {
    cells: u64,
    /// Length of the committed vector.
    committed: u64,
    /// Rounded down to hundredths.
    security_bits: f64,
    /// Expected value.
    proof_bytes: u64,
    /// Hashes of trees that the verifier computes, expected values.
    row_hashes: u64,
    node_hashes: u64,
}

/// By network and setting.
type Table = BTreeMap<String, BTreeMap<String, Figures>>;

#[test]
fn figures_are_the_pinned_ones() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/figures/proofs.json");
    let mut found: Table = ALWAYS.iter().map(|(name, model)| (name.to_string(), figures(model))).collect();
    let has_data = data().map(|root| found.extend(models(root.join("models")))).is_some();
    if std::env::var_os("VERINFER_UPDATE_FIGURES").is_some() {
        assert!(has_data, "figures are only updated with the reference data, or those of the models in it would be lost");
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&found).unwrap())).unwrap();
        return;
    }
    let mut pinned: Table = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    if !has_data {
        pinned.retain(|name, _| found.contains_key(name));
    }
    let changed: Vec<String> = pinned
        .iter()
        .filter(|(name, figures)| found.get(*name) != Some(figures))
        .map(|(name, figures)| format!("{name}\n  pinned {figures:?}\n  now    {:?}", found.get(name)))
        .chain(found.keys().filter(|name| !pinned.contains_key(*name)).map(|name| format!("{name} is new")))
        .collect();
    assert!(
        changed.is_empty(),
        "figures changed; if that is meant, VERINFER_UPDATE_FIGURES=1 cargo test -p verinfer-cli --test figures\n{}",
        changed.join("\n")
    );
}

/// Figures of the supported models in a folder.
fn models(folder: PathBuf) -> Table {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let supported = files.filter_map(|path| {
        let argument = path.display().to_string();
        let is_supported = verinfer_with(&["inspect", "--json", &argument]).code == Some(0);
        is_supported.then(|| (path.file_stem().unwrap().to_str().unwrap().to_string(), figures(&[&argument])))
    });
    supported.collect()
}

fn figures(model: &[&str]) -> BTreeMap<String, Figures> {
    let of_setting = |hide: &&str| {
        let finished = verinfer_with(&[&["inspect", "--json", "--hide", hide], model].concat()).accepted();
        let report = finished.json()["graph"]["proof"].clone();
        let count = |value: &serde_json::Value| value.as_u64().unwrap();
        let figures = Figures {
            cells: count(&report["cells"]["used"]),
            committed: count(&report["cells"]["committed"]),
            security_bits: (report["security_bits"].as_f64().unwrap() * 100.0).floor() / 100.0,
            proof_bytes: count(&report["proof_bytes"]),
            row_hashes: count(&report["hashes"]["rows"]),
            node_hashes: count(&report["hashes"]["nodes"]),
        };
        (hide.to_string(), figures)
    };
    SETTINGS.iter().map(of_setting).collect()
}

#[test]
fn proofs_that_are_made_have_these_figures() {
    for (name, model) in ALWAYS.iter().take(2) {
        let expected = figures(model);
        for hide in SETTINGS {
            let finished = verinfer_with(&[&["bench", "--json", "--runs=1", "--hide", hide], *model].concat()).accepted();
            let prover = finished.json()["models"][0]["prover"].clone();
            let figures = &expected[hide];
            assert_eq!(prover["cells"]["used"], figures.cells, "{name}, {hide}");
            // Which rows are queried is random, and so is how many of them coincide.
            for (what, expected, made) in [
                ("bytes", figures.proof_bytes, &prover["proof_bytes"]),
                ("rows", figures.row_hashes, &prover["hashes"]["rows"]),
                ("nodes", figures.node_hashes, &prover["hashes"]["nodes"]),
            ] {
                let ratio = made.as_f64().unwrap() / expected as f64;
                assert!((0.95..=1.05).contains(&ratio), "{name}, {hide}: {made} {what}, expected {expected}");
            }
        }
    }
}
