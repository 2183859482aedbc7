//! `verinfer provider`: serves predictions and proves them on demand.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use verinfer_parties::host;
use verinfer_parties::http::Entrance;
use verinfer_parties::provider::{Means, Policy, Proceed, Provider};
use verinfer_parties::{Model, Pace};
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Millis;

use crate::model::Source;
use crate::network::FrontArguments;
use crate::output::{Output, Verdict};
use crate::party::{Party, PartyArguments, ServiceArguments, parse_money, parse_seconds};

/// Serve predictions of a hidden model, under agreements held by an escrow.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<ServeArguments>),
}

/// Serve until stopped; whatever stops it, it goes on where it was when it is started again.
#[derive(Debug, clap::Args)]
pub struct ServeArguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    #[command(flatten)]
    party: PartyArguments,

    /// Where customers reach it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8701")]
    listen: SocketAddr,

    #[command(flatten)]
    front: FrontArguments,

    /// The secret of the model's commitment, as `commit` writes it; without it the model is committed to anew, once, in the state.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,

    /// Deposit so much as the stake for the model, if there is none of so much yet, or it is retired or exhausted: 1000 N1 E is needed for agreements about accuracy.
    /// The escrow's rules say how long it is locked and how many agreements it covers.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    stake: Option<Money>,

    /// Least price of a proof.
    #[arg(long, value_name = "UNITS", default_value = "1", value_parser = parse_money)]
    proof: Money,

    /// Least price of an inference.
    #[arg(long, value_name = "UNITS", default_value = "1", value_parser = parse_money)]
    inference: Money,

    /// Least price of a prediction.
    #[arg(long, value_name = "UNITS", default_value = "1", value_parser = parse_money)]
    prediction: Money,

    /// Longest seconds for which a customer may hold a place before its inputs have come, for nothing.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse_seconds)]
    hold: Millis,

    /// Largest deposit for one agreement.
    #[arg(long, value_name = "UNITS", default_value = "1000000", value_parser = parse_money)]
    deposit: Money,

    /// Largest fee of an agreement about accuracy (epsilon), which is lost whatever happens; four times the least that the marketplace's rules allow, if not given.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    fee: Option<Money>,

    #[command(flatten)]
    service: ServiceArguments,

    /// When to go on after the first examples of an agreement about accuracy.
    #[arg(long, value_enum, default_value_t = ProceedArgument::IfSafe)]
    proceed: ProceedArgument,

    /// How many inputs one proof is about at most; fewer if the escrow does not verify so large a proof.
    #[arg(long, value_name = "INPUTS", default_value_t = 8)]
    batch: usize,
}

/// When a provider goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProceedArgument {
    /// If no customer can gain by it, and what is expected of it is more than nothing; terms with which it could not be are not accepted.
    IfSafe,
    /// In any case.
    Always,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.command {
        Command::Serve(arguments) => serve(arguments, output),
    }
}

fn serve(arguments: &ServeArguments, output: Output) -> anyhow::Result<Verdict> {
    let (provider, entrance, pace) = arguments.open(None, output)?;
    match host::run(provider, entrance, pace)? {}
}

impl ServeArguments {
    /// A provider that is ready, and where it is reached. One with a substitute cheats: that answers customers in place of the model.
    ///
    /// # Errors
    ///
    /// The model cannot be read, the state not be used, or the address not be listened on.
    pub fn open(&self, substitute: Option<Model>, output: Output) -> anyhow::Result<(Provider, Entrance, Pace)> {
        let front = self.front.open(Box::new(move |line| output.line(line)))?;
        let graph = Source::from(self.model.as_path()).import()?.graph;
        let party = self.party.open(false, output)?;
        let model = party.commit(graph, self.secret.as_deref(), output)?;
        let Party { key, client, store, pace, tell, .. } = party;
        let policy = Policy {
            proof: self.proof,
            inference: self.inference,
            prediction: self.prediction,
            hold: self.hold,
            deposit: self.deposit,
            fee: self.fee,
            time: self.service.least(),
            agreements: self.service.agreements,
            proceed: match self.proceed {
                ProceedArgument::IfSafe => Proceed::IfSafe,
                ProceedArgument::Always => Proceed::Always,
            },
            batch: self.batch,
            cells: self.service.proof_cells,
        };
        let entrance =
            Entrance { listener: TcpListener::bind(self.listen).with_context(|| format!("cannot listen on {}", self.listen))?, front };
        let (account, digest) = (client.account(), model.digest());
        let provider = Provider::new(Means { key, client, store, model, substitute, policy }, tell)?;
        if let Some(amount) = self.stake {
            output.line(&format!("stake {}", provider.stake(amount)?));
        }
        output.line(&format!("account {account}"));
        output.line(&format!("model {digest}"));
        output.line(&format!("listening on {}", entrance.url()?));
        Ok((provider, entrance, pace))
    }
}
