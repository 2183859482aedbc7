//! Double-entry bookkeeping: every posting takes an amount from one account and gives it to another.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::AgreementId;
use crate::keys::AccountId;
use crate::money::{Money, MoneyError};

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// The world outside: what has been deposited less what has been withdrawn. The only account that can owe.
    Outside,
    /// What the escrow has earned.
    Fees,
    /// What a party can dispose of.
    Party(AccountId),
    /// What is held until an agreement ends.
    Holding(AgreementId),
    /// What was withdrawn and not paid out yet.
    Due,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("outside"),
            Self::Fees => f.write_str("fees"),
            Self::Due => f.write_str("due"),
            Self::Party(account) => write!(f, "party:{account}"),
            Self::Holding(agreement) => write!(f, "holding:{agreement}"),
        }
    }
}

/// Text is not the name of an account, as `Display` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected outside, fees, due, party:KEY or holding:AGREEMENT")]
pub struct NoAccount;

impl FromStr for Account {
    type Err = NoAccount;

    fn from_str(name: &str) -> Result<Self, NoAccount> {
        match (name, name.split_once(':')) {
            ("outside", _) => Ok(Self::Outside),
            ("fees", _) => Ok(Self::Fees),
            ("due", _) => Ok(Self::Due),
            (_, Some(("party", key))) => key.parse().map(Self::Party).map_err(|_| NoAccount),
            (_, Some(("holding", id))) => id.parse().map(Self::Holding).map_err(|_| NoAccount),
            (_, _) => Err(NoAccount),
        }
    }
}

/// A movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Who has less by it.
    pub from: Account,
    /// Who has more by it.
    pub to: Account,
    /// How much.
    pub amount: Money,
}

/// What every account has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Of all accounts but [`Account::Outside`]; those that have nothing are left out.
    balances: BTreeMap<Account, Money>,
    /// What [`Account::Outside`] owes.
    issued: Money,
}

/// A posting cannot be made, or the books do not balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// An account has too little.
    #[error("account {account} has {balance} units, of which {amount} cannot be taken")]
    Overdrawn {
        /// The account.
        account: Account,
        /// What it has.
        balance: Money,
        /// What should be taken from it.
        amount: Money,
    },
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The accounts together do not have what was deposited.
    #[error("the accounts together have {found} units, but {issued} were deposited and not withdrawn")]
    NotConserved {
        /// Sum over all accounts.
        found: Money,
        /// Deposits less withdrawals.
        issued: Money,
    },
}

impl Ledger {
    /// What an account has; of [`Account::Outside`], what it owes.
    pub fn balance(&self, account: Account) -> Money {
        if account == Account::Outside { self.issued } else { self.balances.get(&account).copied().unwrap_or_default() }
    }

    /// All accounts that have something, without [`Account::Outside`].
    pub fn balances(&self) -> impl Iterator<Item = (Account, Money)> {
        self.balances.iter().map(|(&account, &balance)| (account, balance))
    }

    /// Makes all postings in order, or none. Money is conserved: what one account has less, another has more. It takes as long as there are postings,
    /// however many accounts there are.
    ///
    /// # Errors
    ///
    /// An account would be overdrawn, or an amount out of range.
    pub fn post(&mut self, postings: &[Posting]) -> Result<(), LedgerError> {
        let touched = postings.iter().flat_map(|posting| [posting.from, posting.to]);
        let before: Vec<(Account, Money)> = touched.map(|account| (account, self.balance(account))).collect();
        let made = postings.iter().try_for_each(|posting| {
            self.take(posting.from, posting.amount)?;
            self.give(posting.to, posting.amount)
        });
        if made.is_err() {
            before.into_iter().for_each(|(account, balance)| self.set(account, balance));
        }
        made
    }

    /// Checks that the accounts together have exactly what was deposited and not withdrawn.
    ///
    /// # Errors
    ///
    /// They do not.
    pub fn check(&self) -> Result<(), LedgerError> {
        let found = self.balances.values().try_fold(Money::ZERO, |sum, &balance| sum.plus(balance))?;
        if found == self.issued { Ok(()) } else { Err(LedgerError::NotConserved { found, issued: self.issued }) }
    }

    fn take(&mut self, account: Account, amount: Money) -> Result<(), LedgerError> {
        let balance = self.balance(account);
        let rest = match account {
            // It owes more.
            Account::Outside => balance.plus(amount)?,
            Account::Fees | Account::Party(_) | Account::Holding(_) | Account::Due => {
                balance.minus(amount).map_err(|_| LedgerError::Overdrawn { account, balance, amount })?
            }
        };
        self.set(account, rest);
        Ok(())
    }

