//! The stage of a demonstration: an escrow in a temporary folder, parties with money, and what each act should come to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tempfile::TempDir;
use verinfer_commitments::draw_salt;
use verinfer_escrow_client::{Client, Patience};
use verinfer_import::import_tflite;
use verinfer_parties::Model;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;

use super::processes::{Process, free_address};
use crate::files;
use crate::keys;
use crate::output::Output;

/// What each party has at the beginning of an act.
pub const PURSE: u64 = 1_000_000;

/// An escrow and what has been played.
pub struct Stage {
    folder: TempDir,
    output: Output,
    escrow: Process,
    operator: Client,
    url: String,
    acts: Vec<Act>,
}

/// A party that can be on stage.
#[derive(Clone, Debug)]
pub struct Role {
    /// What it is.
    pub name: &'static str,
    /// Its account.
    pub account: AccountId,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of its state.
    pub state: PathBuf,
}

/// What was played, and what came of it.
#[derive(Debug, Serialize)]
pub struct Act {
    title: String,
    /// How the agreement ended, as the party that asked says.
    outcome: String,
    expected_outcome: &'static str,
    accounts: Vec<Balance>,
}

/// What came of an account.
#[derive(Debug, Serialize)]
struct Balance {
    name: &'static str,
    /// More or less than before.
    change: i64,
    expected_change: i64,
}

impl Act {
    /// Whether it ended as the protocol says.
    pub fn is_as_expected(&self) -> bool {
        self.outcome.contains(self.expected_outcome) && self.accounts.iter().all(|balance| balance.change == balance.expected_change)
    }
}

impl Stage {
    /// Starts an escrow.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn open(output: Output) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let key = folder.path().join("escrow.key");
        let operator = keys::draw()?;
        keys::write(&key, &operator, false)?;
        let address = free_address()?;
        let url = format!("http://{address}");
        let arguments = with_paths(strings(&["escrow", "serve", "--listen", &address, "--db", &database(&folder)]), &[("--key", &key)]);
        let escrow = Process::start("escrow", &arguments, output)?;
        let operator = Client::connect(&url, operator, Patience { total: Duration::from_secs(60), ..Patience::default() })?;
        output.line(&format!("The escrow is at {url}; its page can be looked at while this runs."));
        Ok(Self { folder, output, escrow, operator, url, acts: Vec::new() })
    }

    /// The folder, which is removed at the end.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Commits to a model: the names of the public file, which customers have, and of the secret one.
    ///
    /// # Errors
    ///
    /// It is no model, or the files cannot be written.
    pub fn commit(&self, name: &str, model: &[u8]) -> anyhow::Result<[String; 2]> {
        let model = Model::commit(import_tflite(model)?.graph, draw_salt()?)?;
        let [public, secret] = ["vcm", "vsk"].map(|kind| self.folder().join(format!("{name}.{kind}")));
        files::write_secret(&secret, &model.secret().encode(), false)?;
        files::write(&public, model.public())?;
        Ok([public, secret].map(|path| path.display().to_string()))
    }

    /// Says what is played next, in the terms of docs/protocols.md.
    pub fn announce(&self, title: &str, story: &str) {
        self.output.paragraph(&format!("\n=== {title}\n{story}\n"));
    }

    /// A new party with a full purse.
    ///
    /// # Errors
    ///
    /// Its key cannot be written, or the escrow takes no deposit.
    pub fn role(&self, name: &'static str) -> anyhow::Result<Role> {
        let file = |kind: &str| self.folder().join(format!("{name}-{}.{kind}", self.acts.len()));
        let (key, state) = (file("key"), file("state"));
        let secret = keys::draw()?;
        keys::write(&key, &secret, false)?;
        let account = secret.account();
        self.operator.deposit(account, Money::new(PURSE)?, format!("purse of the {name} of act {}", self.acts.len()))?;
        Ok(Role { name, account, key, state })
    }

    /// Starts a party that serves; gives its address.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn serve(&self, role: &Role, command: &[&str], options: &[&str]) -> anyhow::Result<(Process, String)> {
        let address = free_address()?;
        let mut arguments = self.arguments(role, command, options);
        arguments.extend(strings(&["--listen", &address]));
        Ok((Process::start(role.name, &arguments, self.output)?, format!("http://{address}")))
    }

    /// Runs a party that asks to its end, whichever that is.
    ///
    /// # Errors
    ///
    /// It fails.
    pub fn ask(&self, role: &Role, command: &[&str], options: &[&str]) -> anyhow::Result<()> {
        match Process::start(role.name, &self.arguments(role, command, options), self.output)?.wait()? {
            Some(0 | 1) => Ok(()),
            code => bail!("the {} has failed ({code:?})", role.name),
        }
    }

    /// Compares what the parties have with what they should: by how much each account changed, and how the agreement ended.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached, or the party that asked has no agreement.
    pub fn settle(&mut self, title: &str, expected_outcome: &'static str, changes: &[(&Role, i64)]) -> anyhow::Result<()> {
        let mut accounts = Vec::new();
        self.output.line("");
        for (role, expected_change) in changes {
            let view = self.account(role.account)?;
            let change = i64::try_from(view.balance.units())? - i64::try_from(PURSE)?;
            let remark = if change == *expected_change { "as it should be" } else { "WRONG" };
            self.output.line(&format!("{:>9}   balance {:>9}   change {change:>+8}   {remark}", role.name, view.balance));
            accounts.push(Balance { name: role.name, change, expected_change: *expected_change });
        }
        let asked = changes.first().context("nobody is on stage")?.0;
        let agreement = self.account(asked.account)?.agreements.into_iter().next().context("there is no agreement")?;
        let outcome = serde_json::to_string(&self.operator.agreement(agreement.id)?.agreement.state)?;
        self.acts.push(Act { title: title.to_owned(), outcome, expected_outcome, accounts });
        Ok(())
    }

    /// Stops the escrow and audits its log: nothing, or what the audit objects to.
    ///
    /// # Errors
    ///
    /// The audit cannot be run.
    pub fn close(self) -> anyhow::Result<(Vec<Act>, Result<(), String>)> {
        let Self { folder, output, escrow, acts, .. } = self;
        drop(escrow);
        output.line("");
        let code = Process::start("audit", &strings(&["escrow", "audit", "--db", &database(&folder)]), output)?.wait()?;
        Ok((acts, if code == Some(0) { Ok(()) } else { Err(format!("it failed ({code:?})")) }))
    }

    fn account(&self, account: AccountId) -> anyhow::Result<verinfer_escrow_client::messages::AccountView> {
        Ok(self.operator.account_of(account)?)
    }

    fn arguments(&self, role: &Role, command: &[&str], options: &[&str]) -> Vec<OsString> {
        let mut arguments = with_paths(strings(command), &[("--key", &role.key), ("--state", &role.state)]);
        arguments.extend(strings(&["--escrow", &self.url, "--escrow-account", &self.operator.account().to_string(), "--poll", "100"]));
        arguments.extend(strings(options));
        arguments
    }
}

fn database(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("escrow.db").display())
}

fn strings(arguments: &[&str]) -> Vec<OsString> {
    arguments.iter().map(OsString::from).collect()
}

fn with_paths(mut arguments: Vec<OsString>, paths: &[(&str, &Path)]) -> Vec<OsString> {
    arguments.extend(paths.iter().flat_map(|(option, path)| [OsString::from(option), path.into()]));
    arguments
}
