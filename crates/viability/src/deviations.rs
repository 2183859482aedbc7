//! One fault at one turn of an otherwise honest agreement, for every turn and every fault that is possible there.
//!
//! That a customer ends a round of predictions without a contest is no fault. Nothing is left to chance: the model is right on every example. So these gains are exact, and each is one path through the machine.

use std::collections::BTreeSet;

use serde::Serialize;
use verinfer_protocols::accuracy::Outcome;
use verinfer_protocols::coin::Share;
use verinfer_protocols::keys::AccountId;

use crate::accuracy::{self, Decision, ModelQuality, Provider};
use crate::fault::{Fault, FaultAt};
use crate::serving::Way;
use crate::transfer::Cheat;
use crate::world::customer;
use crate::{Economy, Gains, PlayError, retrieval, serving};

/// A fault and what it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deviation {
    /// `accuracy`, `serving`, `retrieval`.
    pub protocol: &'static str,
    /// Whether the proposer (customer, requester) deviates, or else the acceptor.
    pub by_customer: bool,
    /// In which stage.
    pub stage: String,
    /// How.
    pub fault: Fault,
    /// What the deviating party gains.
    pub own: f64,
    /// What it would have gained without the fault. What a completed agreement is worth beyond its payments is counted in both.
    pub honest: f64,
    /// What the other party gains.
    pub other: f64,
}

impl Deviation {
    /// Who deviates.
    pub fn party(&self) -> &'static str {
        match (self.protocol, self.by_customer) {
            ("retrieval", true) => "requester",
            ("retrieval", false) => "responder",
            (_, true) => "customer",
            (_, false) => "provider",
        }
    }

    /// Whether the party that deviates has less than if it had not.
    pub fn loses(&self) -> bool {
        self.own < self.honest
    }

    /// How many times the other party's loss the fault costs who is at fault, less than nothing if that one gains; `None` if the other loses nothing.
    pub fn griefing_factor(&self) -> Option<f64> {
        (self.other < 0.0).then(|| self.own / self.other)
    }
}

/// One path through a machine.
pub(crate) struct Path {
    /// Of money, less work.
    pub gains: Gains,
    /// Whose turn it was in which stage, in order.
    pub turns: Vec<(AccountId, String)>,
    /// Whether the parties have what they agreed on, beyond the payments.
    pub completed: bool,
}

/// All deviations of all protocols.
///
/// # Errors
///
/// The economy is impossible.
pub fn deviations(economy: &Economy) -> Result<Vec<Deviation>, PlayError> {
    let game = accuracy::Game::new(economy)?;
    let provider = Provider { quality: ModelQuality::Good, decision: Decision::From(0), tries: true };
    let correct = vec![true; economy.examples() as usize];
    let of_accuracy = |fault| {
        game.play(&provider, &correct, Share([0; 32]), fault).map(|played| Path {
            gains: played.gains,
            turns: played.turns,
            completed: matches!(played.outcome, Outcome::TargetMet { .. }),
        })
    };
    let contested: &BTreeSet<u32> = &(0..economy.contested).collect();
    let of_serving = |way| move |fault| serving::play(economy, way, &BTreeSet::new(), contested, fault);
    let game = retrieval::Game::new(economy)?;
    let of_retrieval = |fault| game.play(&BTreeSet::new(), &BTreeSet::from([0]), Share([0; 32]), fault);
    let mut all = of_protocol("accuracy", accuracy::sale(economy, ModelQuality::Good), of_accuracy)?;
    let worth = economy.round_surplus as f64;
    let worth = Gains { customer: worth, provider: worth };
    all.extend(of_protocol("serving", worth, of_serving(Way::Direct))?);
    // Where predictions are demanded, the other stages are the same.
    all.extend(of_protocol("serving", worth, of_serving(Way::Demanded))?.into_iter().filter(|deviation| deviation.stage == "demanded"));
    all.extend(of_protocol("retrieval", Gains { customer: economy.retrieval_value as f64, provider: 0.0 }, of_retrieval)?);
    Ok(all)
}

fn of_protocol(
    protocol: &'static str,
    sale: Gains,
    play: impl Fn(Option<FaultAt>) -> Result<Path, PlayError>,
) -> Result<Vec<Deviation>, PlayError> {
    let with_sale = |path: &Path| path.gains + sale * if path.completed { 1.0 } else { 0.0 };
    let path = play(None)?;
    let honest = with_sale(&path);
    let mut deviations = Vec::new();
    for (turn, (by, stage)) in path.turns.iter().enumerate() {
        let by_customer = *by == customer().account();
        for &fault in faults(stage) {
            let gains = with_sale(&play(Some(FaultAt { turn, fault }))?);
            let of = |gains: Gains| if by_customer { (gains.customer, gains.provider) } else { (gains.provider, gains.customer) };
            let ((own, other), (honest, _)) = (of(gains), of(honest));
            deviations.push(Deviation { protocol, by_customer, stage: stage.clone(), fault, own, honest, other });
        }
    }
    Ok(deviations)
}

/// What can go wrong in a stage.
fn faults(stage: &str) -> &'static [Fault] {
    const ALWAYS: [Fault; 2] = [Fault::Silence, Fault::Abort];
    match stage.rsplit(", ").next() {
        Some("announcing") => &[Fault::Silence, Fault::Abort, Fault::Transfer(Cheat::WrongData)],
        Some("acknowledging") => &[Fault::Silence, Fault::Abort, Fault::Transfer(Cheat::DeniedReceipt)],
        Some("checking") => &[Fault::Silence, Fault::Abort, Fault::Transfer(Cheat::FalseContest)],
        Some("proving" | "contested") => &[Fault::Silence, Fault::Abort, Fault::OtherModel],
        Some("running") => &[],
        _ => &ALWAYS,
    }
}
