//! An account of which what the escrow signs is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::memory::Memory;
use verinfer_escrow_client::messages::Receipt;
use verinfer_parties::pending;
use verinfer_parties::receipts::Receipts;
use verinfer_parties::{PartyError, Store};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::signed::{Body, Request};

use crate::access::EscrowArguments;
use crate::output::Output;

/// An account with an escrow, and where its receipts are.
#[derive(Clone, Debug, clap::Args)]
pub struct AccountArguments {
    #[command(flatten)]
    escrow: EscrowArguments,

    /// Where the account keeps what the escrow signs about its requests, and what it is compared with; by default beside the key, with `.receipts` after its
    /// name. Commands that move money make it. `escrow receipts` shows it to others, `escrow audit --receipts` holds a log against it.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
}

/// An account that moves money.
pub struct Account {
    /// Its access to the escrow.
    pub client: Client,
    store: Store,
    file: PathBuf,
}

impl AccountArguments {
    /// Reads the key and reaches the escrow, which must not contradict what was kept, if anything was.
    ///
    /// # Errors
    ///
    /// One of them fails.
    pub fn look(&self, output: Output) -> anyhow::Result<Client> {
        let file = self.file();
        if self.receipts.is_some() || file.exists() {
            return Ok(self.open(output)?.client);
        }
        self.escrow.connect(output)
    }

    /// The same, where a receipt is kept of each request that is carried out.
    ///
    /// # Errors
    ///
    /// One of them fails, or receipts cannot be kept.
    pub fn open(&self, output: Output) -> anyhow::Result<Account> {
        let file = self.file();
        let store = Store::open(&file).with_context(|| format!("cannot use {}", file.display()))?;
        let memory = |party| -> Arc<dyn Memory> { Arc::new(Receipts::of(&store, party)) };
        let client = self.escrow.connect_with(Some(&memory), output)?;
        Ok(Account { client, store, file })
    }

    fn file(&self) -> PathBuf {
        self.receipts.clone().unwrap_or_else(|| {
            let mut name = self.escrow.key_file().as_os_str().to_owned();
            name.push(".receipts");
            name.into()
        })
    }
}

impl Account {
    /// Where its receipts are.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Has a request carried out once, however often the command is given, and keeps its receipt: for what is wanted whenever it is carried out.
    ///
    /// # Errors
    ///
    /// The escrow refuses it or cannot be reached, or it cannot be kept.
    pub fn carry_out(&self, agreement: AgreementId, body: Body) -> Result<Receipt, PartyError> {
        pending::carry_out(&self.client, &self.store, agreement, body)
    }

    /// A request for the same that was sent, and of which it is not known what became of it.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn pending(&self, agreement: AgreementId, body: &Body) -> Result<Option<Request>, PartyError> {
        pending::pending(&self.client, &self.store, agreement, body)
    }

    /// Sends that again; gives nothing if it cannot be carried out any more.
    ///
    /// # Errors
    ///
    /// The escrow refuses it or cannot be reached.
    pub fn again(&self, agreement: AgreementId, body: &Body) -> Result<Option<Receipt>, PartyError> {
        pending::again(&self.client, &self.store, agreement, body)
    }

    /// Signs a request and sends it.
    ///
    /// # Errors
    ///
    /// The escrow refuses it or cannot be reached, or it cannot be kept.
    pub fn anew(&self, agreement: AgreementId, body: Body) -> Result<Receipt, PartyError> {
        pending::anew(&self.client, &self.store, agreement, body)
    }

    /// Does not send a request again that is pending.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn forget(&self, agreement: AgreementId, body: &Body) -> Result<(), PartyError> {
        pending::forget(&self.client, &self.store, agreement, body)
    }
}
