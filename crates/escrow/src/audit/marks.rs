//! What somebody knows of a log from elsewhere, and holds it against.

use std::collections::BTreeMap;

use verinfer_escrow_client::ClientError;
use verinfer_escrow_client::memory::{Export, Judgement, KeptReceipt};
use verinfer_protocols::answer::{LogHead, SignedAnswer};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;

use super::AuditError;
use crate::books::{Entry, Record};

/// What must be found at positions of a log.
#[derive(Clone, Debug, Default)]
pub struct Marks(BTreeMap<u64, Vec<Mark>>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// The digest of the log up to there.
    digest: Digest,
    /// The request that is carried out there, if a receipt says so.
    request: Option<Digest>,
}

impl Marks {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A log that is known.
    pub fn head(&mut self, head: LogHead) {
        self.mark(head, None);
    }

    /// All that a party has kept of what the escrow has signed.
    ///
    /// # Errors
    ///
    /// Something does not show what it is kept for, or shows that the escrow has contradicted itself already.
    pub fn kept(&mut self, escrow: AccountId, kept: &Export) -> Result<(), AuditError> {
        let Judgement { contradiction, faults } = kept.judge(escrow);
        if let Some(contradiction) = contradiction {
            return Err(ClientError::from(contradiction).into());
        }
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault.into());
        }
        if let Some(answer) = &kept.head {
            self.answer(answer);
        }
        for KeptReceipt { request, entry, answer, .. } in &kept.receipts {
            self.answer(answer);
            self.mark(LogHead { position: entry.position, digest: entry.head }, Some(request.id()));
        }
        Ok(())
    }

    /// What an answer says of the log.
    fn answer(&mut self, answer: &SignedAnswer) {
        self.mark(answer.answer.head, None);
        if let Some(known) = answer.answer.known {
            self.mark(known, None);
        }
    }

    fn mark(&mut self, head: LogHead, request: Option<Digest>) {
        self.0.entry(head.position).or_default().push(Mark { digest: head.digest, request });
    }

    /// Holds the log up to an entry against what is known; the entry is nothing at its beginning.
    ///
    /// # Errors
    ///
    /// It is another log.
    pub fn check(&self, found: LogHead, entry: Option<&Entry>) -> Result<(), AuditError> {
        let LogHead { position, digest } = found;
        let Some(marks) = self.0.get(&position) else { return Ok(()) };
        let carried = entry.and_then(|entry| match &entry.record {
            Record::Request { request, .. } => Some(request.id()),
            Record::Deadline { .. } => None,
        });
        for mark in marks {
            if mark.digest != digest {
                return Err(AuditError::OtherLog { position, known: mark.digest, found: digest });
            }
            if let Some(request) = mark.request.filter(|&request| carried != Some(request)) {
                return Err(AuditError::NotCarriedOut { position, request });
            }
        }
        Ok(())
    }

    /// Checks that the log, which ends with an entry, is as long as what is known.
    ///
    /// # Errors
    ///
    /// It is shorter.
    pub fn end(&self, end: u64) -> Result<(), AuditError> {
        match self.0.keys().next_back() {
            Some(&position) if position > end => Err(AuditError::Gone { position, end }),
            Some(_) | None => Ok(()),
        }
    }
}
