//! Accuracy: ten examples, three of which the provider may try.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::act::Stage;
use super::worse::worse_digits;
use crate::files;

const E: i64 = 50;
const Z: i64 = 20;
const P: i64 = 5;
const FEE: i64 = 3;
const N: i64 = 10;
const N1: i64 = 3;
const N2: i64 = N - N1;
const TARGET: i64 = 6;
const STAKE: i64 = 1000 * N1 * E;

/// Plays the acts.
pub fn play(stage: &mut Stage) -> anyhow::Result<()> {
    let terms = format!(
        "E = {E}, Z = {Z}, P = {P}, fee {FEE}; N = {N} examples, of which N1 = {N1} are tried; target: {TARGET} of the other {N2}."
    );
    let worse = stage.folder().join("worse.tflite");
    files::write(&worse, &worse_digits()?)?;
    let worse = worse.display().to_string();

    let title = "An honest provider and an honest customer";
    stage.announce(title, &format!("{terms}\nThe target is met: the customer pays 2 (N1 P + N2 Z) = {}.", 2 * (N1 * P + N2 * Z)));
    let price = 2 * (N1 * P + N2 * Z);
    act(stage, title, (&["provider", "serve", "digits"], &[]), 0, ("target_met", -price, price))?;

    let title = "A provider whose model is worse than the target, and who goes on all the same";
    stage.announce(title, &format!("{terms}\nIt can only prove what its model gives: it loses 2 N E = {}.", 2 * N * E));
    let (command, options) = (["provider", "serve", &worse], ["--proceed", "always"]);
    act(stage, title, (&command, &options), 0, ("target_missed", 2 * N * E, -2 * N * E))?;

    let title = "A customer whose labels are wrong";
    stage.announce(title, &format!("{terms}\nThe provider sees it in the first examples and aborts: the customer pays N1 P = {}.", N1 * P));
    act(stage, title, (&["provider", "serve", "digits"], &[]), 1, ("provider_aborted", -N1 * P, N1 * P))
}

/// One agreement; every label is `shift` too high. The fee is paid in any case, and the stake stays where it is.
fn act(
    stage: &mut Stage,
    title: &str,
    (command, options): (&[&str], &[&str]),
    shift: i64,
    (outcome, customers, providers): (&'static str, i64, i64),
) -> anyhow::Result<()> {
    let (customer, provider) = (stage.role("customer")?, stage.role("provider")?);
    let test_set = test_set(stage, shift)?.display().to_string();
    let stake = STAKE.to_string();
    let (_serving, url) = stage.serve(&provider, command, &[options, &["--stake", &stake, "--batch", "4"]].concat())?;
    let [e, z, p, fee, first, target] = [E, Z, P, FEE, N1, TARGET].map(|number| number.to_string());
    let plan = ["--example-price", &e, "--proof-price", &z, "--inference-price", &p, "--fee", &fee, "--first", &first, "--target", &target];
    let options = [&["--provider", &url, "--test-set", &test_set][..], &plan].concat();
    stage.ask(&customer, &["customer", "accuracy", "digits"], &options)?;
    stage.settle(title, outcome, &[(&customer, customers - FEE), (&provider, providers - FEE - STAKE)])
}

fn test_set(stage: &Stage, shift: i64) -> anyhow::Result<PathBuf> {
    let mut lines = String::new();
    for digit in 0..N {
        writeln!(lines, "sample:{digit} {}", (digit + shift) % N)?;
    }
    let path = stage.folder().join(format!("test-set-{shift}.txt"));
    files::write(&path, lines.as_bytes())?;
    Ok(path)
}
