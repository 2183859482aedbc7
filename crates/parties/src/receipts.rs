//! A party's receipts, in its state: what the escrow has signed, against which it must not be heard to say anything else.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use verinfer_escrow_client::Evidence;
use verinfer_escrow_client::memory::{EXPORT_VERSION, Export, KeptReceipt, Memory, MemoryError};
use verinfer_protocols::answer::SignedAnswer;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::signed::Header;

use crate::store::{Store, StoreError};

/// All scopes are under it.
const ALL: &str = "receipts";
const HEAD: (&str, &str) = ("receipts/answers", "head");
const EVIDENCE: (&str, &str) = ("receipts/answers", "evidence");
const ENTRIES: &str = "receipts/requests";

/// What a party's state keeps of what its escrow has signed. Several parties may share a state: each counts its own requests.
#[derive(Debug)]
pub struct Receipts {
    store: Store,
    party: AccountId,
    /// The party's highest number about each agreement.
    last: Mutex<BTreeMap<AgreementId, u64>>,
}

/// All that a state keeps of what the escrow has signed.
///
/// # Errors
///
/// It cannot be read.
pub fn export(store: &Store) -> Result<Export, StoreError> {
    let receipts = store.list(ENTRIES).map(|entry| entry.map(|(_, receipt)| receipt)).collect::<Result<_, _>>()?;
    let (head, evidence) = (store.get(HEAD.0, HEAD.1)?, store.get(EVIDENCE.0, EVIDENCE.1)?);
    Ok(Export { version: EXPORT_VERSION, head, receipts, evidence })
}

/// Forgets all of that: whoever signs next for the escrow's account is compared with nothing.
///
/// # Errors
///
/// It cannot be written.
pub fn forget(store: &Store) -> Result<(), StoreError> {
    store.forget(ALL)
}

impl Receipts {
    /// Those of a party in a state.
    pub fn of(store: &Store, party: AccountId) -> Self {
        let mut last = BTreeMap::new();
        // By number, ascending.
        for (_, agreement, sequence) in store.names(ENTRIES).iter().filter_map(|name| read(name)).filter(|(signer, ..)| *signer == party) {
            last.insert(agreement, sequence);
        }
        Self { store: store.clone(), party, last: Mutex::new(last) }
    }

    fn last(&self) -> MutexGuard<'_, BTreeMap<AgreementId, u64>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory for Receipts {
    fn head(&self) -> Result<Option<SignedAnswer>, MemoryError> {
        self.store.get(HEAD.0, HEAD.1).map_err(failure)
    }

    fn keep_head(&self, answer: &SignedAnswer) -> Result<(), MemoryError> {
        self.store.append(HEAD.0, HEAD.1, answer).map_err(failure)
    }

    fn keep_receipt(&self, receipt: &KeptReceipt) -> Result<(), MemoryError> {
        let Header { signer, agreement, sequence, .. } = receipt.request.header;
        self.store.put(ENTRIES, &name(signer, agreement, sequence), receipt).map_err(failure)?;
        if signer == self.party {
            let mut last = self.last();
            let known = last.entry(agreement).or_default();
            *known = sequence.max(*known);
        }
        Ok(())
    }

    fn last_sequence(&self, agreement: AgreementId) -> u64 {
        self.last().get(&agreement).copied().unwrap_or(0)
    }

    fn receipt(&self, agreement: AgreementId, sequence: u64) -> Result<Option<KeptReceipt>, MemoryError> {
        self.store.get(ENTRIES, &name(self.party, agreement, sequence)).map_err(failure)
    }

    fn keep_evidence(&self, evidence: &Evidence) -> Result<(), MemoryError> {
        // One at a time.
        let _last = self.last();
        let kept: Option<Evidence> = self.store.get(EVIDENCE.0, EVIDENCE.1).map_err(failure)?;
        if kept.is_some_and(|kept| kept.check(evidence.escrow()).is_ok()) {
            return Ok(());
        }
        self.store.put(EVIDENCE.0, EVIDENCE.1, evidence).map_err(failure)
    }
}

fn failure(error: StoreError) -> MemoryError {
    MemoryError(Box::new(error))
}

/// Names are ordered as the numbers are.
fn name(signer: AccountId, agreement: AgreementId, sequence: u64) -> String {
    format!("{signer}:{agreement}:{sequence:020}")
}

fn read(name: &str) -> Option<(AccountId, AgreementId, u64)> {
    let mut parts = name.split(':');
    let (signer, agreement, sequence) = (parts.next()?, parts.next()?, parts.next()?);
    let read = (signer.parse().ok()?, agreement.parse().ok()?, sequence.parse().ok()?);
    parts.next().is_none().then_some(read)
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::answer::{Answer, LogHead, VERSION};
    use verinfer_protocols::digest::Digest;
    use verinfer_protocols::keys::SecretKey;
    use verinfer_protocols::time::Timestamp;

    use super::*;

    fn answer(byte: u8) -> SignedAnswer {
        let (key, digest) = (SecretKey::from_seed(&[1; 32]), Digest([0; 32]));
        let answer = Answer {
            version: VERSION,
            escrow: key.account(),
            question: digest,
            nonce: None,
            status: 200,
            body: digest,
            now: Timestamp(1),
            head: LogHead { position: 5, digest: Digest([byte; 32]) },
            known: None,
        };
        SignedAnswer::sign(answer, None, &key)
    }

    #[test]
    fn evidence_that_shows_nothing_gives_way_and_the_first_that_does_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let receipts = Receipts::of(&store, AccountId([2; 32]));
        let evidence = |byte| Evidence::Answers { earlier: answer(1), later: answer(byte), salt: None };
        let kept_after = |byte| {
            receipts.keep_evidence(&evidence(byte)).unwrap();
            export(&store).unwrap().evidence.unwrap()
        };
        assert_eq!(kept_after(1), evidence(1), "two answers of one log");
        assert_eq!(kept_after(2), evidence(2));
        assert_eq!(kept_after(3), evidence(2));
        receipts.keep_head(&answer(1)).unwrap();
        forget(&store).unwrap();
        assert_eq!(export(&store).unwrap(), Export::default());
    }
}