    fn give(&mut self, account: Account, amount: Money) -> Result<(), LedgerError> {
        let balance = self.balance(account);
        let sum = match account {
            Account::Outside => balance.minus(amount).map_err(|_| LedgerError::Overdrawn { account, balance, amount })?,
            Account::Fees | Account::Party(_) | Account::Holding(_) | Account::Due => balance.plus(amount)?,
        };
        self.set(account, sum);
        Ok(())
    }

    fn set(&mut self, account: Account, balance: Money) {
        if account == Account::Outside {
            self.issued = balance;
        } else if balance.is_zero() {
            self.balances.remove(&account);
        } else {
            self.balances.insert(account, balance);
        }
    }
}

/// Payments into and out of the holding account of an agreement. Those of nothing are left out.
#[derive(Clone, Copy, Debug)]
pub struct Till(pub AgreementId);

impl Till {
    /// A party deposits.
    pub fn deposit(self, from: AccountId, amount: Money) -> Vec<Posting> {
        paid([Posting { from: Account::Party(from), to: Account::Holding(self.0), amount }])
    }

    /// Parties are paid.
    pub fn pay<const LEN: usize>(self, shares: [(AccountId, Money); LEN]) -> Vec<Posting> {
        paid(shares.map(|(to, amount)| Posting { from: Account::Holding(self.0), to: Account::Party(to), amount }))
    }

    /// The escrow is paid.
    pub fn fee(self, amount: Money) -> Vec<Posting> {
        paid([Posting { from: Account::Holding(self.0), to: Account::Fees, amount }])
    }
}

fn paid<const LEN: usize>(postings: [Posting; LEN]) -> Vec<Posting> {
    postings.into_iter().filter(|posting| !posting.amount.is_zero()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: u64) -> Money {
        Money::new(units).unwrap()
    }

    #[test]
    fn postings_are_made_all_or_none() {
        let alice = Account::Party(AccountId([1; 32]));
        let mut ledger = Ledger::default();
        ledger.post(&[Posting { from: Account::Outside, to: alice, amount: units(10) }]).unwrap();
        let before = ledger.clone();
        let fee = Posting { from: alice, to: Account::Fees, amount: units(6) };
        assert_eq!(ledger.post(&[fee, fee]), Err(LedgerError::Overdrawn { account: alice, balance: units(4), amount: units(6) }));
        assert_eq!(ledger, before);
        ledger.post(&[fee]).unwrap();
        assert_eq!((ledger.balance(alice), ledger.balance(Account::Fees)), (units(4), units(6)));
    }

    #[test]
    fn postings_that_fail_halfway_leave_every_account_as_it_was() {
        let [alice, bob] = [1, 2].map(|byte| Account::Party(AccountId([byte; 32])));
        let mut ledger = Ledger::default();
        let posting = |from, to, amount| Posting { from, to, amount: units(amount) };
        ledger.post(&[posting(Account::Outside, alice, 10)]).unwrap();
        let before = ledger.clone();
        // Accounts that are touched more than once, emptied, new, and the one that owes.
        let postings = [
            posting(alice, bob, 10),
            posting(bob, alice, 4),
            posting(Account::Outside, bob, 7),
            posting(bob, Account::Outside, 13),
            posting(alice, Account::Due, 4),
            posting(alice, bob, 1),
        ];
        assert_eq!(ledger.post(&postings), Err(LedgerError::Overdrawn { account: alice, balance: units(0), amount: units(1) }));
        assert_eq!(ledger, before);
        ledger.post(&postings[..5]).unwrap();
        ledger.check().unwrap();
        assert_eq!([alice, bob, Account::Due, Account::Outside].map(|account| ledger.balance(account)), [0, 0, 4, 4].map(units));
    }

    #[test]
    fn there_is_one_name_of_an_account() {
        let accounts =
            [Account::Outside, Account::Fees, Account::Due, Account::Party(AccountId([7; 32])), Account::Holding(AgreementId([9; 32]))];
        for account in accounts {
            assert_eq!(account.to_string().parse(), Ok(account));
        }
        let upper = format!("party:{}", "A".repeat(64));
        for wrong in ["", "Fees", "fees:", "outside ", "party", "party:", "party:12", "holding:x", "other:12", &upper] {
            assert_eq!(wrong.parse::<Account>(), Err(NoAccount), "{wrong}");
        }
    }

    #[test]
    fn more_than_was_deposited_cannot_leave() {
        let mut ledger = Ledger::default();
        let out = Posting { from: Account::Fees, to: Account::Outside, amount: units(1) };
        assert!(matches!(ledger.post(&[out]), Err(LedgerError::Overdrawn { account: Account::Fees, .. })));
    }
}
