//! Finds out again, from the files that parties have left, what the log says that the escrow found out.

use tokio::task::spawn_blocking;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::refusal::Refusal;

use super::AuditError;
use crate::books::{Before, Entry, Question, Record};
use crate::facts::Inquiry;
use crate::store::Store;

/// How much was found out again, and agrees with the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Proofs.
    pub proofs: usize,
    /// Contested ciphertexts.
    pub contested: usize,
    /// Ciphertexts that the escrow said it held for the receiver.
    pub held: usize,
}

impl Verified {
    /// Finds out what an entry depended on, and compares with what it says.
    pub(super) async fn verify(&mut self, store: &Store, position: u64, entry: &Entry, before: &Before) -> Result<(), AuditError> {
        let Record::Request { request, facts, .. } = &entry.record else { return Ok(()) };
        let (question, Some(agreement)) = (Question::asked_by(request), &before.agreement) else { return Ok(()) };
        let files = Files { store, position, agreement: agreement.id };
        if let Question::Held(ciphertexts) = question {
            for &ciphertext in ciphertexts {
                files.read(ciphertext).await?;
                self.held = self.held.saturating_add(1);
            }
        }
        let refused = |refusal: Refusal| AuditError::Entry { position, fault: refusal.into() };
        let Some(inquiry) = Inquiry::about(agreement, &question).map_err(refused)? else { return Ok(()) };
        let mut contents = Vec::new();
        for file in inquiry.files() {
            contents.push(files.read(file).await?);
        }
        let found = spawn_blocking(move || inquiry.answer(&contents)).await.map_err(|_| AuditError::Interrupted { position })?;
        match (facts, found.map_err(|rejection| AuditError::Proof { position, rejection })?) {
            (Facts::Proof(logged), Facts::Proof(found)) if *logged == found => self.proofs = self.proofs.saturating_add(1),
            (Facts::Proof(_), Facts::Proof(_)) => return Err(AuditError::Statement { position }),
            (Facts::Opens(logged), Facts::Opens(found)) if *logged == found => self.contested = self.contested.saturating_add(1),
            (&Facts::Opens(logged), Facts::Opens(_)) => return Err(AuditError::Opens { position, logged }),
            _ => return Err(AuditError::Unsaid { position }),
        }
        Ok(())
    }
}

/// The files of an agreement that an entry depends on.
struct Files<'a> {
    store: &'a Store,
    position: u64,
    agreement: AgreementId,
}

impl Files<'_> {
    /// A file, if it is there and is what its name says.
    async fn read(&self, file: Digest) -> Result<Vec<u8>, AuditError> {
        let &Self { store, position, agreement } = self;
        let content = store.file(agreement, file).await?.ok_or(AuditError::FileMissing { position, agreement, file })?;
        if Digest::of_bytes(&content) == file { Ok(content) } else { Err(AuditError::FileChanged { position, agreement, file }) }
    }
}
