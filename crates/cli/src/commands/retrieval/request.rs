//! `verinfer retrieval request`.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use serde::Serialize;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_items::Document;
use verinfer_parties::PartyError;
use verinfer_parties::drive::Step;
use verinfer_parties::pins::{CorpusPins, Pins};
use verinfer_parties::retrieval::requester::{Plan, Requester};
use verinfer_protocols::agreement;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::merkle::Root;
use verinfer_protocols::money::Money;
use verinfer_protocols::retrieval::{Outcome, Periods, Predicate, State};
use verinfer_protocols::time::Millis;
use verinfer_sampling::{Probability, tampering};

use crate::files;
use crate::model::Source;
use crate::output::{Output, Report, Verdict};
use crate::party::{Party, PartyArguments, Standing, parse_money, parse_seconds};

/// Request the documents of a responder's corpus that a model selects.
///
/// Exit code 0 if the request is fulfilled, 1 if the agreement ended otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .tflite file, or `digits` for the built-in model; the responder will have it.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    #[command(flatten)]
    party: PartyArguments,

    /// The responder, `https://host:port` or `http://host:port`.
    #[arg(long, value_name = "URL")]
    responder: String,

    /// The responder's account, as it prints it: another party that answers there is refused before anything is proposed or paid.
    #[arg(long, value_name = "ACCOUNT")]
    responder_account: Option<AccountId>,

    /// The commitment to the corpus, as the responder prints it and somebody who knows the documents confirms it: another is refused before anything is proposed or
    /// paid. A responder that commits to fewer documents proves everything about these.
    #[arg(long, value_name = "DIGEST", required_unless_present = "any_corpus", conflicts_with = "any_corpus")]
    corpus: Option<Digest>,

    /// The account of the source that has signed each document: documents of another or of none are refused before anything is proposed or paid.
    #[arg(long, value_name = "ACCOUNT")]
    source: Option<AccountId>,

    /// Take whatever corpus the responder is committed to.
    #[arg(long)]
    any_corpus: bool,

    /// The secret of the model's commitment, as `commit` writes it; without it the model is committed to anew, once, in the state.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,

    /// Documents match for which fewer than --top classes are ahead of this one.
    #[arg(long, value_name = "CLASS")]
    class: Option<u32>,

    /// See --class.
    #[arg(long, value_name = "CLASSES", default_value_t = 1, requires = "class")]
    top: u32,

    /// Documents match for which this class has at least this score, in quantized units.
    #[arg(long, value_name = "CLASS=SCORE", value_parser = parse_at_least, conflicts_with = "class")]
    at_least: Option<(u32, i16)>,

    /// How many documents, chosen at random, are proved; all of them if there are fewer. `sample-size` says how many it takes.
    #[arg(long, value_name = "DOCUMENTS")]
    sample: u32,

    /// What is paid for it.
    #[arg(long, value_name = "UNITS", default_value = "0", value_parser = parse_money)]
    price: Money,

    /// What the responder risks.
    #[arg(long, value_name = "UNITS", default_value = "0", value_parser = parse_money)]
    bond: Money,

    /// Seconds for each move that takes no computation.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = parse_seconds)]
    respond: Millis,

    /// Seconds for inference on the whole corpus.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse_seconds)]
    declare: Millis,

    /// Seconds for all proofs.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse_seconds)]
    prove: Millis,

    /// Make the moves that are possible now and stop instead of waiting for the responder.
    #[arg(long)]
    once: bool,

    /// With which probability more documents than reported may be declared wrongly.
    #[arg(long, value_name = "DELTA", default_value = "5%")]
    delta: Probability,

    /// Where to write the documents, as .npy files.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    arguments.play(output, |_, requester, view| requester.step(view))
}

