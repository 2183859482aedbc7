//! An audit over the network: what anybody can check who knows an escrow's address.

use serde::Deserialize;
use verinfer_escrow_client::Reader;
use verinfer_protocols::answer::LogHead;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::time::Timestamp;

use super::part::CheckedLine;
use super::{Audit, AuditError, Books, Marks};
use crate::books::{Entry, Record};
use crate::store::LogLine;

/// An entry as the interface gives it.
#[derive(Debug, Deserialize)]
struct Given {
    position: u64,
    head: Digest,
    at: Timestamp,
    record: Record,
}

/// Reads the log of an escrow in parts, from its first entry to the end that the escrow has signed when it was asked first, and holds it against what is
/// known. What the log says of proofs and ciphertexts is believed; their files are the parties'.
///
/// In memory are one part of the log, and what follows from it: accounts and agreements.
///
/// # Errors
///
/// The first thing that is wrong, or the escrow cannot be reached.
pub fn audit_over_network(reader: &Reader, marks: &Marks, latest: Timestamp) -> Result<Audit, AuditError> {
    let head = reader.head();
    let mut books = Books::new(reader.escrow()).no_later_than(latest);
    let signed = |books: &Books| -> Result<(), AuditError> {
        let found = books.head();
        if found.position == head.position && found.digest != head.digest {
            return Err(AuditError::OtherLog { position: head.position, known: head.digest, found: found.digest });
        }
        Ok(())
    };
    marks.check(books.head(), None)?;
    signed(&books)?;
    while books.head().position < head.position {
        let part: Vec<Given> = reader.read(&format!("/v1/log?after={}", books.head().position))?;
        if part.is_empty() {
            return Err(AuditError::End { found: books.head().position, expected: head.position });
        }
        // Counted, not told by their positions: what does not follow is an error, and is not waited for.
        let rest = head.position.saturating_sub(books.head().position);
        let given = part.into_iter().take(usize::try_from(rest).unwrap_or(usize::MAX));
        let line = |Given { position, head, at, record }| LogLine { position, digest: head, entry: Entry { at, record }.encode() };
        for line in CheckedLine::all(given.map(line).collect(), reader.escrow()) {
            let (entry, _) = books.extend(line)?;
            marks.check(books.head(), Some(&entry))?;
        }
        signed(&books)?;
    }
    marks.end(head.position)?;
    let LogHead { position, digest } = books.head();
    debug_assert_eq!((position, digest), (head.position, head.digest));
    Ok(books.summary(None))
}
