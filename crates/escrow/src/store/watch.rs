//! What an operator watches: few rows, however long the log is.

use sqlx::Row as _;
use verinfer_protocols::ledger::Account;

use super::{Store, StoreError};

/// Open agreements of a kind in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// `stake`, `accuracy`, `serving` or `retrieval`.
    pub kind: String,
    /// The name of the stage.
    pub stage: String,
    /// How many.
    pub count: i64,
    /// What they hold together.
    pub units: i64,
}

/// Money that no party has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Paid in and not paid out.
    pub issued: i64,
    /// Withdrawn and not paid out yet.
    pub due: i64,
    /// Earned and not withdrawn.
    pub fees: i64,
}

const STAGES: &str = "SELECT kind, stage, COUNT(*), CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM agreements \
     LEFT JOIN balances ON account = 'holding:' || id WHERE ended = 0 GROUP BY kind, stage";

impl Store {
    /// Open agreements by kind and stage.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn stages(&self) -> Result<Vec<Stage>, StoreError> {
        let rows = sqlx::query(STAGES).fetch_all(&mut *self.connection().await?).await?;
        let stage = |row: &sqlx::any::AnyRow| {
            Ok(Stage { kind: row.try_get(0)?, stage: row.try_get(1)?, count: row.try_get(2)?, units: row.try_get(3)? })
        };
        rows.iter().map(stage).collect()
    }

    /// Money that no party has.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn funds(&self) -> Result<Funds, StoreError> {
        let query = sqlx::query("SELECT account, units FROM balances WHERE account IN ('outside', 'due', 'fees')");
        let mut funds = Funds::default();
        for row in query.fetch_all(&mut *self.connection().await?).await? {
            let (account, units): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            if account == Account::Outside.to_string() {
                funds.issued = units.saturating_neg();
            } else if account == Account::Due.to_string() {
                funds.due = units;
            } else {
                funds.fees = units;
            }
        }
        Ok(funds)
    }
}
