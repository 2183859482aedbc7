//! Signs answers, refusals included: each names the question, the asker's nonce, and the log that it takes into account.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use verinfer_escrow_client::messages::{ANSWER_HEADER, KNOWN_HEADER, NONCE_HEADER, Receipt};
use verinfer_protocols::answer::{Answer, LogHead, Nonce, Question, VERSION};
use verinfer_protocols::digest::Digest;

use super::Shared;
use super::failure::Failure;
use crate::books::empty_log;
use crate::store::{Store, StoreError};

/// What a handler finds out that the signature covers.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<OnceLock<LogHead>>);

/// The digest of an answer's body, where it should not be read for that: an extension of the answer.
#[derive(Clone, Copy, Debug)]
pub struct BodyDigest(pub Digest);

impl Heard {
    /// Where to write what is found out about a request.
    pub fn of(request: &Request) -> Self {
        // What is asked past this layer is signed by nobody.
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// The answer tells of this entry.
    pub fn entry(&self, receipt: &Receipt) {
        let _ = self.0.set(LogHead { position: receipt.position, digest: receipt.head });
    }
}

/// Answers with a signature. An answer that cannot be signed, because the database fails, is given without one.
pub async fn answers(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let said = || -> Result<_, Failure> { Ok((header::<Nonce>(headers, NONCE_HEADER)?, header::<u64>(headers, KNOWN_HEADER)?)) };
    let (nonce, known) = match said() {
        Ok(said) => said,
        Err(failure) => return failure.into_response(),
    };
    let said = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let question = Question {
        method: request.method().as_str(),
        target: request.uri().path_and_query().map_or("", PathAndQuery::as_str),
        authorization: said(AUTHORIZATION),
        content_type: said(CONTENT_TYPE),
        content_length: said(CONTENT_LENGTH),
    };
    let question = question.digest();
    let heard = Heard::default();
    request.extensions_mut().insert(heard.clone());
    // Before the question is answered: the answer is of no older log.
    let escrow = &shared.escrow;
    let store = if request.method() == Method::GET { &escrow.reading } else { &escrow.store };
    let heads = match heads(&shared, store, known).await {
        // Its clock and its log are of the past.
        Err(error @ StoreError::Deposed) => return Failure::from(error).into_response(),
        heads => heads,
    };
    let response = next.run(request).await;
    match heads {
        // The database fails, and this refusal needs nothing of it: the log may have gone on elsewhere.
        Ok(Heads { is_new: false, .. }) if response.status().is_client_error() => response,
        Ok(Heads { head, known, .. }) => {
            let head = heard.0.get().filter(|entry| entry.position > head.position).copied().unwrap_or(head);
            // No later answer is of an older log, should the database fail before it says so itself.
            escrow.signer.last().set(head);
            signed(&shared, response, |status, body| Answer {
                version: VERSION,
                escrow: shared.escrow.account(),
                question,
                nonce,
                status,
                body,
                now: shared.escrow.now(),
                head,
                known,
            })
            .await
        }
        Err(error) => {
            tracing::error!(%error, "an answer is not signed");
            response
        }
    }
}

async fn signed(shared: &Shared, response: Response, answer: impl FnOnce(u16, Digest) -> Answer) -> Response {
    let (mut parts, body) = response.into_parts();
    let (digest, body) = match parts.extensions.remove::<BodyDigest>() {
        Some(BodyDigest(digest)) => (digest, body),
        None => match to_bytes(body, usize::MAX).await {
            Ok(bytes) => (Digest::of_bytes(&bytes), Body::from(bytes)),
            Err(_) => return Failure::broken().into_response(),
        },
    };
    let answer = shared.escrow.signer.sign(answer(parts.status.as_u16(), digest));
    // JSON of digests and numbers is a header's value.
    let header = serde_json::to_string(&answer).ok().and_then(|json| HeaderValue::from_str(&json).ok());
    parts.headers.extend(header.map(|header| (HeaderName::from_static(ANSWER_HEADER), header)));
    Response::from_parts(parts, body)
}

/// Which log an answer takes into account.
struct Heads {
    /// Its end.
    head: LogHead,
    /// The log up to the position that was asked for, if it is so long.
    known: Option<LogHead>,
    /// Whether the database has just said so; else it is the last that it has said.
    is_new: bool,
}

/// The end of the log, as long as this process leads.
async fn heads(shared: &Shared, store: &Store, known: Option<u64>) -> Result<Heads, StoreError> {
    let last = shared.escrow.signer.last();
    let (head, is_new) = match (store.head_in(shared.escrow.store.term()).await, last.get()) {
        (Ok(head), _) => (LogHead { position: head.position, digest: head.digest }, true),
        (Err(error @ StoreError::Deposed), _) | (Err(error), None) => return Err(error),
        (Err(_), Some(head)) => (head, false),
    };
    last.set(head);
    let known = match known {
        Some(0) => Some(LogHead { position: 0, digest: empty_log(shared.escrow.account()) }),
        Some(position) if position == head.position => Some(head),
        Some(position) => store.digest_at(position).await?.map(|digest| LogHead { position, digest }),
        None => None,
    };
    Ok(Heads { head, known, is_new })
}

fn header<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Result<Option<T>, Failure> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = value.to_str().ok().and_then(|value| value.parse().ok());
    value.map(Some).ok_or_else(|| Failure::malformed(&format!("the header {name} cannot be read")))
}
