//! Both halves of a transfer of items (appendix B), for whoever sends and whoever receives.
//!
//! A party has no more than one item in memory, besides the digests of all, except when it brings or fetches all ciphertexts at once: it seals, keeps, leaves with
//! the escrow, fetches from there, opens and checks one after the other.

mod kept;

use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::{Client, FILE_OVERHEAD, MAX_AGREEMENT_BYTES, MAX_FILE_BYTES};
use verinfer_items::ItemError;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::time::Millis;
use verinfer_protocols::transfer::{MAX_ITEMS, Move, State, context};
use verinfer_sealing::{Key, MAX_ITEM_BYTES, OVERHEAD, open, seal};

use crate::error::PartyError;
use crate::random::NoRandomness;
use crate::store::{Store, StoreError};
use crate::wire::Topic;
use kept::{Kept, List};

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

/// Most bytes of items in one agreement: half of what an escrow takes of a party, since there are proofs as well. Who had promised more would lose to a
/// receiver that says they are missing.
const MAX_BYTES: u64 = MAX_AGREEMENT_BYTES / 2;

// A ciphertext can be left with the escrow.
const _: () = assert!(MAX_ITEM_BYTES + OVERHEAD <= MAX_FILE_BYTES);

/// Checks that so many items of so many bytes each can be handed over; gives how many bytes an escrow counts for them, sealed.
///
/// # Errors
///
/// They are too many.
pub fn check_size(items: u32, item: usize) -> Result<u64, PartyError> {
    let bytes = u64::from(items).saturating_mul((item as u64).saturating_add(OVERHEAD as u64 + FILE_OVERHEAD));
    if items <= MAX_ITEMS && bytes <= MAX_BYTES && item <= MAX_ITEM_BYTES {
        return Ok(bytes);
    }
    Err(PartyError::Plan(format!(
        "{items} items, {bytes} bytes, cannot be handed over in one agreement: at most {MAX_ITEMS} items of {MAX_ITEM_BYTES} bytes and {MAX_BYTES} \
         bytes in all can"
    )))
}

/// What a party takes for each item that it leaves with an escrow or fetches from there, with room to spare: a question and its answer.
const ITEM_TIME: Millis = Millis(100);

/// Checks that a move with so many items, which may all have to go through the escrow, can be made in a period.
///
/// # Errors
///
/// It is too short.
pub fn check_period(items: u32, period: Millis) -> Result<(), PartyError> {
    let needed = 1000_u64.saturating_add(ITEM_TIME.0.saturating_mul(items.into()));
    if period.0 >= needed {
        return Ok(());
    }
    Err(PartyError::Plan(format!(
        "`--respond` is {} ms: {items} items, which may have to go through the escrow, take up to {needed} ms",
        period.0
    )))
}

