//! What all parties' commands have in common: escrow, key, state, and how they wait.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use verinfer_commitments::{Kind, Salt, draw_salt};
use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::tls::Roots;
use verinfer_escrow_client::{Client, EscrowAddress, Patience};
use verinfer_graph::{DataType, Graph, Shape};
use verinfer_parties::peer::Peer;
use verinfer_parties::receipts::Receipts;
use verinfer_parties::time::Time;
use verinfer_parties::{Model, Pace, Store, Tell};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Millis;

use crate::commitments::read_secret;
use crate::escape::one_line;
use crate::keys;
use crate::known::Known;
use crate::network::RootArguments;
use crate::output::Output;

/// Where a party's escrow, key and state are.
#[derive(Clone, Debug, Args)]
pub struct PartyArguments {
    /// The escrow, `https://host:port` or `http://host:port`.
    #[arg(long, value_name = "URL")]
    escrow: String,

    #[command(flatten)]
    roots: RootArguments,

    /// The escrow's account, as `keys show` prints it for the operator: another escrow that answers there is refused.
    #[arg(long, value_name = "ACCOUNT")]
    escrow_account: Option<AccountId>,

    /// The secret key of this party's account, as `keys new` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The file in which this party keeps what it must not forget; it is made if it is missing. A command that was stopped goes on from there; it belongs to one
    /// request, and another is refused.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,

    /// Milliseconds between two looks at an agreement.
    #[arg(long, value_name = "MS", default_value_t = 200)]
    poll: u64,
}

/// A party that is ready.
pub struct Party {
    /// Its account's key.
    pub key: SecretKey,
    /// Its access to the escrow.
    pub client: Client,
    /// Its state.
    pub store: Store,
    /// Whose certificates it believes.
    roots: Roots,
    /// How it waits.
    pub pace: Pace,
    /// Prints what happens.
    pub tell: Tell,
}

/// How long a party waits for another that is down.
const PEERS_PATIENCE: Duration = Duration::from_secs(30);

impl PartyArguments {
    /// Reads the key, opens the state, and reaches the escrow.
    ///
    /// # Errors
    ///
    /// One of them fails.
    pub fn open(&self, once: bool, output: Output) -> anyhow::Result<Party> {
        let key = keys::read(&self.key, output)?;
        let store = Store::open(&self.state).with_context(|| format!("cannot use {}", self.state.display()))?;
        let roots = self.roots.read()?;
        self.roots.warn_of(&self.escrow, output);
        let address =
            EscrowAddress { url: self.escrow.clone(), roots: roots.clone(), account: self.escrow_account, patience: Patience::default() };
        let client = Client::connect_to(&address, key.clone(), Some(Arc::new(Receipts::of(&store, key.account()))))?;
        let pace = Pace { poll: Duration::from_millis(self.poll), once };
        let tell: Tell = Arc::new(move |line| output.line(line));
        Ok(Party { key, client, store, roots, pace, tell })
    }
}

impl Party {
    /// The party that serves at `url`.
    pub fn peer(&self, url: &str) -> Peer {
        Peer::secure(url, PEERS_PATIENCE, &self.roots)
    }

    /// A model with its commitment: that of a secret file, or one that is made once and kept in the state.
    ///
    /// # Errors
    ///
    /// The secret belongs to another model, or the model cannot be committed to.
    pub fn commit(&self, graph: Arc<Graph>, secret: Option<&Path>, output: Output) -> anyhow::Result<Model> {
        if let Some(path) = secret {
            let secret = read_secret(path, Kind::Model, output)?;
            return Model::new(graph, secret).with_context(|| format!("cannot use {}", path.display()));
        }
        let salt: Vec<u8> = self.store.once("self", "salt", || Ok::<_, anyhow::Error>(draw_salt()?.to_vec()))?;
        let salt = Salt::try_from(salt.into_boxed_slice()).ok().context("the state has no salt of a model")?;
        Ok(Model::commit(graph, salt)?)
    }
}

/// Shape and type of a model's inputs.
pub fn input_of(known: &Known) -> (Shape, DataType) {
    let graph = &known.model.graph;
    let spec = graph.spec(graph.input());
    (spec.shape, spec.dtype)
}

/// An amount of minor units.
///
/// # Errors
///
/// The text is none.
pub fn parse_money(text: &str) -> Result<Money, String> {
    let units = text.parse::<u64>().map_err(|error| error.to_string())?;
    Money::new(units).map_err(|error| error.to_string())
}

/// What a party that serves demands of an agreement, whatever it is about.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ServiceArguments {
    /// Most agreements at once: others are not accepted before one of these has ended.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub agreements: u16,

    /// Cells of the largest proof that is made, which takes some hundred bytes of memory for each: fewer inputs are proved at once then, and no model of which
    /// one input has more.
    #[arg(long, value_name = "CELLS", default_value_t = 1 << 25)]
    pub proof_cells: usize,

    /// Least seconds for each move that takes no computation; who leaves less time only wants the deposit.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    respond_time: Millis,

    /// Least seconds for each item that is sealed, opened, checked, kept or published in a move, more than a question to the escrow and its answer take; they come on
    /// top of `--respond-time`.
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = parse_seconds)]
    item_time: Millis,

    /// Least seconds for each inference, more than the model takes; of a responder, who does not know it before, for each million cells of a proof about one
    /// document (`inspect` shows them).
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = parse_seconds)]
    inference_time: Millis,

    /// Least seconds for the proof of each input, more than the model takes; of a responder for each million cells of it. Agreements are only accepted at
    /// once if the work of one move of each, together, is done in the time of any.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    proof_time: Millis,

    /// Longest seconds that any move may take, so long a place and a deposit are held for nothing.
    #[arg(long, value_name = "SECONDS", default_value = "259200", value_parser = parse_seconds)]
    longest: Millis,
}

impl ServiceArguments {
    /// The least times.
    pub const fn least(&self) -> Time {
        Time {
            respond: self.respond_time,
            item: self.item_time,
            inference: self.inference_time,
            proof: self.proof_time,
            longest: self.longest,
        }
    }
}

/// A duration in seconds.
///
/// # Errors
///
/// The text is none.
pub fn parse_seconds(text: &str) -> Result<Millis, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    let millis = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?.as_millis();
    u64::try_from(millis).map(Millis).map_err(|error| error.to_string())
}

/// How an agreement stands.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// The agreement.
    pub agreement: String,
    /// Its stage.
    pub stage: String,
    /// How it ended, if it has.
    pub outcome: Option<serde_json::Value>,
    /// What the party can dispose of now.
    pub balance: u64,
}

impl Standing {
    /// Of an agreement; `outcome` is what it ended with.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn new(party: &Party, view: &AgreementView, outcome: Option<impl Serialize>) -> anyhow::Result<Self> {
        Ok(Self {
            agreement: view.agreement.id.to_string(),
            stage: view.stage.clone(),
            outcome: outcome.map(serde_json::to_value).transpose()?,
            balance: party.client.own_account()?.balance.units(),
        })
    }

    /// Writes it for people.
    pub fn write(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "agreement  {}", self.agreement)?;
        match &self.outcome {
            Some(outcome) => writeln!(out, "outcome    {outcome}")?,
            None => writeln!(out, "stage      {} (run the same command again to go on)", one_line(&self.stage))?,
        }
        writeln!(out, "balance    {}", self.balance)
    }
}
