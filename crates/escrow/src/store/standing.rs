//! What a request depends on, in one question: a writer has nobody else write while it asks, and each question costs a way to the database and back.

use sqlx::{AnyConnection, Row as _};
use verinfer_escrow_client::messages::Receipt;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::rules::Rules;
use verinfer_protocols::time::Timestamp;

use super::{Store, StoreError, natural, parsed, read, scope};

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Who signs; nobody where a stage ends without a move.
    pub signer: Option<AccountId>,
    /// The agreement.
    pub agreement: AgreementId,
    /// The request's name.
    pub request: Option<Digest>,
}

/// How things stand for a request or a deadline.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Entries of the log.
    pub position: u64,
    /// Digest of them.
    pub digest: Digest,
    /// The receipt of the request, if it was carried out.
    pub receipt: Option<Receipt>,
    /// The number of the signer's last request about the agreement; 0 if there was none.
    pub last_sequence: u64,
    /// The agreement, if there is one.
    pub agreement: Option<Agreement>,
    /// The marketplace's rules.
    pub rules: Rules,
}

const STANDING: &str = "SELECT h.position, h.digest, r.content, s.last, a.content, l.position, l.digest, l.at FROM head h \
     LEFT JOIN rules r ON r.only_row = 1 LEFT JOIN sequences s ON s.account = $1 AND s.agreement = $2 \
     LEFT JOIN agreements a ON a.id = $2 LEFT JOIN log l ON l.request = $3";

impl Store {
    /// How things stand now.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn standing(&self, subject: Subject) -> Result<Standing, StoreError> {
        standing(&mut *self.connection().await?, subject).await
    }
}

pub(super) async fn standing(connection: &mut AnyConnection, subject: Subject) -> Result<Standing, StoreError> {
    // No account, and no request, has the empty name.
    let signer = subject.signer.map(|account| account.to_string()).unwrap_or_default();
    let request = subject.request.map(|request| request.to_string()).unwrap_or_default();
    let query = sqlx::query(STANDING).bind(signer).bind(scope(subject.agreement)).bind(request);
    let row = query.fetch_optional(connection).await?.ok_or(StoreError::Empty)?;
    let receipt = match (row.try_get::<Option<i64>, _>(5)?, row.try_get::<Option<&str>, _>(6)?, row.try_get::<Option<i64>, _>(7)?) {
        (Some(position), Some(head), Some(at)) => Some(Receipt {
            position: natural(position, "log", "position")?,
            head: parsed(head, "log", "digest")?,
            at: Timestamp(natural(at, "log", "at")?),
        }),
        (_, _, _) => None,
    };
    Ok(Standing {
        position: natural(row.try_get(0)?, "head", "position")?,
        digest: parsed(row.try_get(1)?, "head", "digest")?,
        receipt,
        last_sequence: row.try_get::<Option<i64>, _>(3)?.map_or(Ok(0), |last| natural(last, "sequences", "last"))?,
        agreement: row.try_get::<Option<&[u8]>, _>(4)?.map(read::content).transpose()?,
        rules: row.try_get::<Option<&[u8]>, _>(2)?.map_or_else(|| Ok(Rules::default()), super::market::rules_of)?,
    })
}
