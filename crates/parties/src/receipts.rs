//! A party's receipts, in its state: what the escrow has signed, against which it must not be heard to say anything else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use verinfer_escrow_client::Evidence;
use verinfer_escrow_client::memory::{EXPORT_VERSION, Export, KeptReceipt, Memory, MemoryError};
use verinfer_protocols::answer::SignedAnswer;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::signed::Header;

use crate::store::{Store, StoreError};

const HEAD: (&str, &str) = ("receipts", "head");
const EVIDENCE: (&str, &str) = ("receipts", "evidence");
const ENTRIES: &str = "receipts of requests";

/// What a party's state keeps of what its escrow has signed.
#[derive(Debug)]
pub struct Receipts {
    store: Store,
    /// The highest number about each agreement.
    last: Mutex<BTreeMap<AgreementId, u64>>,
}

impl Receipts {
    /// Those of a state.
    pub fn of(store: &Store) -> Self {
        let mut last = BTreeMap::new();
        // By number, ascending.
        for (agreement, sequence) in store.names(ENTRIES).iter().filter_map(|name| read(name)) {
            last.insert(agreement, sequence);
        }
        Self { store: store.clone(), last: Mutex::new(last) }
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn export(&self) -> Result<Export, StoreError> {
        let receipts = self.store.list(ENTRIES).map(|entry| entry.map(|(_, receipt)| receipt)).collect::<Result<_, _>>()?;
        let (head, evidence) = (self.store.get(HEAD.0, HEAD.1)?, self.store.get(EVIDENCE.0, EVIDENCE.1)?);
        Ok(Export { version: EXPORT_VERSION, head, receipts, evidence })
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
        let Header { agreement, sequence, .. } = receipt.request.header;
        self.store.put(ENTRIES, &name(agreement, sequence), receipt).map_err(failure)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.entry(agreement).or_default();
        *known = sequence.max(*known);
        Ok(())
    }

    fn last_sequence(&self, agreement: AgreementId) -> u64 {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(&agreement).copied().unwrap_or(0)
    }

    fn receipt(&self, agreement: AgreementId, sequence: u64) -> Result<Option<KeptReceipt>, MemoryError> {
        self.store.get(ENTRIES, &name(agreement, sequence)).map_err(failure)
    }

    fn keep_evidence(&self, evidence: &Evidence) -> Result<(), MemoryError> {
        self.store.once(EVIDENCE.0, EVIDENCE.1, || Ok(evidence.clone())).map(drop).map_err(failure)
    }
}

fn failure(error: StoreError) -> MemoryError {
    MemoryError(Box::new(error))
}

/// Names are ordered as the numbers are.
fn name(agreement: AgreementId, sequence: u64) -> String {
    format!("{agreement}:{sequence:020}")
}

fn read(name: &str) -> Option<(AgreementId, u64)> {
    let (agreement, sequence) = name.split_once(':')?;
    Some((agreement.parse().ok()?, sequence.parse().ok()?))
}
