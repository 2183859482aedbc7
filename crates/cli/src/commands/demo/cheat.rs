//! `verinfer demo cheat`: parties that break the rules, for demonstrations and tests. They are the honest parties but for one move.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use verinfer_commitments::draw_salt;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_import::import_tflite;
use verinfer_parties::drive::Step;
use verinfer_parties::host::{self, Desk, Host};
use verinfer_parties::http::{Refused, Room, Service};
use verinfer_parties::queue::Job;
use verinfer_parties::transfer::{Due, Transfer};
use verinfer_parties::wire::{About, Ask, Topic};
use verinfer_parties::{Model, PartyError, Store};
use verinfer_protocols::agreement::{Move, State, Terms};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::transfer;
use verinfer_protocols::{accuracy, retrieval};
use verinfer_sealing::Envelope;

use super::worse::worse_digits;
use crate::commands::{customer, provider, retrieval as retrievals};
use crate::output::{Output, Verdict};

/// Play a party that breaks the rules.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which rule it breaks.
    #[arg(long, value_enum)]
    how: How,

    /// How many moves about an agreement a silent party makes.
    #[arg(long, value_name = "MOVES", default_value_t = 0)]
    moves: u64,

    #[command(subcommand)]
    party: Party,
}

/// Which rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// It makes some moves, and then none.
    Silent,
    /// It answers with a worse model of digits than the one it is committed to.
    OtherModel,
    /// It says that no document matches.
    NoMatches,
    /// It seals something else than what it has committed to.
    OtherItems,
    /// It publishes another key than it has sealed with.
    OtherKey,
    /// It contests what is right.
    FalseContest,
    /// It says that nothing has arrived, though it has.
    Missing,
    /// It hands over nothing but through the escrow.
    Withhold,
    /// It keeps who brings it something waiting, and takes nothing but through the escrow.
    Deaf,
}

/// Which party, with the options of the honest one.
#[derive(Debug, Subcommand)]
enum Party {
    /// As `customer accuracy`.
    Customer(Box<customer::accuracy::Arguments>),
    /// As `provider serve`.
    Provider(Box<provider::ServeArguments>),
    /// As `retrieval request`.
    Requester(Box<retrievals::request::Arguments>),
    /// As `retrieval respond`.
    Responder(Box<retrievals::respond::Arguments>),
}

/// How long a deaf party keeps others waiting.
const DEAF: Duration = Duration::from_secs(60);

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let cheat = Cheat { how: arguments.how, moves: arguments.moves };
    match &arguments.party {
        Party::Customer(party) => party.play(output, |party, customer, view| {
            let honest = || customer.step(view);
            cheat.step(&party.client, &party.store, view, honest)
        }),
        Party::Requester(party) => party.play(output, |party, requester, view| {
            let honest = || requester.step(view);
            cheat.step(&party.client, &party.store, view, honest)
        }),
        Party::Provider(party) => {
            let substitute = (cheat.how == How::OtherModel).then(worse_model).transpose()?;
            let (honest, entrance, pace) = party.open(substitute, output)?;
            match host::run(Cheater { honest, cheat }, entrance, pace)? {}
        }
        Party::Responder(party) => {
            let (honest, entrance, pace) = party.open(output)?;
            match host::run(Cheater { honest, cheat }, entrance, pace)? {}
        }
    }
}

#[derive(Clone, Copy)]
struct Cheat {
    how: How,
    moves: u64,
}

