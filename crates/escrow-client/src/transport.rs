//! Questions to an escrow, sent until they are answered, and answers that are proved to be its own.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;
use serde::de::DeserializeOwned;
use ureq::http::{Response, request};
use ureq::{Agent, Body};
use verinfer_protocols::answer::{self, AnswerFault, Nonce, NonceSalt, SignedAnswer};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;

use crate::Patience;
use crate::address::EscrowAddress;
use crate::error::{ClientError, ReplyFault};
use crate::known::Known;
use crate::messages::{ANSWER_HEADER, BROKEN_BODY, ErrorBody, ErrorDetail, JSON, KNOWN_HEADER, NONCE_HEADER, OTHER_BODY, SLOW_BODY};
use crate::tls::{distrust, referral};
use crate::waiting::{Wait, is_permanent};

/// The kind of a refusal that the escrow has not signed.
const UNSIGNED: &str = "unsigned";

/// Longest answer that is not a file.
pub const MAX_ANSWER_BYTES: u64 = 1 << 26;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Something is read.
    Get,
    /// A JSON value is posted.
    Post(&'a [u8]),
    /// A file is put.
    Put(&'a [u8]),
}

/// A question to an escrow.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Path and query.
    pub target: &'a str,
    /// Method and body.
    pub content: Content<'a>,
    /// The `authorization` header.
    pub authorization: Option<&'a str>,
    /// Bytes of the longest answer.
    pub limit: u64,
}

/// The way to an escrow.
#[derive(Clone, Debug)]
pub struct Transport {
    agent: Agent,
    url: String,
    patience: Patience,
    known: Known,
}

impl<'a> Content<'a> {
    const fn method(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post(_) => "POST",
            Self::Put(_) => "PUT",
        }
    }

    const fn body(self) -> Option<&'a [u8]> {
        match self {
            Self::Get => None,
            Self::Post(body) | Self::Put(body) => Some(body),
        }
    }

    const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Get => None,
            Self::Post(_) => Some(JSON),
            Self::Put(_) => Some("application/octet-stream"),
        }
    }

    /// The status of an answer that does not refuse it.
    const fn success(self) -> u16 {
        match self {
            Self::Get | Self::Post(_) => 200,
            Self::Put(_) => 204,
        }
    }
}

impl<'a> Question<'a> {
    /// What is read at a path.
    pub const fn get(target: &'a str) -> Self {
        Self { target, content: Content::Get, authorization: None, limit: MAX_ANSWER_BYTES }
    }

    /// Its digest, which the answer names.
    fn digest(&self) -> Digest {
        let length = self.content.body().map(|body| body.len().to_string());
        let question = answer::Question {
            method: self.content.method(),
            target: self.target,
            authorization: self.authorization.unwrap_or_default(),
            content_type: self.content.media_type().unwrap_or_default(),
            content_length: length.as_deref().unwrap_or_default(),
        };
        question.digest()
    }
}

impl Transport {
    /// To an escrow of which this is known.
    pub fn new(address: &EscrowAddress, known: Known) -> Self {
        let EscrowAddress { url, roots, patience, .. } = address;
        let agent = roots.agent().timeout_global(Some(patience.answer)).build().into();
        Self { agent, url: url.trim_end_matches('/').to_owned(), patience: *patience, known }
    }

    /// What is known of the escrow's log.
    pub const fn known(&self) -> &Known {
        &self.known
    }

    /// The escrow's account, as soon as one of its answers is known.
    pub fn escrow(&self) -> Option<AccountId> {
        self.known.escrow()
    }

