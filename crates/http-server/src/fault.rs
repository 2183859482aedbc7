use std::time::Duration;

use axum::http::StatusCode;

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has not come through [`crate::serve`]: nothing bounds what its sender uses up. That is a mistake of the program.
    #[error("the request has come past the server that bounds it")]
    Unbounded,
    /// Its address has asked too often.
    #[error("too many requests from this address")]
    Rate,
    /// A trusted proxy does not say for whom it asks.
    #[error("a proxy's X-Forwarded-For has {element:?} in the place of an address")]
    Forwarded {
        /// What it says.
        element: String,
    },
    /// The body did not come in time.
    #[error("the body took longer than {} s", patience.as_secs_f32())]
    Slow {
        /// How long it could have taken.
        patience: Duration,
    },
    /// The body is too long.
    #[error("the body has more than {limit} bytes")]
    Oversized {
        /// How long it could have been.
        limit: usize,
    },
    /// There is no room for the body now, in all or for its address.
    #[error("too many bodies at once; try again")]
    Full,
    /// The body ends before its end.
    #[error("the body breaks off")]
    Broken,
    /// The body is not said to be JSON.
    #[error("the content type must be application/json")]
    MediaType,
    /// The body is no such JSON value.
    #[error("{reason}")]
    Json {
        /// What is wrong.
        reason: String,
    },
}

impl Fault {
    /// Its status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unbounded => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Rate => StatusCode::TOO_MANY_REQUESTS,
            Self::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Oversized { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken | Self::Json { .. } | Self::Forwarded { .. } => StatusCode::BAD_REQUEST,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// Its name, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unbounded => "internal",
            Self::Rate => "rate",
            Self::Slow { .. } => "slow",
            Self::Oversized { .. } => "oversized",
            Self::Full => "busy",
            Self::Broken => "broken",
            Self::Json { .. } => "malformed",
            Self::MediaType => "media_type",
            Self::Forwarded { .. } => "forwarded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_a_bodys_way_has_a_name_of_its_own() {
        let names =
            [Fault::Broken, Fault::Slow { patience: Duration::ZERO }, Fault::Json { reason: String::new() }].map(|fault| fault.name());
        assert_eq!(names, ["broken", "slow", "malformed"]);
    }
}
