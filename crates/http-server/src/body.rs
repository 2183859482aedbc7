//! Bodies that are neither too long nor too slow, and not too many at once.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::fault::Fault;
use crate::serve::Connection;
use crate::shares::Claim;

/// Bytes of each body that do not count.
pub(crate) const SHORT: usize = 1 << 16;

/// All of a body. It counts as in use until this is dropped, also while it is worked on.
#[derive(Debug)]
pub struct Body {
    /// The body.
    pub bytes: Vec<u8>,
    _claim: Claim,
}

/// All of a request's body, of at most `limit` bytes.
///
/// # Errors
///
/// It is longer, takes longer than it may, finds no room, or breaks off; or the request has not come through [`crate::serve`].
pub async fn read(request: Request, limit: usize) -> Result<Body, Fault> {
    let connection = Connection::of(&request)?;
    let (patience, mut claim) = (connection.patience(), connection.claim_body());
    let mut body = request.into_body();
    // What is announced as too long is not read at all.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Fault::Oversized { limit });
    }
    let collect = async {
        // Room is taken for what has come, not for what is announced: announcing costs nothing.
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Fault::Broken)?.into_data() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(Fault::Oversized { limit });
            }
            bytes.extend_from_slice(&data);
            // Short ones are bounded by the number of connections: long ones must not keep them out.
            let counted = bytes.len().saturating_sub(SHORT).min(data.len());
            if !claim.grow(counted) {
                return Err(Fault::Full);
            }
        }
        Ok(bytes)
    };
    let bytes = timeout(patience, collect).await.map_err(|_| Fault::Slow { patience })??;
    Ok(Body { bytes, _claim: claim })
}

impl Body {
    /// The value of a JSON body.
    ///
    /// # Errors
    ///
    /// It is not such a value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.bytes).map_err(|error| Fault::Json { reason: error.to_string() })
    }
}

/// Checks that a body is said to be JSON.
///
/// # Errors
///
/// It is not.
pub fn check_json(headers: &HeaderMap) -> Result<(), Fault> {
    if is_json(headers) { Ok(()) } else { Err(Fault::MediaType) }
}

/// The value of a JSON body, of at most `limit` bytes.
///
/// # Errors
///
/// As [`read`]; also if it is not said to be JSON, or is not such a value.
pub async fn json<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Fault> {
    check_json(request.headers())?;
    read(request, limit).await?.json()
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body as Content;

    use super::*;
    use crate::admit;

    #[tokio::test]
    async fn request_past_the_server_is_not_taken() {
        assert_eq!(admit(&Request::new(Content::empty())), Err(Fault::Unbounded));
        assert_eq!(read(Request::new(Content::empty()), 1).await.err(), Some(Fault::Unbounded));
    }
}
