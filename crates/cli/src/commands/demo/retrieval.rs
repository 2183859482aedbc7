//! Retrieval: a corpus of ten images.

use super::act::Stage;
use crate::keys;

const PRICE: i64 = 100;
const BOND: i64 = 500;
const DOCUMENTS: usize = 10;
/// The digit that is looked for.
const CLASS: &str = "3";
/// Seconds that a responder has to prove what is in the sample.
const PROVE: &str = "15";

/// How many documents are proved in an act with a sample.
const SAMPLE: usize = 4;

const REQUESTER: &[&str] = &["retrieval", "request", "digits"];
const RESPONDER: &[&str] = &["retrieval", "respond", "digits"];

/// Plays the acts.
pub fn play(stage: &mut Stage) -> anyhow::Result<()> {
    let key = stage.folder().join("source.key");
    keys::write(&key, &keys::draw()?, false)?;
    let key = key.display().to_string();
    let mut show = |title: &str, story: &str, [asks, serves]: [&[&str]; 2], options: &[&str], sample, end| {
        let terms =
            format!("Price {PRICE}, bond {BOND}; {DOCUMENTS} documents, {sample} of which are proved; those that show a {CLASS} match.");
        stage.announce(title, &format!("{terms}\n{story}"));
        act(stage, title, [asks, serves], options, sample, end)
    };
    let (paid, lost) = (("fulfilled", -PRICE, PRICE), |outcome| (outcome, BOND, -BOND));

    let story = format!("It hands over what matches, and is paid {PRICE}.");
    show("An honest responder", &story, [REQUESTER, RESPONDER], &[], DOCUMENTS, paid)?;

    let story = "The requester takes only documents that the source has signed, and is told how many may be declared wrongly.";
    let title = "A corpus that a source has signed, of which a sample is proved";
    show(title, story, [REQUESTER, RESPONDER], &["--source-key", &key], SAMPLE, paid)?;

    let story = format!("A proof of that document contradicts it: it loses the bond of {BOND} when its time is over.");
    let omitter = ["demo", "cheat", "--how", "no-matches", "responder", "digits"];
    show("A responder that leaves out a match", &story, [REQUESTER, &omitter], &[], DOCUMENTS, lost(SILENCE))?;

    let story = format!("The requester shows the escrow that the key opens nothing: the responder loses the bond of {BOND}.");
    let liar = ["demo", "cheat", "--how", "other-key", "responder", "digits"];
    show("A responder that publishes a wrong key", &story, [REQUESTER, &liar], &[], DOCUMENTS, lost(WRONG_DATA))?;

    let story = format!("The escrow opens what it contests, and finds what was promised: the responder is paid {PRICE}.");
    let contester = ["demo", "cheat", "--how", "false-contest", "requester", "digits"];
    let end = (FALSE_CONTEST, -PRICE, PRICE);
    show("A requester that contests what is right", &story, [&contester, RESPONDER], &[], DOCUMENTS, end)
}

const SILENCE: &str = r#""responder_at_fault":"silence""#;
const WRONG_DATA: &str = r#""responder_at_fault":"wrong_data""#;
const FALSE_CONTEST: &str = r#""requester_at_fault":"false_contest""#;

fn act(
    stage: &mut Stage,
    title: &str,
    [asks, serves]: [&[&str]; 2],
    options: &[&str],
    sample: usize,
    (outcome, requesters, responders): (&'static str, i64, i64),
) -> anyhow::Result<()> {
    let (requester, responder) = (stage.role("requester")?, stage.role("responder")?);
    let documents: Vec<String> = (0..DOCUMENTS).map(|digit| format!("sample:{digit}")).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let (price, bond, sample) = (PRICE.to_string(), BOND.to_string(), sample.to_string());
    let (serving, url) = stage.serve(
        &responder,
        &[serves, &documents].concat(),
        &[options, &["--bond", &bond, "--approve", "digits", "--question", CLASS]].concat(),
    )?;
    let account = responder.account.to_string();
    // Whoever knows the documents has told the requester.
    let corpus = serving.said("corpus")?;
    let pins = ["--responder", &url, "--responder-account", &account, "--corpus", &corpus];
    let plan = ["--class", CLASS, "--sample", &sample, "--price", &price, "--bond", &bond, "--prove", PROVE];
    stage.ask(&requester, asks, &[&pins[..], &plan].concat())?;
    stage.settle(title, outcome, &[(&requester, requesters), (&responder, responders)])
}