impl Transfer<'_> {
    /// What the sender of some items does. They are asked for one by one, in order, until they are sealed; after that, no more.
    ///
    /// # Errors
    ///
    /// They cannot be sealed, kept, or left with the escrow.
    pub fn send<I>(&self, state: &State, items: impl FnOnce() -> Result<I, PartyError>) -> Result<Due, PartyError>
    where
        I: IntoIterator<Item = Result<Vec<u8>, PartyError>>,
    {
        Ok(match state {
            State::Announcing { .. } => Due::Move(Move::Announce { ciphertexts: Tree::new(&self.seal(items)?.digests)?.root() }),
            State::Acknowledging { .. } if self.brought_at_once()?.is_some() => Due::Deliver,
            State::Publishing { .. } => Due::Move(Move::Publish { ciphertexts: self.publish(&self.seal(items)?)? }),
            State::Keying { .. } => Due::Move(Move::Key { key: self.key()?.as_bytes().to_vec() }),
            // What cannot be brought at once is missing, the receiver says, and goes through the escrow.
            State::Acknowledging { .. } | State::Checking { .. } => Due::Nothing,
        })
    }

    /// What the sender brings to the receiver at once: nothing if it has not sealed anything yet, or if it is so long that it goes through the escrow.
    /// `reserve` is told its bytes before they are in memory.
    ///
    /// # Errors
    ///
    /// It cannot be read, or that of `reserve`.
    pub fn ciphertexts<E: From<PartyError>>(&self, reserve: impl FnOnce(usize) -> Result<(), E>) -> Result<Option<Vec<Vec<u8>>>, E> {
        let Some((count, bytes)) = self.brought_at_once()? else { return Ok(None) };
        reserve(bytes)?;
        let ciphertexts = (0..count).map(|position| self.sealed_at(position));
        Ok(Some(ciphertexts.collect::<Result<_, _>>()?))
    }

    /// Keeps what the receiver was brought.
    ///
    /// # Errors
    ///
    /// It is not what was announced, longer than a file at the escrow, or cannot be kept.
    pub fn keep(&self, announced: &Digest, ciphertexts: &[Vec<u8>]) -> Result<Result<(), OtherCiphertexts>, StoreError> {
        // What is too long for a file could not be contested: it has not arrived.
        let is_too_long = ciphertexts.iter().any(|ciphertext| ciphertext.len() > MAX_ITEM_BYTES + OVERHEAD);
        let digests: Vec<Digest> = ciphertexts.iter().map(|ciphertext| Digest::of_bytes(ciphertext)).collect();
        if is_too_long || Tree::new(&digests).map(|tree| tree.root().digest) != Ok(*announced) {
            return Ok(Err(OtherCiphertexts));
        }
        // They may be brought again and again; once is enough to keep them.
        if !self.received().is_whole() {
            self.received().keep(ciphertexts.iter().map(Ok::<_, StoreError>))?;
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
            State::Acknowledging { deadline, .. } if !self.received().is_whole() => {
                let is_late = view.now.0.saturating_add(respond / 2) >= deadline.0;
                Ok(if is_late { Due::Move(Move::Missing) } else { Due::Await })
            }
            State::Acknowledging { .. } => Ok(Due::Move(Move::Acknowledge)),
            State::Checking { key, .. } => {
                for (position, digest) in (0..).zip(self.arrived()?) {
                    let ciphertext = self.arrived_at(position, digest)?;
                    let item = Key::from_bytes(key).and_then(|key| open(&key, &self.context(), position, &ciphertext).ok());
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
        let digests = self.arrived()?;
        let lost = || self.lost(format!("ciphertext {position}"));
        let digest = usize::try_from(position).ok().and_then(|position| digests.get(position)).ok_or_else(lost)?;
        let path = Tree::new(&digests)?.path(position).ok_or_else(lost)?;
        let ciphertext = self.client.leave_file(self.agreement, &self.arrived_at(position, *digest)?)?;
        Ok(Move::Contest { position, ciphertext, path })
    }

    /// Seals the items, each under the key of the transfer for its place, unless that was done before.
    fn seal<I>(&self, items: impl FnOnce() -> Result<I, PartyError>) -> Result<List, PartyError>
    where
        I: IntoIterator<Item = Result<Vec<u8>, PartyError>>,
    {
        if let Some(list) = self.sealed().list()? {
            return Ok(list);
        }
        let (key, context) = (self.key()?, self.context());
        let seal = |(position, item): (u32, Result<Vec<u8>, PartyError>)| Ok::<_, PartyError>(seal(&key, &context, position, &item?)?);
        self.sealed().keep((0..).zip(items()?).map(seal))
    }

    /// The key of the transfer: drawn once, and kept before anything is sealed under it.
    fn key(&self) -> Result<Key, PartyError> {
        let draw = || Key::draw().map(|key| *key.as_bytes()).map_err(|_| NoRandomness.into());
        self.store.once(&self.scope(), "key", draw).map(Key::from)
    }

    /// Leaves what is sealed with the escrow.
    fn publish(&self, list: &List) -> Result<Vec<Digest>, PartyError> {
        let leave = |(position, _)| Ok(self.client.leave_file(self.agreement, &self.sealed_at(position)?)?);
        (0..).zip(&list.digests).map(leave).collect()
    }

    /// How many ciphertexts are brought to the receiver at once, and their bytes; nothing if they are too long for that, or not sealed yet.
    fn brought_at_once(&self) -> Result<Option<(u32, usize)>, PartyError> {
        let Some(List { digests, bytes }) = self.sealed().list()? else { return Ok(None) };
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= Topic::Ciphertexts.max_bytes());
        Ok(u32::try_from(digests.len()).ok().zip(bytes))
    }

    /// The digests of what the receiver was brought, or of what the sender has left with the escrow.
    fn arrived(&self) -> Result<Vec<Digest>, PartyError> {
        let digests = match self.received().list()? {
            Some(List { digests, .. }) => digests,
            None => self.client.published(self.agreement)?,
        };
        if digests.is_empty() { Err(self.lost("ciphertexts".to_owned())) } else { Ok(digests) }
    }

    /// One of the ciphertexts that have arrived.
    fn arrived_at(&self, position: u32, digest: Digest) -> Result<Vec<u8>, PartyError> {
        let received = self.received();
        if !received.is_whole() {
            return Ok(self.client.file(self.agreement, digest)?);
        }
        received.get(position)?.ok_or_else(|| self.lost(format!("ciphertext {position}")))
    }

    fn sealed_at(&self, position: u32) -> Result<Vec<u8>, PartyError> {
        self.sealed().get(position)?.ok_or_else(|| self.lost(format!("sealed item {position}")))
    }

    fn sealed(&self) -> Kept<'_> {
        Kept::new(self.store, format!("{}/sealed", self.scope()))
    }

    fn received(&self) -> Kept<'_> {
        Kept::new(self.store, format!("{}/received", self.scope()))
    }

    fn lost(&self, name: String) -> PartyError {
        PartyError::Lost { agreement: self.agreement, name }
    }

    fn context(&self) -> verinfer_sealing::Context {
        context(self.agreement, self.stage).0
    }

    fn scope(&self) -> String {
        format!("{}/{}", self.agreement, self.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_escrow_takes_is_not_promised() {
        assert!(check_size(MAX_ITEMS, 30_000).is_ok());
        assert!(check_size(MAX_ITEMS + 1, 1).is_err());
        assert!(check_size(7500, 150_000).is_err());
        assert!(check_size(1, MAX_FILE_BYTES).is_err());
        assert!(check_size(6000, 150_000).is_ok());
        assert!(check_period(10, Millis(2000)).is_ok() && check_period(11, Millis(2000)).is_err());
        assert!(check_period(u32::MAX, Millis(u64::MAX)).is_ok());
    }
}
