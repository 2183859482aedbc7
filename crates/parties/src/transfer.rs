//! Both halves of a transfer of items (appendix B), for whoever sends and whoever receives.

use serde::{Deserialize, Serialize};
use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::{Client, MAX_FILE_BYTES};
use verinfer_items::ItemError;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::merkle::{Root, Tree};
use verinfer_protocols::transfer::{MAX_ITEMS, Move, State, context};
use verinfer_sealing::{Key, MAX_ITEM_BYTES, OVERHEAD, open, seal};

use crate::error::PartyError;
use crate::store::{Store, StoreError};

/// The transfer that is going on in an agreement.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    /// The party's access to the escrow.
    pub client: &'a Client,
    /// The party's state.
    pub store: &'a Store,
    /// The agreement.
    pub agreement: AgreementId,
    /// The agreement's stage.
    pub stage: &'a str,
}

/// What a sender seals once and for all.
#[derive(Serialize, Deserialize)]
struct Sealed {
    key: [u8; Key::LEN],
    ciphertexts: Vec<Vec<u8>>,
}

/// What a party does about a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// This move.
    Move(Move),
    /// The sender has to bring the ciphertexts to the receiver.
    Deliver,
    /// The receiver has to wait for them, or to fetch them.
    Await,
    /// The other party has to move.
    Nothing,
}

/// A list of ciphertexts is not the one that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are not the ciphertexts that were announced")]
pub struct OtherCiphertexts;

/// Most bytes of items in one agreement: what an escrow takes of a party, less room for its proofs. Who had promised more would lose to a receiver
/// that says they are missing.
const MAX_BYTES: u64 = (1 << 30) - (1 << 26);

// A ciphertext can be left with the escrow.
const _: () = assert!(MAX_ITEM_BYTES + OVERHEAD <= MAX_FILE_BYTES);

/// Checks that so many items of so many bytes each can be handed over.
///
/// # Errors
///
/// They are too many.
pub fn check_size(items: u32, item: usize) -> Result<(), PartyError> {
    let bytes = u64::from(items).saturating_mul(item as u64);
    if items <= MAX_ITEMS && bytes <= MAX_BYTES && item <= MAX_ITEM_BYTES {
        return Ok(());
    }
    Err(PartyError::Plan(format!(
        "{items} items, {bytes} bytes, cannot be handed over in one agreement: at most {MAX_ITEMS} items of {MAX_ITEM_BYTES} bytes and {MAX_BYTES} \
         bytes in all can"
    )))
}

