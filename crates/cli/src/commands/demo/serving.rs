//! Serving: a round of six predictions.

use super::act::Stage;
use crate::builtin::DIGITS;

const Z: i64 = 20;
const PREDICTION: i64 = 5;
const BETA: i64 = 3;
const K: i64 = 6;
const K1: i64 = 2;
/// Seconds that a provider has to prove what is contested.
const PROVE: &str = "30";

/// Plays the acts.
pub fn play(stage: &mut Stage) -> anyhow::Result<()> {
    let terms = format!(
        "Z = {Z}, beta = {BETA}; K = {K} inputs; a prediction costs {PREDICTION}; deposits K (2 Z + {PREDICTION}) = {} and beta K Z = {}.",
        K * (2 * Z + PREDICTION),
        BETA * K * Z
    );

    let title = "An honest provider, and a customer who contests at random";
    let price = 2 * K1 * Z + K * PREDICTION;
    stage.announce(
        title,
        &format!("{terms}\nK1 = {K1} predictions are contested and proved: the customer pays {PREDICTION} K + 2 K1 Z = {price}."),
    );
    act(stage, title, &["provider", "serve", "digits"], &["--batch", "1"], ("proved", -price, price))?;

    let title = "A provider that answers with another model than the one it is committed to";
    let loss = BETA * K * Z;
    stage.announce(title, &format!("{terms}\nIt cannot prove what it said, and loses beta K Z = {loss} when its time is over."));
    act(stage, title, &["demo", "cheat", "--how", "other-model", "provider", "digits"], &[], ("not_proved", loss, -loss))
}

fn act(
    stage: &mut Stage,
    title: &str,
    serves: &[&str],
    options: &[&str],
    (outcome, customers, providers): (&'static str, i64, i64),
) -> anyhow::Result<()> {
    let (customer, provider) = (stage.role("customer")?, stage.role("provider")?);
    let [public, secret] = stage.commit(&provider.account.to_string(), DIGITS.tflite)?;
    let (_serving, url) = stage.serve(&provider, serves, &[options, &["--secret", &secret]].concat())?;
    let account = provider.account.to_string();
    let [z, prediction, beta, contest] = [Z, PREDICTION, BETA, K1].map(|number| number.to_string());
    let inputs: Vec<String> = (0..K).map(|digit| format!("sample:{digit}")).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let command = [&["customer", "serving", "digits"][..], &inputs].concat();
    let pins = ["--provider", &url, "--provider-account", &account, "--commitment", &public];
    let plan = ["--proof-price", &z, "--prediction-price", &prediction, "--beta", &beta, "--contest", &contest, "--prove", PROVE];
    stage.ask(&customer, &command, &[&pins[..], &plan].concat())?;
    stage.settle(title, outcome, &[(&customer, customers), (&provider, providers)])
}
