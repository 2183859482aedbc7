//! The escrow that a command asks, and the key that it signs with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use verinfer_escrow_client::memory::Memory;
use verinfer_escrow_client::messages::Receipt;
use verinfer_escrow_client::{Client, ClientError, EscrowAddress, Patience, RECORDED};
use verinfer_protocols::keys::AccountId;

use crate::keys;
use crate::network::RootArguments;
use crate::output::Output;

/// An escrow, and an account with it.
#[derive(Clone, Debug, Args)]
pub struct EscrowArguments {
    /// The escrow.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8700")]
    escrow: String,

    #[command(flatten)]
    roots: RootArguments,

    /// The escrow's account, as `keys show` prints it for the operator: another escrow that answers there is refused.
    #[arg(long, value_name = "ACCOUNT")]
    escrow_account: Option<AccountId>,

    /// The secret key of the account, as `keys new` writes it; of the operator, the escrow's own.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl EscrowArguments {
    /// The file of the key.
    pub fn key_file(&self) -> &Path {
        &self.key
    }

    /// Reads the key and reaches the escrow.
    ///
    /// # Errors
    ///
    /// One of them fails, or it is another escrow.
    pub fn connect(&self, output: Output) -> anyhow::Result<Client> {
        self.connect_with(None, output)
    }

    /// The same, where what the escrow signs is kept and compared: where, for the key's account.
    ///
    /// # Errors
    ///
    /// As [`EscrowArguments::connect`]; also if the escrow contradicts what was kept.
    pub fn connect_with(&self, memory: Option<&dyn Fn(AccountId) -> Arc<dyn Memory>>, output: Output) -> anyhow::Result<Client> {
        let key = keys::read(&self.key, output)?;
        self.roots.warn_of(&self.escrow, output);
        let address = EscrowAddress {
            url: self.escrow.clone(),
            roots: self.roots.read()?,
            account: self.escrow_account,
            patience: Patience::default(),
        };
        let memory = memory.map(|memory| memory(key.account()));
        Ok(Client::connect_to(&address, key, memory)?)
    }

    /// As [`EscrowArguments::connect`], where the key must be the escrow's own: nothing is sent with another.
    ///
    /// # Errors
    ///
    /// Likewise, or it is another key.
    pub fn connect_as_operator(&self, output: Output) -> anyhow::Result<Client> {
        let client = self.connect(output)?;
        let (account, escrow) = (client.account(), client.escrow());
        if account != escrow {
            bail!("{} is the key of account {account}: this is for the operator, with the key of the escrow {escrow}", self.key.display());
        }
        Ok(client)
    }
}

/// The entry of a request that was carried out; nothing if the same was recorded before, so that a repeated command has had its effect.
///
/// # Errors
///
/// The request was refused for another reason.
pub fn entry_of(result: Result<Receipt, ClientError>) -> Result<Option<u64>, ClientError> {
    match result {
        Ok(receipt) => Ok(Some(receipt.position)),
        Err(error) if error.kind() == Some(RECORDED) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a request stands in the log, in words.
pub fn entry_text(entry: Option<u64>) -> String {
    entry.map_or_else(|| "recorded before; nothing has changed".to_owned(), |entry| format!("entry {entry} of the log"))
}
