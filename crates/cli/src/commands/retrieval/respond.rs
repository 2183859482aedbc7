//! `verinfer retrieval respond`.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context;
use verinfer::Question;
use verinfer_parties::Pace;
use verinfer_parties::host;
use verinfer_parties::http::Entrance;
use verinfer_parties::retrieval::approval::Approved;
use verinfer_parties::retrieval::responder::{Means, Policy, Responder};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::money::Money;
use verinfer_protocols::statement::Predicate;
use verinfer_relation::setting;

use crate::input::InputArguments;
use crate::keys;
use crate::known::Known;
use crate::network::FrontArguments;
use crate::output::{Output, Verdict};
use crate::party::{Party, PartyArguments, ServiceArguments, input_of, parse_money};

/// Commit to a corpus and answer requests until stopped.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What takes the documents as inputs: any .tflite model with the same input as the requester's, or the public commitment of one, or `digits`.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// The documents: .png, .jpg or .npy files, or `sample[:N]` of the built-in model. Later starts may leave them out.
    #[arg(value_name = "DOCUMENT")]
    documents: Vec<PathBuf>,

    #[command(flatten)]
    party: PartyArguments,

    /// Where requesters reach it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8702")]
    listen: SocketAddr,

    #[command(flatten)]
    front: FrontArguments,

    /// The secret key of a source, which signs each document.
    #[arg(long, value_name = "FILE")]
    source_key: Option<PathBuf>,

    /// Answer this model: the public commitment that the requester names (.vcm), or the network itself (.tflite, or `digits`), whatever commitment to it is
    /// named. Whoever asks learns of every document whether this model selects it, and has those that it selects: approve what a judge would.
    #[arg(long, value_name = "MODEL", num_args = 1.., required_unless_present = "any")]
    approve: Vec<PathBuf>,

    /// What may be asked of approved models: `CLASS` (it is first), `CLASS/K` (it is among the first K) or `CLASS=SCORE` (it has at least this score, in
    /// quantized units). A document that meets it is handed over.
    #[arg(long, value_name = "QUESTION", num_args = 1.., required_unless_present = "any", value_parser = parse_question)]
    question: Vec<Predicate>,

    /// Answer every model and question. Each agreement tells one bit of the requester's choice about every document that is proved, and hands over what its model selects:
    /// enough agreements tell the whole corpus.
    #[arg(long, conflicts_with_all = ["approve", "question"])]
    any: bool,

    /// Most classes of a requester's model.
    #[arg(long, value_name = "CLASSES", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=65536))]
    classes: u32,

    /// Least price.
    #[arg(long, value_name = "UNITS", default_value = "0", value_parser = parse_money)]
    price: Money,

    /// Largest bond.
    #[arg(long, value_name = "UNITS", default_value = "0", value_parser = parse_money)]
    bond: Money,

    #[command(flatten)]
    service: ServiceArguments,

    /// How many documents one proof is about at most; fewer if the escrow does not verify so large a proof.
    #[arg(long, value_name = "DOCUMENTS", default_value_t = 8)]
    batch: usize,

    #[command(flatten)]
    fit: InputArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let (responder, entrance, pace) = arguments.open(output)?;
    match host::run(responder, entrance, pace)? {}
}

impl Arguments {
    /// A responder that is ready, and where it is reached.
    ///
    /// # Errors
    ///
    /// The documents cannot be read, the state not be used, or the address not be listened on.
    pub fn open(&self, output: Output) -> anyhow::Result<(Responder, Entrance, Pace)> {
        let front = self.front.open(Box::new(move |line| output.line(line)))?;
        let known = Known::of(&self.model)?;
        let documents = known.source.load_inputs(&self.documents, self.fit, &known.model, output)?;
        documents.ways().iter().for_each(|way| output.line(&format!("documents {way}")));
        let documents = documents.by_image();
        let source = self.source_key.as_deref().map(|path| keys::read(path, output)).transpose()?;
        let Party { key, client, store, pace, tell, .. } = self.party.open(false, output)?;
        let entrance =
            Entrance { listener: TcpListener::bind(self.listen).with_context(|| format!("cannot listen on {}", self.listen))?, front };
        let policy = Policy {
            price: self.price,
            bond: self.bond,
            time: self.service.least(),
            agreements: self.service.agreements,
            batch: self.batch,
            cells: self.service.proof_cells,
            classes: self.classes,
        };
        let approved = self.approved(output)?;
        let account = client.account();
        let responder = Responder::new(Means { key, client, store, documents, input: input_of(&known), source, approved, policy }, tell)?;
        let (corpus, source) = responder.corpus();
        output.line(&format!("account {account}"));
        output.line(&format!("corpus {} of {} documents", corpus.digest, corpus.len));
        if let Some(source) = source {
            output.line(&format!("source {source}"));
        }
        output.line(&format!("listening on {}", entrance.url()?));
        Ok((responder, entrance, pace))
    }

    fn approved(&self, output: Output) -> anyhow::Result<Approved> {
        if self.any {
            output.line(
                "warning: --any answers every model: each agreement tells the requester one bit of its choice about every document that is \
                 proved, and hands over what its model selects",
            );
            return Ok(Approved::Any);
        }
        let (mut commitments, mut networks) = (BTreeSet::new(), BTreeSet::new());
        for path in &self.approve {
            let known = Known::of(path)?;
            if known.is_hidden() {
                commitments.insert(Digest::of_bytes(&known.source.bytes()?));
            } else {
                networks.insert(known.model.graph.digest());
            }
        }
        Ok(Approved::Models { commitments, networks, questions: self.question.clone() })
    }
}

/// A question as agreements hold it.
fn parse_question(text: &str) -> Result<Predicate, String> {
    Ok(match text.parse::<Question>().map_err(|error| error.to_string())?.into() {
        setting::Predicate::Top { class, k } => Predicate::Top { class, k },
        setting::Predicate::AtLeast { class, value } => Predicate::AtLeast { class, score: value },
    })
}