    /// The value that a path holds.
    ///
    /// # Errors
    ///
    /// As [`Transport::ask`]; also if it is another value.
    pub fn read<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        let (_, bytes) = self.ask(&Question::get(target))?;
        understand(target, &text(target, bytes)?)
    }

    /// Asks until there is an answer that is the escrow's. Gives it as it was signed, and its body.
    ///
    /// # Errors
    ///
    /// The escrow refuses or cannot be reached, or contradicts what it has signed before.
    pub fn ask(&self, question: &Question<'_>) -> Result<(SignedAnswer, Vec<u8>), ClientError> {
        let (answer, body) = self.ask_any(question)?;
        let (status, expected) = (answer.answer.status, question.content.success());
        if status == expected {
            return Ok((answer, body));
        }
        if (200..300).contains(&status) {
            let fault = ReplyFault::Status { expected };
            return Err(ClientError::Unproved { request: question.target.to_owned(), status, fault });
        }
        Err(refusal(status, &body))
    }

    /// Asks until there is an answer that is the escrow's, with growing pauses, while it cannot be reached, has no time, or somebody else answers; unless that
    /// will not change. Gives the answer as it was signed, which may be a refusal, and its body.
    ///
    /// # Errors
    ///
    /// The escrow cannot be reached, or contradicts what it has signed before.
    pub fn ask_any(&self, question: &Question<'_>) -> Result<(SignedAnswer, Vec<u8>), ClientError> {
        let mut wait = Wait::default();
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match self.attempt(question) {
                Err(error) if passes(&error) => error,
                result => return result,
            };
            if wait.elapsed().saturating_add(pause) > self.patience.total {
                return Err(error);
            }
            wait.tell(&self.url, || {
                if let ClientError::Refused { status, .. } = &error {
                    format!("the escrow is busy (status {status})")
                } else {
                    error.to_string()
                }
            });
            sleep(pause);
            pause = pause.saturating_mul(2).min(Duration::from_secs(2));
        }
    }

    fn attempt(&self, question: &Question<'_>) -> Result<(SignedAnswer, Vec<u8>), ClientError> {
        if let Some(contradiction) = self.known.contradiction() {
            // Whatever it says now, nothing is built on it.
            return Err(contradiction.into());
        }
        let asked = self.known.ask(draw()?);
        let nonce = asked.nonce;
        let mut reply = self.send(question, nonce, asked.known())?;
        let (status, signed) = (reply.status().as_u16(), signature(&reply));
        let unproved = |fault: ReplyFault| ClientError::Unproved { request: question.target.to_owned(), status, fault };
        let body = reply.body_mut().with_config().limit(question.limit).read_to_vec().map_err(|error| {
            if let ureq::Error::BodyExceedsLimit(limit) = error {
                // Nobody has signed more than was read.
                unproved(ReplyFault::TooLong { limit })
            } else {
                ClientError::Unreachable(Box::new(error))
            }
        })?;
        // Who can say this for the escrow can keep its answers away, too. What it means is believed only if the escrow says it.
        if matches!(status, 429 | 503) {
            let is_proved = |escrow| {
                signed.is_ok_and(|signed| signed.check_reply(escrow, unix_time(), (question.digest(), nonce), (status, &body)).is_ok())
            };
            return Err(if self.escrow().is_some_and(is_proved) { refusal(status, &body) } else { anonymous(status, &body) });
        }
        let signed = signed.map_err(unproved)?;
        let escrow = self.escrow().unwrap_or(signed.answer.escrow);
        let checked = signed.check_reply(escrow, unix_time(), (question.digest(), nonce), (status, &body));
        checked.map_err(|fault| unproved(fault.into()))?;
        if let Some(position) = self.known.accept(&asked, &signed)? {
            return Err(unproved(AnswerFault::Unsaid { position }.into()));
        }
        if !(200..300).contains(&status) && matches!(refusal(status, &body).kind(), Some(OTHER_BODY | BROKEN_BODY | SLOW_BODY)) {
            return Err(unproved(ReplyFault::OtherBody));
        }
        Ok((signed, body))
    }

    fn send(&self, question: &Question<'_>, nonce: Nonce, known: Option<u64>) -> Result<Response<Body>, ClientError> {
        let mut head = request::Builder::new().uri(format!("{}{}", self.url, question.target)).header(NONCE_HEADER, nonce.to_string());
        if let Some(position) = known {
            head = head.header(KNOWN_HEADER, position.to_string());
        }
        if let Some(authorization) = question.authorization {
            head = head.header("authorization", authorization);
        }
        head = head.method(question.content.method());
        if let Some(media_type) = question.content.media_type() {
            head = head.header("content-type", media_type);
        }
        let sent = match question.content.body() {
            None => head.body(()).map_err(Into::into).and_then(|request| self.agent.run(request)),
            Some(body) => {
                let head = head.header("content-length", body.len().to_string());
                head.body(body).map_err(Into::into).and_then(|request| self.agent.run(request))
            }
        };
        let reply = sent.map_err(|error| match distrust(&error) {
            Some(reason) => ClientError::Distrusted { url: self.url.clone(), reason },
            None => ClientError::Unreachable(Box::new(error)),
        })?;
        // Who says this for the escrow could as well cut the connection.
        match referral(&reply) {
            Some(reason) => Err(ClientError::Distrusted { url: self.url.clone(), reason }),
            None => Ok(reply),
        }
    }
}

