//! Access to an escrow for anybody: reads what is public, and checks that the escrow has signed it.

use serde::de::DeserializeOwned;
use verinfer_protocols::answer::LogHead;
use verinfer_protocols::keys::AccountId;

use crate::address::EscrowAddress;
use crate::error::ClientError;
use crate::known::Known;
use crate::messages::About;
use crate::transport::{Question, Transport};

/// Access of somebody who has no account.
#[derive(Clone, Debug)]
pub struct Reader {
    transport: Transport,
    escrow: AccountId,
    head: LogHead,
}

impl Reader {
    /// For the escrow at an address; if its account is not known, it is asked for.
    ///
    /// # Errors
    ///
    /// There is no escrow, or it has another certificate or another account.
    pub fn connect(address: &EscrowAddress) -> Result<Self, ClientError> {
        let transport = Transport::new(address, Known::new(address.account, None)?);
        let (answer, _) = transport.ask(&Question::get("/v1/about"))?;
        Ok(Self { transport, escrow: answer.answer.escrow, head: answer.answer.head })
    }

    /// What the escrow says of itself.
    ///
    /// # Errors
    ///
    /// It cannot be reached.
    pub fn about(&self) -> Result<About, ClientError> {
        self.read("/v1/about")
    }

    /// The escrow's account.
    pub const fn escrow(&self) -> AccountId {
        self.escrow
    }

    /// The end of the log that the escrow signed first.
    pub const fn head(&self) -> LogHead {
        self.head
    }

    /// The value at a path and query, which must be of a log that follows [`Reader::head`].
    ///
    /// # Errors
    ///
    /// It is another, the escrow refuses or cannot be reached, or contradicts what it has signed.
    pub fn read<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        self.transport.read(target)
    }
}
