//! Data transfers in games.

use serde::Serialize;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::event::Facts;
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::transfer::{Move, State};

use crate::PlayError;
use crate::fault::Fault;
use crate::world::digest;

/// How a party to a transfer cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cheat {
    /// The sender sends what does not open to the promised items.
    WrongData,
    /// The receiver contests what is right.
    FalseContest,
    /// The receiver says that nothing has arrived.
    DeniedReceipt,
}

/// What the party does whose turn it is; whoever gets wrong data contests it.
pub fn next(state: &State, items: u32, fault: Option<Fault>) -> Result<(Move, Facts), PlayError> {
    let cheat = match fault {
        Some(Fault::Transfer(cheat)) => Some(cheat),
        Some(Fault::Abort | Fault::Silence | Fault::OtherModel) | None => None,
    };
    let wrong = cheat == Some(Cheat::WrongData);
    Ok(match state {
        State::Announcing { .. } => (Move::Announce { ciphertexts: Tree::new(&ciphertexts(items, wrong))?.root() }, Facts::Nothing),
        State::Acknowledging { .. } if cheat == Some(Cheat::DeniedReceipt) => (Move::Missing, Facts::Nothing),
        State::Acknowledging { .. } => (Move::Acknowledge, Facts::Nothing),
        State::Publishing { .. } => (Move::Publish { ciphertexts: ciphertexts(items, wrong) }, Facts::Held),
        State::Keying { .. } => (Move::Key { key: vec![0; 32] }, Facts::Nothing),
        State::Checking { ciphertexts: announced, .. } => {
            let sent = ciphertexts(items, false);
            let tree = Tree::new(&sent)?;
            let is_wrong = tree.root().digest != *announced;
            if !is_wrong && cheat != Some(Cheat::FalseContest) {
                return Ok((Move::Accept, Facts::Nothing));
            }
            let sent = ciphertexts(items, is_wrong);
            // Every list has a first entry.
            let path = Tree::new(&sent)?.path(0);
            let (Some(&ciphertext), Some(path)) = (sent.first(), path) else { return Ok((Move::Accept, Facts::Nothing)) };
            (Move::Contest { position: 0, ciphertext, path }, Facts::Opens(!is_wrong))
        }
    })
}

fn ciphertexts(items: u32, wrong: bool) -> Vec<Digest> {
    (0..items).map(|item| digest(if wrong && item == 0 { "wrong ciphertext" } else { "ciphertext" })).collect()
}
