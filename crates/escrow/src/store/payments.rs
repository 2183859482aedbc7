//! Payments from and to the world outside, and what entries did to accounts.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use verinfer_protocols::ledger::Account;
use verinfer_protocols::money::Money;
use verinfer_protocols::payment::{Direction, Key, Payment, Standing};

use super::{Store, StoreError, integer, natural};

/// A payment, and the entries that made it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPayment {
    /// The payment.
    pub payment: Payment,
    /// The entry that recorded it.
    pub recorded: u64,
    /// The entry that changed it last.
    pub changed: u64,
}

/// What an entry did to what an account can dispose of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Movement {
    /// The place of the entry.
    pub position: u64,
    /// The account.
    pub account: Account,
    /// What it gained; less than nothing if it lost.
    pub units: i64,
    /// What it had then.
    pub balance: i64,
}

/// Which payments are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct PaymentFilter {
    /// Those of this holder.
    pub holder: Option<Account>,
    /// Those that stand so.
    pub standing: Option<Standing>,
}

const COLUMNS: &str = "SELECT holder, direction, reference, amount, remaining, standing, recorded, changed FROM payments";

impl Store {
    /// At most `limit` payments that were recorded before an entry, the last first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn payments(&self, filter: PaymentFilter, before: u64, limit: u32) -> Result<Vec<RecordedPayment>, StoreError> {
        let PaymentFilter { holder, standing } = filter;
        let (which, texts): (&str, Vec<String>) = match (holder, standing) {
            (None, None) => ("", Vec::new()),
            (Some(holder), None) => (" AND holder = $3", vec![holder.to_string()]),
            (None, Some(standing)) => (" AND standing = $3", vec![standing_name(standing).to_owned()]),
            (Some(holder), Some(standing)) => {
                (" AND holder = $3 AND standing = $4", vec![holder.to_string(), standing_name(standing).to_owned()])
            }
        };
        let query = format!("{COLUMNS} WHERE recorded < $1{which} ORDER BY recorded DESC LIMIT $2");
        // Nothing is in it but the texts above.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(integer(before)).bind(i64::from(limit));
        for text in texts {
            query = query.bind(text);
        }
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(payment).collect()
    }

    /// At most `limit` movements of an account before an entry, the last first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn movements(&self, account: Account, before: u64, limit: u32) -> Result<Vec<Movement>, StoreError> {
        let query = "SELECT position, account, units, balance FROM movements WHERE account = $1 AND position < $2 \
                     ORDER BY position DESC LIMIT $3";
        let query = sqlx::query(query).bind(account.to_string()).bind(integer(before)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(movement).collect()
    }

    /// All movements of the entries after one up to another, in order.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn movements_of(&self, after: u64, upto: u64) -> Result<Vec<Movement>, StoreError> {
        let query = "SELECT position, account, units, balance FROM movements WHERE position > $1 AND position <= $2 ORDER BY position";
        let query = sqlx::query(query).bind(integer(after)).bind(integer(upto));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(movement).collect()
    }
}

/// A payment, if there is one of this name.
pub(super) async fn read(connection: &mut AnyConnection, key: &Key) -> Result<Option<Payment>, StoreError> {
    let query = format!("{COLUMNS} WHERE holder = $1 AND direction = $2 AND reference = $3");
    let query = sqlx::query(sqlx::AssertSqlSafe(query));
    let query = query.bind(key.holder.to_string()).bind(direction_name(key.direction)).bind(&key.reference);
    let row = query.fetch_optional(connection).await?;
    Ok(row.as_ref().map(payment).transpose()?.map(|recorded| recorded.payment))
}

/// Writes a payment down as an entry has left it.
pub(super) async fn put(connection: &mut AnyConnection, payment: &Payment, position: u64) -> Result<(), StoreError> {
    let Payment { key, amount, left, standing } = payment;
    let put = "INSERT INTO payments (holder, direction, reference, amount, remaining, standing, recorded, changed) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
               ON CONFLICT (holder, direction, reference) DO UPDATE SET remaining = $5, standing = $6, changed = $7";
    let query = sqlx::query(put).bind(key.holder.to_string()).bind(direction_name(key.direction)).bind(&key.reference);
    let query = query.bind(integer(amount.units())).bind(integer(left.units())).bind(standing_name(*standing)).bind(integer(position));
    query.execute(connection).await?;
    Ok(())
}

/// Writes down what an entry did to an account, if that is somebody's to dispose of.
pub(super) async fn put_movement(connection: &mut AnyConnection, movement: Movement) -> Result<(), StoreError> {
    let Movement { position, account, units, balance } = movement;
    if !is_disposable(account) {
        return Ok(());
    }
    let put = "INSERT INTO movements (account, position, units, balance) VALUES ($1, $2, $3, $4)";
    let query = sqlx::query(put).bind(account.to_string()).bind(integer(position)).bind(units).bind(balance);
    query.execute(connection).await?;
    Ok(())
}

/// Whether movements of an account are kept.
pub const fn is_disposable(account: Account) -> bool {
    match account {
        Account::Party(_) | Account::Fees => true,
        Account::Outside | Account::Holding(_) | Account::Due => false,
    }
}

fn payment(row: &AnyRow) -> Result<RecordedPayment, StoreError> {
    let wrong = |column| StoreError::Content { table: "payments", column };
    let money = |place: usize, column| {
        let units = natural(row.try_get(place)?, "payments", column)?;
        Money::new(units).map_err(|_| wrong(column))
    };
    let direction = match row.try_get(1)? {
        "in" => Direction::In,
        "out" => Direction::Out,
        _ => return Err(wrong("direction")),
    };
    let key = Key { holder: holder(row.try_get(0)?).ok_or(wrong("holder"))?, direction, reference: row.try_get(2)? };
    let standing = match row.try_get(5)? {
        "received" => Standing::Received,
        "due" => Standing::Due,
        "paid" => Standing::Paid,
        "returned" => Standing::Returned,
        _ => return Err(wrong("standing")),
    };
    Ok(RecordedPayment {
        payment: Payment { key, amount: money(3, "amount")?, left: money(4, "remaining")?, standing },
        recorded: natural(row.try_get(6)?, "payments", "recorded")?,
        changed: natural(row.try_get(7)?, "payments", "changed")?,
    })
}

fn movement(row: &AnyRow) -> Result<Movement, StoreError> {
    Ok(Movement {
        position: natural(row.try_get(0)?, "movements", "position")?,
        account: holder(row.try_get(1)?).ok_or(StoreError::Content { table: "movements", column: "account" })?,
        units: row.try_get(2)?,
        balance: row.try_get(3)?,
    })
}

/// The account of a name, if it is one that somebody can dispose of.
fn holder(name: &str) -> Option<Account> {
    name.parse().ok().filter(|&account| is_disposable(account))
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

const fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Received => "received",
        Standing::Due => "due",
        Standing::Paid => "paid",
        Standing::Returned => "returned",
    }
}