/// Whether the same may succeed when it is tried again.
fn passes(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable(error) => !is_permanent(error),
        ClientError::Refused { status, .. } => matches!(status, 429 | 503),
        // One who is named and somebody else who answers in its place for now cannot be told apart; but a wrong name need not be waited for.
        ClientError::Unproved { fault, .. } => !matches!(fault, ReplyFault::Answer(AnswerFault::OtherEscrow { .. })),
        ClientError::Contradiction(_)
        | ClientError::OtherEscrow { .. }
        | ClientError::Answer { .. }
        | ClientError::Distrusted { .. }
        | ClientError::OtherFile { .. }
        | ClientError::OtherReceipt { .. }
        | ClientError::Memory(_)
        | ClientError::Randomness => false,
    }
}

/// The text of an answer's body, byte for byte: JSON is one, also where nobody reads it.
///
/// # Errors
///
/// It is none.
pub fn text(request: &str, body: Vec<u8>) -> Result<String, ClientError> {
    String::from_utf8(body).map_err(|error| ClientError::Answer { request: request.to_owned(), reason: error.utf8_error().to_string() })
}

/// The value of an answer's body.
///
/// # Errors
///
/// It is none.
pub fn understand<T: DeserializeOwned>(request: &str, body: &str) -> Result<T, ClientError> {
    serde_json::from_str(body).map_err(|error| ClientError::Answer { request: request.to_owned(), reason: error.to_string() })
}

fn draw() -> Result<NonceSalt, ClientError> {
    let mut salt = NonceSalt([0; 32]);
    SysRng.try_fill_bytes(&mut salt.0).map_err(|_| ClientError::Randomness)?;
    Ok(salt)
}

/// The time of this machine, by which certificates hold.
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The signed answer in the header of a reply.
fn signature(reply: &Response<Body>) -> Result<SignedAnswer, ReplyFault> {
    let header = reply.headers().get(ANSWER_HEADER).ok_or(ReplyFault::Unsigned)?;
    serde_json::from_slice(header.as_bytes()).map_err(|error| ReplyFault::Unreadable { reason: error.to_string() })
}

/// A refusal that anybody may have written.
fn anonymous(status: u16, body: &[u8]) -> ClientError {
    let ErrorDetail { message, .. } = said(body);
    ClientError::Refused { status, kind: UNSIGNED.to_owned(), message }
}

/// A refusal.
pub fn refusal(status: u16, body: &[u8]) -> ClientError {
    let ErrorDetail { kind, message } = said(body);
    ClientError::Refused { status, kind, message }
}

/// What a refusal's body says.
fn said(body: &[u8]) -> ErrorDetail {
    let said: Result<ErrorBody, _> = serde_json::from_slice(body);
    said.map_or_else(
        |_| ErrorDetail { kind: "unknown".to_owned(), message: String::from_utf8_lossy(body).chars().take(200).collect() },
        |body| body.error,
    )
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::time::Timestamp;

    use super::*;
    use crate::messages::Receipt;

    #[test]
    fn answer_that_is_no_text_is_not_understood_even_where_nobody_reads_it() {
        let said = |unread: &[u8]| {
            [br#"{"position":1,"head":""#, Digest([7; 32]).to_string().as_bytes(), br#"","at":2,"unread":""#, unread, br#""}"#].concat()
        };
        let read = |body| text("/v1/about", body).and_then(|body| understand::<Receipt>("/v1/about", &body));
        assert_eq!(read(said(b"x")).unwrap(), Receipt { position: 1, head: Digest([7; 32]), at: Timestamp(2) });
        let error = read(said(b"\xff")).unwrap_err();
        assert!(matches!(error, ClientError::Answer { .. }), "{error}");
    }
}
