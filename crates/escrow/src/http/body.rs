//! Bodies that are neither too long nor too slow.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::failure::Failure;

/// All of a body.
///
/// # Errors
///
/// It has more than `limit` bytes, takes longer than `patience`, or breaks off.
pub async fn read(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Failure> {
    let slow = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "slow", format!("the body took longer than {} s", patience.as_secs_f32()));
    timeout(patience, to_bytes(body, limit)).await.map_err(slow)?.map_err(|error| {
        if error.source().is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "oversized", format!("the body has more than {limit} bytes"))
        } else {
            Failure::malformed(&"the body breaks off")
        }
    })
}

/// The value of a JSON body.
///
/// # Errors
///
/// As [`read`]; also if it is not said to be JSON, or is not such a value.
pub async fn json<T: DeserializeOwned>(request: Request, limit: usize, patience: Duration) -> Result<T, Failure> {
    if !is_json(request.headers()) {
        let message = "the content type must be application/json".to_owned();
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", message));
    }
    let bytes = read(request.into_body(), limit, patience).await?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::malformed(&error))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