impl Transfer<'_> {
    /// What the sender of some items does.
    ///
    /// # Errors
    ///
    /// They cannot be sealed, kept, or left with the escrow.
    pub fn send(&self, state: &State, items: impl FnOnce() -> Result<Vec<Vec<u8>>, PartyError>) -> Result<Due, PartyError> {
        let sealed = || {
            self.store.once(&self.scope(), "sealed", || {
                let (key, ciphertexts) = seal(&self.context(), &items()?)?;
                Ok::<_, PartyError>(Sealed { key: *key.as_bytes(), ciphertexts })
            })
        };
        Ok(match state {
            State::Announcing { .. } => Due::Move(Move::Announce { ciphertexts: root(&sealed()?.ciphertexts)? }),
            State::Acknowledging { .. } => Due::Deliver,
            State::Publishing { .. } => {
                let ciphertexts = sealed()?.ciphertexts;
                let digests = ciphertexts.iter().map(|ciphertext| self.client.leave_file(self.agreement, ciphertext));
                Due::Move(Move::Publish { ciphertexts: digests.collect::<Result<_, _>>()? })
            }
            State::Keying { .. } => Due::Move(Move::Key { key: sealed()?.key.to_vec() }),
            State::Checking { .. } => Due::Nothing,
        })
    }

    /// What the sender delivers; nothing if it has not sealed anything yet.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn ciphertexts(&self) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        Ok(self.store.get::<Sealed>(&self.scope(), "sealed")?.map(|sealed| sealed.ciphertexts))
    }

    /// Keeps what the receiver was brought.
    ///
    /// # Errors
    ///
    /// It is not what was announced, longer than a file at the escrow, or cannot be kept.
    pub fn keep(&self, announced: &Digest, ciphertexts: &Vec<Vec<u8>>) -> Result<Result<(), OtherCiphertexts>, StoreError> {
        // What is too long for a file could not be contested: it has not arrived.
        let is_too_long = ciphertexts.iter().any(|ciphertext| ciphertext.len() > MAX_ITEM_BYTES + OVERHEAD);
        if is_too_long || root(ciphertexts).map(|root| root.digest).ok() != Some(*announced) {
            return Ok(Err(OtherCiphertexts));
        }
        // They may be brought again and again; once is enough to keep them.
        if !self.store.has(&self.scope(), "received") {
            self.store.put(&self.scope(), "received", ciphertexts)?;
        }
        Ok(Ok(()))
    }

    /// What the receiver does. `check` takes an item and its position; what it accepts was promised, and is kept by it.
    ///
    /// A receiver that has nothing says so when half of its time is over.
    ///
    /// # Errors
    ///
    /// What was received cannot be read, or the escrow cannot be reached.
    pub fn receive(
        &self,
        view: &AgreementView,
        state: &State,
        mut check: impl FnMut(u32, &[u8]) -> Result<Result<(), ItemError>, PartyError>,
        respond: u64,
    ) -> Result<Due, PartyError> {
        match state {
            State::Acknowledging { deadline, .. } if self.received()?.is_none() => {
                let is_late = view.now.0.saturating_add(respond / 2) >= deadline.0;
                Ok(if is_late { Due::Move(Move::Missing) } else { Due::Await })
            }
            State::Acknowledging { .. } => Ok(Due::Move(Move::Acknowledge)),
            State::Checking { key, .. } => {
                let ciphertexts = self.arrived()?;
                for (position, ciphertext) in (0..).zip(&ciphertexts) {
                    let item = Key::from_bytes(key).and_then(|key| open(&key, &self.context(), position, ciphertext).ok());
                    let is_promised = match item {
                        Some(item) => check(position, &item)?.is_ok(),
                        None => false,
                    };
                    if !is_promised {
                        return self.contest(position).map(Due::Move);
                    }
                }
                Ok(Due::Move(Move::Accept))
            }
            State::Announcing { .. } | State::Publishing { .. } | State::Keying { .. } => Ok(Due::Nothing),
        }
    }

    /// The receiver's claim that an item is not what was promised.
    ///
    /// # Errors
    ///
    /// There is no such ciphertext, or it cannot be left with the escrow.
    pub fn contest(&self, position: u32) -> Result<Move, PartyError> {
        let ciphertexts = self.arrived()?;
        let lost = || PartyError::Lost { agreement: self.agreement, name: format!("ciphertext {position}") };
        let contested = usize::try_from(position).ok().and_then(|position| ciphertexts.get(position)).ok_or_else(lost)?;
        let path = tree(&ciphertexts)?.path(position).ok_or_else(lost)?;
        Ok(Move::Contest { position, ciphertext: self.client.leave_file(self.agreement, contested)?, path })
    }

    /// What the receiver was brought, or what the sender has left with the escrow.
    fn arrived(&self) -> Result<Vec<Vec<u8>>, PartyError> {
        match self.received()? {
            Some(ciphertexts) => Ok(ciphertexts),
            None => {
                let digests = self.client.published(self.agreement)?;
                Ok(digests.into_iter().map(|digest| self.client.file(self.agreement, digest)).collect::<Result<_, _>>()?)
            }
        }
    }

    fn received(&self) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        self.store.get(&self.scope(), "received")
    }

    fn context(&self) -> verinfer_sealing::Context {
        context(self.agreement, self.stage).0
    }

    fn scope(&self) -> String {
        format!("{}/{}", self.agreement, self.stage)
    }
}

fn tree(ciphertexts: &[Vec<u8>]) -> Result<Tree, PartyError> {
    let digests: Vec<Digest> = ciphertexts.iter().map(|ciphertext| Digest::of_bytes(ciphertext)).collect();
    Ok(Tree::new(&digests)?)
}

fn root(ciphertexts: &[Vec<u8>]) -> Result<Root, PartyError> {
    tree(ciphertexts).map(|tree| tree.root())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_escrow_takes_is_not_promised() {
        assert!(check_size(MAX_ITEMS, 30_000).is_ok());
        assert!(check_size(MAX_ITEMS + 1, 1).is_err());
        assert!(check_size(7000, 150_000).is_err());
        assert!(check_size(1, MAX_FILE_BYTES).is_err());
        assert!(check_size(6000, 150_000).is_ok());
    }
}
