//! What was paid in and out, and what became of an account's money.

use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;
use verinfer_protocols::payment::Standing;
use verinfer_protocols::signed::Body;

use crate::client::Client;
use crate::error::ClientError;
use crate::messages::{MovementView, PaymentView, Receipt};

impl Client {
    /// As the escrow's operator: of a deposit only so much stands.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn reverse(&self, account: AccountId, reference: String, left: Money, reason: String) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(AgreementId::NONE, Body::Reverse { account, reference, left, reason })?)
    }

    /// As the escrow's operator: a withdrawal was paid.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn paid(&self, account: AccountId, reference: String) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(AgreementId::NONE, Body::Paid { account, reference })?)
    }

    /// As the escrow's operator: a withdrawal cannot be paid.
    ///
    /// # Errors
    ///
    /// As [`Client::submit`].
    pub fn returned(&self, account: AccountId, reference: String, reason: String) -> Result<Receipt, ClientError> {
        self.submit(&self.prepare(AgreementId::NONE, Body::Returned { account, reference, reason })?)
    }

    /// All payments of one account or all, in the order in which they were recorded.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn all_payments(&self, account: Option<AccountId>, standing: Option<Standing>) -> Result<Vec<PaymentView>, ClientError> {
        let (mut payments, mut before) = (Vec::new(), u64::MAX);
        loop {
            let page = self.payments(account, standing, before)?;
            // An escrow that does not go on would be asked for ever.
            let Some(last) = page.iter().map(|payment| payment.recorded).min().filter(|&last| last < before) else { break };
            before = last;
            payments.extend(page);
        }
        payments.sort_by_key(|payment| payment.recorded);
        Ok(payments)
    }

    /// At most 100 payments of one account or all that were recorded before an entry, the last first.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn payments(&self, account: Option<AccountId>, standing: Option<Standing>, before: u64) -> Result<Vec<PaymentView>, ClientError> {
        let account = account.map(|account| format!("&account={account}")).unwrap_or_default();
        let standing = match standing {
            None => "",
            Some(Standing::Received) => "&standing=received",
            Some(Standing::Due) => "&standing=due",
            Some(Standing::Paid) => "&standing=paid",
            Some(Standing::Returned) => "&standing=returned",
        };
        self.read(&format!("/v1/payments?before={before}{account}{standing}"))
    }

    /// At most `limit` entries before one that changed what an account can dispose of, the last first.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached.
    pub fn history(&self, account: AccountId, before: u64, limit: u32) -> Result<Vec<MovementView>, ClientError> {
        self.read(&format!("/v1/accounts/{account}/history?before={before}&limit={limit}"))
    }
}