impl Cheat {
    /// Breaks the rule if its time has come; does the `honest` thing otherwise.
    fn step(
        self,
        client: &Client,
        store: &Store,
        view: &AgreementView,
        honest: impl FnOnce() -> Result<Step, PartyError>,
    ) -> Result<Step, PartyError> {
        let (account, agreement) = (client.account(), view.agreement.id);
        let is_due = view.awaits == Some(account);
        if self.how == How::Silent {
            let next = view.parties.iter().find(|party| party.account == account).map_or(1, |party| party.next_sequence);
            return if is_due && next > self.moves { Ok(Step::Waiting) } else { honest() };
        }
        if let (How::NoMatches, true, State::Retrieval(retrieval::State::Declaring { .. })) = (self.how, is_due, &view.agreement.state) {
            client.act(agreement, Move::Retrieval(retrieval::Move::Declare { matches: BTreeSet::new() }))?;
            return Ok(Step::Moved);
        }
        let Some((state, items)) = transferred(view) else { return honest() };
        let transfer = Transfer { client, store, agreement, stage: &view.stage };
        let action = match (self.how, state) {
            (How::Withhold, transfer::State::Acknowledging { .. }) if !is_due => return Ok(Step::Waiting),
            _ if !is_due => return honest(),
            (How::OtherItems, transfer::State::Announcing { .. }) => {
                let nothing = || Ok(std::iter::repeat_n(b"nothing".to_vec(), items).map(Ok));
                match transfer.send(state, nothing)? {
                    Due::Move(action) => action,
                    Due::Deliver | Due::Await | Due::Nothing => return honest(),
                }
            }
            (How::OtherKey, transfer::State::Keying { .. }) => transfer::Move::Key { key: vec![0; verinfer_sealing::Key::LEN] },
            (How::FalseContest, transfer::State::Checking { .. }) => transfer.contest(0)?,
            (How::Missing, transfer::State::Acknowledging { .. }) => transfer::Move::Missing,
            _ => return honest(),
        };
        let action = match view.agreement.state {
            State::Retrieval(_) => Move::Retrieval(retrieval::Move::Transfer(action)),
            State::Stake(_) | State::Accuracy(_) | State::Serving(_) => Move::Accuracy(accuracy::Move::Transfer(action)),
        };
        client.act(agreement, action)?;
        Ok(Step::Moved)
    }
}

fn worse_model() -> anyhow::Result<Model> {
    Ok(Model::commit(import_tflite(&worse_digits()?)?.graph, draw_salt()?)?)
}

/// The transfer that is going on, and of how many items it is.
fn transferred(view: &AgreementView) -> Option<(&transfer::State, usize)> {
    let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    match (&view.agreement.terms, &view.agreement.state) {
        (Terms::Accuracy(terms), State::Accuracy(accuracy::State::First { transfer, .. })) => Some((transfer, number(terms.first))),
        (Terms::Accuracy(terms), State::Accuracy(accuracy::State::Second { transfer, .. })) => Some((transfer, number(terms.second()))),
        (_, State::Retrieval(retrieval::State::Delivering { matches, transfer })) => Some((transfer, matches.len())),
        (Terms::Stake(_) | Terms::Accuracy(_) | Terms::Serving(_) | Terms::Retrieval(_), _) => None,
    }
}

/// A party that serves others, and cheats.
struct Cheater<H> {
    honest: H,
    cheat: Cheat,
}

impl<H: Host> Host for Cheater<H> {
    fn desk(&self) -> Desk<'_> {
        self.honest.desk()
    }

    fn step(&self, view: &AgreementView) -> Result<Step, PartyError> {
        let Desk { client, store, .. } = self.desk();
        self.cheat.step(client, store, view, || self.honest.step(view))
    }

    fn prove(&self, job: &Job) -> Result<Vec<u8>, PartyError> {
        self.honest.prove(job)
    }
}

impl<H: Host> Service for Cheater<H> {
    fn about(&self) -> Result<About, Refused> {
        self.honest.about()
    }

    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused> {
        if self.cheat.how == How::Deaf && topic == Topic::Ciphertexts {
            sleep(DEAF);
            return Err(Refused::not_now("nothing is taken here"));
        }
        self.honest.take(agreement, topic, envelope)
    }

    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused> {
        if self.cheat.how == How::Withhold && topic == Topic::Ciphertexts {
            sleep(DEAF);
            return Err(Refused::not_now("nothing is given here"));
        }
        self.honest.give(agreement, topic, ask, room)
    }
}