impl Arguments {
    /// Plays the requester, whose moves are those of `step`.
    ///
    /// # Errors
    ///
    /// The agreement cannot be made, or a move fails.
    pub fn play(
        &self,
        output: Output,
        step: impl Fn(&Party, &Requester<'_>, &AgreementView) -> Result<Step, PartyError>,
    ) -> anyhow::Result<Verdict> {
        let source = Source::from(self.model.as_path());
        let (file, graph) = (source.bytes()?, source.import()?.graph);
        if self.any_corpus {
            output
                .line("warning: --any-corpus takes whatever corpus the responder is committed to: nothing is proved about other documents");
        }
        let party = self.party.open(self.once, output)?;
        let model = party.commit(graph, self.secret.as_deref(), output)?;
        let peer = party.peer(&self.responder);
        let requester = Requester::begin(&party.client, &party.key, &peer, &party.store, (&model, &file), self.plan()?)?;
        output.line(&format!("agreement {}", requester.id()));
        let view = requester.run(party.pace, &party.tell, |view| step(&party, &requester, view))?;
        let outcome = if let agreement::State::Retrieval(State::Ended(outcome)) = &view.agreement.state { Some(*outcome) } else { None };
        let documents = requester.documents()?;
        if let Some(folder) = &self.out {
            write_documents(folder, &documents)?;
        }
        let terms = requester.terms();
        let is_fulfilled = matches!(outcome, Some(Outcome::Fulfilled { .. }));
        let bound = || tampering::bound_of_corpus(terms.sample.into(), terms.corpus.len.into(), self.delta);
        output.report(&RetrievalReport {
            standing: Standing::new(&party, &view, outcome)?,
            documents: documents.iter().map(|(index, _)| *index).collect(),
            corpus: terms.corpus,
            source: terms.source,
            proved: is_fulfilled.then_some(terms.sample),
            delta: self.delta.value(),
            wrong_at_most: is_fulfilled.then(bound).transpose()?,
        })?;
        Ok(Verdict::from_bool(outcome.is_none() || is_fulfilled))
    }

    fn plan(&self) -> anyhow::Result<Plan> {
        let predicate = match (self.class, self.at_least) {
            (Some(class), _) => Predicate::Top { class, k: self.top },
            (None, Some((class, score))) => Predicate::AtLeast { class, score },
            (None, None) => bail!("--class or --at-least must say which documents match"),
        };
        let periods = Periods { respond: self.respond, declare: self.declare, prove: self.prove };
        let pins = Pins { account: self.responder_account, model: None };
        let corpus = CorpusPins { corpus: self.corpus, source: self.source };
        Ok(Plan { pins, corpus, predicate, sample: self.sample, price: self.price, bond: self.bond, periods })
    }
}

fn write_documents(folder: &std::path::Path, documents: &[(u32, Document)]) -> anyhow::Result<()> {
    files::create_folder(folder)?;
    for (index, Document { content, .. }) in documents {
        let bytes = files::tensor_npy(content.shape(), content.dtype(), &content.values());
        files::write(&folder.join(format!("{index}.npy")), &bytes)?;
    }
    Ok(())
}

fn parse_at_least(text: &str) -> Result<(u32, i16), String> {
    let (class, score) = text.split_once('=').ok_or("expected CLASS=SCORE")?;
    Ok((class.parse().map_err(|_| "the class is no number")?, score.parse().map_err(|_| "the score is no number")?))
}

#[derive(Serialize)]
struct RetrievalReport {
    #[serde(flatten)]
    standing: Standing,
    /// Places in the corpus of the documents handed over.
    documents: Vec<u32>,
    /// The commitment to the corpus, and how many documents it has.
    corpus: Root,
    /// Who has signed each of them, if anybody has.
    source: Option<AccountId>,
    /// Of how many it was proved whether they match; nothing unless the request is fulfilled.
    proved: Option<u32>,
    /// With the probability `1 - delta` at most so many documents are declared wrongly; nothing unless the request is fulfilled.
    wrong_at_most: Option<u64>,
    delta: f64,
}

impl Report for RetrievalReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { documents, corpus, source, proved, delta, wrong_at_most, .. } = self;
        writeln!(out, "documents  {documents:?} of {}", corpus.len)?;
        writeln!(out, "corpus     {}", corpus.digest)?;
        if let Some(source) = source {
            writeln!(out, "source     {source}")?;
        }
        match (proved, wrong_at_most) {
            (Some(proved), Some(wrong_at_most)) => {
                let confidence = 100.0 * (1.0 - delta);
                writeln!(out, "bound      {proved} proved: at most {wrong_at_most} are declared wrongly, with {confidence} % confidence")?;
            }
            _ => writeln!(out, "bound      none: the request is not fulfilled")?,
        }
        self.standing.write(out)
    }
}
