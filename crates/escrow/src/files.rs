//! Files that parties leave with agreements, and the room that they take.

use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;

use crate::books::EntryFault;
use crate::error::{FileLimit, ServiceError};
use crate::service::Escrow;
use crate::store::Kept;

impl Escrow {
    /// Keeps a file that a party leaves with an agreement that has not ended.
    ///
    /// # Errors
    ///
    /// It may not, the files would be too many, or there is no room for any.
    pub async fn keep_file(&self, by: AccountId, id: AgreementId, bytes: &[u8]) -> Result<(), ServiceError> {
        self.observed(self.try_to_keep_file(by, id, bytes).await)
    }

    /// Checks all that can be checked of a file before it has come: others wait for the room that it takes.
    ///
    /// # Errors
    ///
    /// As [`Escrow::keep_file`].
    pub async fn check_may_leave(&self, by: AccountId, id: AgreementId) -> Result<(), ServiceError> {
        self.observed(self.may_leave(by, id).await).map(drop)
    }

    async fn may_leave(&self, by: AccountId, id: AgreementId) -> Result<Agreement, ServiceError> {
        self.check_known(by).await?;
        let agreement = self.party_to(by, id).await?;
        if agreement.state.has_ended() {
            return Err(ServiceError::NoAccess { agreement: id });
        }
        self.check_space()?;
        Ok(agreement)
    }

    async fn try_to_keep_file(&self, by: AccountId, id: AgreementId, bytes: &[u8]) -> Result<(), ServiceError> {
        let agreement = self.may_leave(by, id).await?;
        let limits = self.limits.files(&agreement);
        match self.store.keep_file(id, by, bytes, limits).await? {
            Kept::Kept => Ok(()),
            Kept::Ended => Err(ServiceError::NoAccess { agreement: id }),
            Kept::AgreementFull if agreement.state.is_accepted() => {
                Err(ServiceError::TooManyFiles { limit: FileLimit::Agreement, most: limits.agreement })
            }
            Kept::AgreementFull => Err(ServiceError::TooManyFiles { limit: FileLimit::Proposal, most: limits.agreement }),
            Kept::AccountFull => Err(ServiceError::TooManyFiles { limit: FileLimit::Account, most: limits.account }),
        }
    }

    /// A file of an agreement, for a party to it.
    ///
    /// # Errors
    ///
    /// The account is no party, or there is no such file.
    pub async fn file(&self, by: AccountId, id: AgreementId, file: Digest) -> Result<Vec<u8>, ServiceError> {
        self.party_to(by, id).await?;
        self.store.file(id, file).await?.ok_or(ServiceError::NoFile { agreement: id, file })
    }

    /// How many bytes a file of an agreement has, for a party to it.
    ///
    /// # Errors
    ///
    /// As [`Escrow::file`].
    pub async fn file_bytes(&self, by: AccountId, id: AgreementId, file: Digest) -> Result<usize, ServiceError> {
        self.party_to(by, id).await?;
        let bytes = self.store.file_bytes(id, file).await?.ok_or(ServiceError::NoFile { agreement: id, file })?;
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Checks that the reserve is free on the disk, so that the log can be written whatever files were left.
    pub(crate) fn check_space(&self) -> Result<(), ServiceError> {
        match self.store.free_bytes()? {
            Some(free) if free < self.limits.reserve => Err(ServiceError::NoSpace { free, reserve: self.limits.reserve }),
            Some(_) | None => Ok(()),
        }
    }

    async fn party_to(&self, by: AccountId, id: AgreementId) -> Result<Agreement, ServiceError> {
        let agreement = self.store.agreement(id).await?.ok_or(EntryFault::NoAgreement { id })?.agreement;
        let (proposer, acceptor) = agreement.terms.parties();
        if by == proposer || Some(by) == acceptor { Ok(agreement) } else { Err(ServiceError::NoAccess { agreement: id }) }
    }
}
