use verinfer_protocols::answer::AnswerFault;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;

use crate::contradiction::Contradiction;
use crate::evidence::EvidenceFault;
use crate::memory::MemoryError;

/// Why an answer is not taken for the escrow's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// Nobody has signed it.
    #[error("it is not signed")]
    Unsigned,
    /// Its signature has another form.
    #[error("its signature cannot be read ({reason})")]
    Unreadable {
        /// What is wrong.
        reason: String,
    },
    /// It is the escrow's, to a body that was changed, cut off or held up on the way.
    #[error("another body came to the escrow than was sent, or not all of it in time")]
    OtherBody,
    /// It is longer than any that the escrow gives.
    #[error("it has more than {limit} bytes")]
    TooLong {
        /// Bytes of the longest.
        limit: u64,
    },
    /// It has a status that no such answer has.
    #[error("it should have status {expected}")]
    Status {
        /// The only one that says that what was asked for was done.
        expected: u16,
    },
    /// It would show nobody that the request was carried out.
    #[error("it is no receipt: {0}")]
    Receipt(EvidenceFault),
    /// It does not hold.
    #[error(transparent)]
    Answer(#[from] AnswerFault),
}

/// Why an escrow did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be reached, however often it was tried.
    #[error("the escrow cannot be reached: {0}")]
    Unreachable(Box<ureq::Error>),
    /// Somebody answers there who has not shown to be the escrow.
    #[error("the escrow cannot be reached: {url}: {reason}")]
    Distrusted {
        /// Where it should be.
        url: String,
        /// What is wrong with its certificate, or with its TLS.
        reason: String,
    },
    /// It refused.
    #[error("the escrow refused ({status} {kind}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// For programs.
        kind: String,
        /// For people.
        message: String,
    },
    /// It answered with something that an escrow does not say.
    #[error("the escrow's answer to {request} cannot be read: {reason}")]
    Answer {
        /// What was asked.
        request: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Somebody has answered, and there is no proof that it was the escrow, now, and to this question.
    #[error("the answer to {request} (status {status}) is not proved to be the escrow's, somebody may stand in between: {fault}")]
    Unproved {
        /// What was asked.
        request: String,
        /// HTTP status.
        status: u16,
        /// What is wrong with the answer.
        fault: ReplyFault,
    },
    /// What was kept is another escrow's.
    #[error("what is kept here was signed by the escrow {kept}, not by {named}: name that one, or keep what another signs elsewhere")]
    OtherEscrow {
        /// Who has signed it.
        kept: AccountId,
        /// Who is named.
        named: AccountId,
    },
    /// The escrow has signed what contradicts this.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// The file is another than the one asked for.
    #[error("the escrow gave another file than {expected}")]
    OtherFile {
        /// Its digest.
        expected: Digest,
    },
    /// The receipt is that of another request.
    #[error("the escrow gave a receipt of request {found} for request {expected}")]
    OtherReceipt {
        /// The request.
        expected: Digest,
        /// The receipt's.
        found: Digest,
    },
    /// What the escrow has signed cannot be kept.
    #[error("the escrow's receipts cannot be kept")]
    Memory(#[from] MemoryError),
    /// There are no random bytes to ask with.
    #[error("the operating system gives no randomness")]
    Randomness,
}

impl ClientError {
    /// Whether the escrow is down, busy, without room, or somebody answers in its place for now: the same may be asked again later.
    pub fn is_transient(&self) -> bool {
        match self {
            // It may be somebody in between, who goes away, or a certificate that is renewed.
            Self::Unreachable(_) | Self::Distrusted { .. } | Self::Unproved { .. } => true,
            // A proxy says 502 and 504 while the escrow behind it is started again.
            Self::Refused { status, kind, .. } => matches!(status, 429 | 502 | 503 | 504) || kind == "no_space",
            Self::Answer { .. }
            | Self::OtherEscrow { .. }
            | Self::Contradiction(_)
            | Self::OtherFile { .. }
            | Self::OtherReceipt { .. }
            | Self::Memory(_)
            | Self::Randomness => false,
        }
    }

    /// The refusal's kind, if it is one.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => Some(kind),
            Self::Unreachable(_)
            | Self::Distrusted { .. }
            | Self::Answer { .. }
            | Self::Unproved { .. }
            | Self::OtherEscrow { .. }
            | Self::Contradiction(_)
            | Self::OtherFile { .. }
            | Self::OtherReceipt { .. }
            | Self::Memory(_)
            | Self::Randomness => None,
        }
    }
}
