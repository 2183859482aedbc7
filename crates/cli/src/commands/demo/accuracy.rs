//! Accuracy: 24 examples, twelve of which the provider may try. It would not agree to fewer, nor to a higher target.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::act::Stage;
use super::worse::worse_digits;
use crate::files;
use crate::model::Source;

const E: i64 = 50;
const Z: i64 = 20;
const P: i64 = 5;
const FEE: i64 = 3;
const N: i64 = 24;
const N1: i64 = 12;
const N2: i64 = N - N1;
const TARGET: i64 = 7;
/// The built-in model has a sample of each digit.
const DIGITS: i64 = 10;
const STAKE: i64 = 1000 * N1 * E;

/// Seconds for a move where a party does not make it.
const RESPOND: &str = "6";

/// Seconds for proofs there: a provider that is to prove twelve examples wants a second for each.
const PROVE: &str = "16";

/// A party's command, and options beside those of every act.
type Line<'a> = (&'a [&'a str], &'a [&'a str]);

const CUSTOMER: Line<'static> = (&["customer", "accuracy", "digits"], &[]);
const PROVIDER: Line<'static> = (&["provider", "serve", "digits"], &[]);

/// Plays the acts.
pub fn play(stage: &mut Stage) -> anyhow::Result<()> {
    let terms = format!(
        "E = {E}, Z = {Z}, P = {P}, fee {FEE}; N = {N} examples, of which N1 = {N1} are tried; target: {TARGET} of the other {N2}."
    );
    let (price, loss) = (2 * (N1 * P + N2 * Z), 2 * N * E);
    let mut show = |title: &str, story: &str, lines: [Line<'_>; 2], shift, end: (&'static str, i64, i64)| {
        stage.announce(title, &format!("{terms}\n{story}"));
        act(stage, title, lines, shift, end)
    };
    honest(&mut show, price)?;
    worse(&mut show, (loss, N1 * P))?;
    transfers(&mut show, price, loss)
}

/// Announces and plays an act.
type Show<'a> = dyn FnMut(&str, &str, [Line<'_>; 2], i64, (&'static str, i64, i64)) -> anyhow::Result<()> + 'a;

fn honest(show: &mut Show<'_>, price: i64) -> anyhow::Result<()> {
    let paid = ("target_met", -price, price);
    let story = format!("The target is met: the customer pays 2 (N1 P + N2 Z) = {price}.");
    show("An honest provider and an honest customer", &story, [CUSTOMER, PROVIDER], 0, paid)?;

    let story = format!("Proofs say how many labels come first, and no scores. The customer pays {price} all the same.");
    let customer: Line<'_> = (CUSTOMER.0, &["--evidence", "count"]);
    show("The same, and the customer learns nothing but how many are correct", &story, [customer, PROVIDER], 0, paid)
}

fn worse(show: &mut Show<'_>, (loss, trial): (i64, i64)) -> anyhow::Result<()> {
    let file = tempfile::Builder::new().suffix(".tflite").tempfile().context("cannot make a temporary file")?;
    files::write(file.path(), &worse_digits()?)?;
    let model = file.path().display().to_string();
    let provider = ["provider", "serve", &model];
    let story = format!("It can only prove what its model gives: it loses 2 N E = {loss}.");
    let title = "A provider whose model is worse than the target, and who goes on all the same";
    show(title, &story, [CUSTOMER, (&provider, &["--proceed", "always"])], 0, ("target_missed", loss, -loss))?;

    let story = format!("The provider sees it in the first examples and aborts: the customer pays N1 P = {trial}.");
    show("A customer whose labels are wrong", &story, [CUSTOMER, PROVIDER], 1, ("provider_aborted", -trial, trial))
}

/// What can go wrong when examples are handed over, and silence.
fn transfers(show: &mut Show<'_>, price: i64, loss: i64) -> anyhow::Result<()> {
    let hurried: Line<'_> = (CUSTOMER.0, &["--respond", RESPOND, "--prove", PROVE]);
    let story = format!(
        "Nothing that the customer sends arrives. The provider says so when half of its {RESPOND} s are over, and the customer leaves the\nciphertexts with the escrow: nobody is at fault, the target is met."
    );
    let deaf: Line<'_> = (&["demo", "cheat", "--how", "deaf", "provider", "digits"], &[]);
    show("A provider that takes no examples", &story, [hurried, deaf], 0, ("target_met", -price, price))?;

    let story = format!("The provider shows the escrow what the published key opens: the customer loses 2 N E = {loss}.");
    let liar: Line<'_> = (&["demo", "cheat", "--how", "other-items", "customer", "digits"], &[]);
    show("A customer that hands over something else than it has committed to", &story, [liar, PROVIDER], 0, (WRONG_DATA, -loss, loss))?;

    let story = format!("The escrow opens what it contests, and finds what was promised: the provider loses 2 N E = {loss}.");
    let contester: Line<'_> = (&["demo", "cheat", "--how", "false-contest", "provider", "digits"], &[]);
    show("A provider that contests what is right", &story, [CUSTOMER, contester], 0, (FALSE_CONTEST, loss, -loss))?;

    let story = format!("It has {PROVE} s to prove what it has promised, and does nothing: it loses 2 N E = {loss}.");
    let silent: Line<'_> = (&["demo", "cheat", "--how", "silent", "--moves", "6", "provider", "digits"], &[]);
    show("A provider that goes silent", &story, [hurried, silent], 0, (SILENCE, loss, -loss))
}

const WRONG_DATA: &str = r#""customer_at_fault":"wrong_data""#;
const FALSE_CONTEST: &str = r#""provider_at_fault":"false_contest""#;
const SILENCE: &str = r#""provider_at_fault":"silence""#;

/// One agreement; every label is `shift` too high. The fee is paid in any case, and the stake stays where it is.
fn act(
    stage: &mut Stage,
    title: &str,
    [asks, serves]: [Line<'_>; 2],
    shift: i64,
    (outcome, customers, providers): (&'static str, i64, i64),
) -> anyhow::Result<()> {
    let (customer, provider) = (stage.role("customer")?, stage.role("provider")?);
    let test_set = test_set(stage, shift)?.display().to_string();
    let stake = STAKE.to_string();
    let model = serves.0.last().context("nothing is served")?;
    let [public, secret] = stage.commit(&provider.account.to_string(), &Source::from(Path::new(model)).bytes()?)?;
    let (_serving, url) =
        stage.serve(&provider, serves.0, &[serves.1, &["--secret", &secret, "--stake", &stake, "--batch", "4"]].concat())?;
    let account = provider.account.to_string();
    let pins = ["--provider", &url, "--provider-account", &account, "--commitment", &public];
    let [e, z, p, fee, first, target] = [E, Z, P, FEE, N1, TARGET].map(|number| number.to_string());
    let plan = ["--example-price", &e, "--proof-price", &z, "--inference-price", &p, "--fee", &fee, "--first", &first, "--target", &target];
    let options = [&pins[..], &["--test-set", &test_set], &plan, asks.1].concat();
    stage.ask(&customer, asks.0, &options)?;
    stage.settle(title, outcome, &[(&customer, customers - FEE), (&provider, providers - FEE - STAKE)])
}

fn test_set(stage: &Stage, shift: i64) -> anyhow::Result<PathBuf> {
    let mut lines = String::new();
    for example in 0..N {
        writeln!(lines, "sample:{} {}", example % DIGITS, (example + shift) % DIGITS)?;
    }
    let path = stage.folder().join(format!("test-set-{shift}.txt"));
    files::write(&path, lines.as_bytes())?;
    Ok(path)
}
