//! Retrieval: a corpus of ten images.

use super::act::Stage;

const PRICE: i64 = 100;
const BOND: i64 = 500;
const DOCUMENTS: usize = 10;
/// The digit that is looked for; the document at this place shows it.
const CLASS: &str = "3";
/// Seconds that a responder has to prove what is in the sample.
const PROVE: &str = "30";

/// Plays the acts.
pub fn play(stage: &mut Stage) -> anyhow::Result<()> {
    let terms = format!("Price {PRICE}, bond {BOND}; {DOCUMENTS} documents, all of which are proved; those that show a {CLASS} match.");

    let title = "An honest responder";
    stage.announce(title, &format!("{terms}\nIt hands over what matches, and is paid {PRICE}."));
    act(stage, title, &[], ("fulfilled", -PRICE, PRICE))?;

    let title = "A responder that leaves out a match";
    stage.announce(title, &format!("{terms}\nA proof of that document contradicts it: it loses the bond of {BOND} when its time is over."));
    act(stage, title, &["--omit", CLASS], ("responder_at_fault", BOND, -BOND))
}

fn act(
    stage: &mut Stage,
    title: &str,
    options: &[&str],
    (outcome, requesters, responders): (&'static str, i64, i64),
) -> anyhow::Result<()> {
    let (requester, responder) = (stage.role("requester")?, stage.role("responder")?);
    let documents: Vec<String> = (0..DOCUMENTS).map(|digit| format!("sample:{digit}")).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let (price, bond, sample) = (PRICE.to_string(), BOND.to_string(), DOCUMENTS.to_string());
    let command = [&["retrieval", "respond", "digits"][..], &documents].concat();
    let (_serving, url) = stage.serve(&responder, &command, &[options, &["--bond", &bond]].concat())?;
    let plan = ["--responder", &url, "--class", CLASS, "--sample", &sample, "--price", &price, "--bond", &bond, "--prove", PROVE];
    stage.ask(&requester, &["retrieval", "request", "digits"], &plan)?;
    stage.settle(title, outcome, &[(&requester, requesters), (&responder, responders)])
}
