//! Asks the other party.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body};
use verinfer_protocols::digest::{AgreementId, canonical};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::time::Millis;
use verinfer_sealing::{Envelope, EnvelopeError, ReceiverPublic, ReceiverSecret};

use crate::error::PartyError;
use crate::random::random_bytes;
use crate::store::Store;
use crate::wire::{About, Ask, Topic};

/// Access to a party that serves.
#[derive(Clone, Debug)]
pub struct Peer {
    agent: Agent,
    url: String,
    /// For one who is down, over all attempts.
    patience: Duration,
    /// For one attempt.
    timeout: Duration,
}

/// Why a party did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It could not be reached, however often it was tried.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// It refused.
    #[error("{url} refused ({status}): {message}")]
    Refused {
        /// Where it is.
        url: String,
        /// HTTP status.
        status: u16,
        /// Why.
        message: String,
    },
    /// It answered with something else than it should.
    #[error("{url} gave an answer that cannot be read: {reason}")]
    Answer {
        /// Where it is.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// It is not who it says.
    #[error("{url} has not signed what it says of itself")]
    NotSigned {
        /// Where it is.
        url: String,
    },
    /// It is not the other party to the agreement: somebody on the way answers in its place.
    #[error("{url} is account {found}, not {expected}, with which the agreement is")]
    OtherAccount {
        /// Where it is.
        url: String,
        /// The other party's account.
        expected: AccountId,
        /// The account that it says it has.
        found: AccountId,
    },
    /// What it sent is not for this party.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// Longest that a party says of itself, and longest refusal.
const MAX_ABOUT_BYTES: usize = 1 << 16;

impl Peer {
    /// The party at `url` (`http://host:port`).
    pub fn new(url: &str, patience: Duration) -> Self {
        Self::with(url.trim_end_matches('/'), patience, Duration::from_secs(120))
    }

    /// The same party, for one who has to make its own moves within such a time: a party that keeps it waiting cannot make it miss them.
    pub fn within(&self, respond: Millis) -> Self {
        let part = Duration::from_millis(respond.0 / 8);
        Self::with(&self.url, self.patience.min(part), self.timeout.min(part))
    }

    /// The same party, which is asked only once at a time and has to answer within `limit`: for who looks at the escrow in between.
    pub fn asked_briefly(&self, limit: Duration) -> Self {
        Self::with(&self.url, Duration::ZERO, limit)
    }

    fn with(url: &str, patience: Duration, timeout: Duration) -> Self {
        let config = Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false);
        Self { agent: config.build().into(), url: url.to_owned(), patience, timeout }
    }

    /// What it says of itself.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or has not signed it.
    pub fn about(&self) -> Result<About, PeerError> {
        let url = self.at("/v1/about");
        let about: About = self.read_json(&url, self.persevere(&url, || self.agent.get(&url).call())?)?;
        if about.is_signed() { Ok(about) } else { Err(PeerError::NotSigned { url }) }
    }

    /// Sends it something in an envelope that only the account `to` can open.
    ///
    /// # Errors
    ///
    /// It has another account, it refuses, or cannot be reached.
    pub fn send<T: Serialize + ?Sized>(&self, agreement: AgreementId, to: AccountId, topic: Topic, content: &T) -> Result<(), PeerError> {
        let about = self.about()?;
        if about.account != to {
            return Err(PeerError::OtherAccount { url: self.url.clone(), expected: to, found: about.account });
        }
        let envelope = Envelope::new(&ReceiverPublic(about.receiver), &topic.context(agreement), &canonical(content))?;
        let url = self.at(&path(agreement, topic));
        self.accept(&url, self.persevere(&url, || self.agent.put(&url).send(envelope.0.as_slice()))?, MAX_ABOUT_BYTES).map(drop)
    }

    /// Fetches what is for this party alone. Whoever answers, the caller sees by its content whether it is what the other party owes.
    ///
    /// # Errors
    ///
    /// It refuses, or cannot be reached.
    pub fn fetch<T: DeserializeOwned>(
        &self,
        agreement: AgreementId,
        topic: Topic,
        key: &SecretKey,
        receiver: &ReceiverSecret,
    ) -> Result<T, PeerError> {
        let url = self.at(&path(agreement, topic));
        let ask = serde_json::to_vec(&Ask::sign(agreement, &receiver.public(), key)).unwrap_or_default();
        let send = || self.agent.post(&url).content_type("application/json").send(ask.as_slice());
        let bytes = self.accept(&url, self.persevere(&url, send)?, topic.max_bytes())?;
        let content = Envelope(bytes).open(receiver, &topic.context(agreement))?;
        postcard::from_bytes(&content).map_err(|error| PeerError::Answer { url, reason: error.to_string() })
    }

    /// The error that what it gave is not what it should be.
    pub fn unreadable(&self, reason: &str) -> PeerError {
        PeerError::Answer { url: self.url.clone(), reason: reason.to_owned() }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Tries again, with growing pauses, while the party cannot be reached, has no time, or is asked too often.
    fn persevere(&self, url: &str, attempt: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, PeerError> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            let late = start.elapsed() + pause > self.patience;
            match attempt() {
                Ok(answer) if late || !matches!(answer.status().as_u16(), 429 | 503) => return Ok(answer),
                Err(error) if late => return Err(PeerError::Unreachable { url: url.to_owned(), source: Box::new(error) }),
                Ok(_) | Err(_) => sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn accept(&self, url: &str, mut answer: Response<Body>, limit: usize) -> Result<Vec<u8>, PeerError> {
        let status = answer.status();
        let bytes = answer.body_mut().with_config().limit(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_vec();
        let bytes = bytes.map_err(|source| PeerError::Unreachable { url: url.to_owned(), source: Box::new(source) })?;
        if status.is_success() {
            return Ok(bytes);
        }
        // It is shown to people, on their terminals.
        let message = String::from_utf8_lossy(&bytes).chars().filter(|character| !character.is_control()).take(200).collect();
        Err(PeerError::Refused { url: url.to_owned(), status: status.as_u16(), message })
    }

    fn read_json<T: DeserializeOwned>(&self, url: &str, answer: Response<Body>) -> Result<T, PeerError> {
        let bytes = self.accept(url, answer, MAX_ABOUT_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|error| PeerError::Answer { url: url.to_owned(), reason: error.to_string() })
    }
}

/// What opens envelopes to a party: drawn once, and kept in its state.
///
/// # Errors
///
/// It cannot be drawn or kept.
pub fn receiver(store: &Store) -> Result<ReceiverSecret, PartyError> {
    Ok(ReceiverSecret::from_bytes(store.once("self", "receiver", || random_bytes().map_err(PartyError::from))?))
}

/// Where something about an agreement is.
fn path(agreement: AgreementId, topic: Topic) -> String {
    let what = match topic {
        Topic::Ciphertexts => "ciphertexts".to_owned(),
        Topic::Input(index) => format!("inputs/{index}"),
        Topic::Prediction(index) => format!("predictions/{index}"),
        Topic::Model => "model".to_owned(),
    };
    format!("/v1/agreements/{agreement}/{what}")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use verinfer_protocols::digest::Digest;

    use super::*;
    use crate::wire::Offer;

    /// Somebody who answers one request with `body`, whatever it is.
    fn answering(body: &[u8]) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = Peer::new(&format!("http://{}", listener.local_addr().unwrap()), Duration::ZERO);
        let answer = [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap()).lines();
            assert!(request.map_while(Result::ok).any(|line| line.is_empty()), "the request ends");
            stream.write_all(&answer).unwrap();
        });
        peer
    }

    #[test]
    fn nothing_is_sent_to_somebody_else_who_answers_in_the_place_of_the_other_party() {
        let [expected, found] = [1, 2].map(|seed| SecretKey::from_seed(&[seed; 32]));
        let offer = Offer::Predictions { model: Digest([3; 32]), stake: None };
        let about = About::sign(&ReceiverSecret::from_bytes([4; 32]).public(), offer, &found);
        let peer = answering(&serde_json::to_vec(&about).unwrap());
        let sent = peer.send(AgreementId([5; 32]), expected.account(), Topic::Model, "secret");
        let Err(PeerError::OtherAccount { expected: to, found: by, .. }) = sent else { panic!("{sent:?}") };
        assert_eq!((to, by), (expected.account(), found.account()));
    }
}
