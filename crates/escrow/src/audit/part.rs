//! Parts of a log, and what can be found out about each of their lines by itself: whether it is an entry, and whether who it names has signed it. Nearly
//! all of an audit's time goes there, so that all processors share it, while the part before is played through the state machines.

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tokio::task::{JoinHandle, spawn_blocking};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::signed::RequestFault;

use crate::books::{Entry, Record};
use crate::store::{LogLine, Movement, Store, StoreError};

/// Lines of a part at most.
const LINES: u32 = 1000;

/// Bytes of entries after which a part ends. Three parts are in memory at the same time.
const BYTES: usize = 1 << 24;

/// A line of the log, and what it says by itself.
#[derive(Debug)]
pub struct CheckedLine {
    /// The line.
    pub line: LogLine,
    /// Its entry, if its bytes are one.
    pub entry: Result<Entry, StoreError>,
    /// Whether its request, if it is one, is for the escrow and signed.
    pub request: Result<(), RequestFault>,
}

impl CheckedLine {
    /// Of the log of an escrow.
    pub fn of(line: LogLine, escrow: AccountId) -> Self {
        let entry = line.decode();
        let request = match &entry {
            Ok(Entry { record: Record::Request { request, .. }, .. }) => request.check(escrow),
            Ok(Entry { record: Record::Deadline { .. }, .. }) | Err(_) => Ok(()),
        };
        Self { line, entry, request }
    }

    /// Of each line, in order; by all processors.
    pub fn all(lines: Vec<LogLine>, escrow: AccountId) -> Vec<Self> {
        lines.into_par_iter().map(|line| Self::of(line, escrow)).collect()
    }
}

/// A part of the log of a database.
pub struct Part {
    lines: Vec<LogLine>,
    /// What the database says that its entries did to accounts.
    movements: Vec<Movement>,
}

/// A part whose lines are being checked.
pub struct Checking {
    /// Its last position; nothing if the log has ended.
    pub last: Option<u64>,
    /// Done when all are checked.
    pub lines: JoinHandle<Vec<CheckedLine>>,
    /// What the database says that its entries did to accounts.
    pub movements: Vec<Movement>,
}

impl Part {
    /// What comes after a position.
    pub async fn read(store: &Store, after: u64) -> Result<Self, StoreError> {
        let lines = store.log(None, after, LINES, BYTES).await?;
        // After the last entry nothing has happened.
        let last = lines.last().map_or(u64::MAX, |line| line.position);
        let movements = store.movements_of(after, last).await?;
        Ok(Self { lines, movements })
    }

    /// Begins to check its lines.
    pub fn check(self, escrow: AccountId) -> Checking {
        let Self { lines, movements } = self;
        let last = lines.last().map(|line| line.position);
        Checking { last, lines: spawn_blocking(move || CheckedLine::all(lines, escrow)), movements }
    }
}
