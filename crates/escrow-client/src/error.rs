/// Why an escrow did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be reached, however often it was tried.
    #[error("the escrow cannot be reached: {0}")]
    Unreachable(Box<ureq::Error>),
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
    /// The file is another than the one asked for.
    #[error("the escrow gave another file than {expected}")]
    OtherFile {
        /// Its digest.
        expected: verinfer_protocols::digest::Digest,
    },
}

impl ClientError {
    /// Whether the escrow is down, busy or without room for now: the same may be asked again later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // A proxy says 502 and 504 while the escrow behind it is started again.
            Self::Refused { status, kind, .. } => matches!(status, 429 | 502 | 503 | 504) || kind == "no_space",
            Self::Answer { .. } | Self::OtherFile { .. } => false,
        }
    }

    /// The refusal's kind, if it is one.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => Some(kind),
            Self::Unreachable(_) | Self::Answer { .. } | Self::OtherFile { .. } => None,
        }
    }
}
