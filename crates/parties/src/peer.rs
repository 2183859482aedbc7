//! Asks the other party.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body};
use verinfer_escrow_client::tls::{Roots, distrust, referral};
use verinfer_escrow_client::waiting::{Wait, is_permanent};
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
    /// For all that is asked for one purpose: who it is, and then to take something, with all attempts.
    limit: Duration,
}

/// Why a party did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It could not be reached, however often it was tried.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Why.
        cause: Box<ureq::Error>,
    },
    /// Somebody answers there whose certificate does not hold.
    #[error("{url} cannot be reached: {reason}")]
    Distrusted {
        /// Where it should be.
        url: String,
        /// What is wrong with its certificate, or with its TLS.
        reason: String,
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

/// Shortest time for one attempt: none at all has another meaning.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

impl Peer {
    /// The party at `url` (`http://host:port`).
    pub fn new(url: &str, patience: Duration) -> Self {
        Self::secure(url, patience, &Roots::default())
    }

    /// The same, where a party at `https://host:port` must have a certificate of these authorities.
    pub fn secure(url: &str, patience: Duration, roots: &Roots) -> Self {
        let agent = roots.agent().build().into();
        Self { agent, url: url.trim_end_matches('/').to_owned(), patience, timeout: Duration::from_secs(120), limit: Duration::MAX }
    }

    /// The same party, for one who has to make its own moves within such a time: a party that keeps it waiting, for no longer than an eighth of it, cannot make
    /// it miss them.
    pub fn within(&self, respond: Millis) -> Self {
        Self { limit: Duration::from_millis(respond.0 / 8), ..self.clone() }
    }

    /// The same party, which is asked only once at a time and has to answer within `limit`: for who looks at the escrow in between.
    pub fn asked_briefly(&self, limit: Duration) -> Self {
        Self { patience: Duration::ZERO, limit, ..self.clone() }
    }

    /// What it says of itself.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or has not signed it.
    pub fn about(&self) -> Result<About, PeerError> {
        self.about_since(Instant::now())
    }

    fn about_since(&self, start: Instant) -> Result<About, PeerError> {
        let url = self.at("/v1/about");
        let get = |timeout| self.agent.get(&url).config().timeout_global(Some(timeout)).build().call();
        let about: About = self.read_json(&url, self.persevere(start, &url, get)?)?;
        if about.is_signed() { Ok(about) } else { Err(PeerError::NotSigned { url }) }
    }

    /// Sends it something in an envelope that only the account `to` can open.
    ///
    /// # Errors
    ///
    /// It has another account, it refuses, or cannot be reached.
    pub fn send<T: Serialize + ?Sized>(&self, agreement: AgreementId, to: AccountId, topic: Topic, content: &T) -> Result<(), PeerError> {
        let start = Instant::now();
        let about = self.about_since(start)?;
        if about.account != to {
            return Err(PeerError::OtherAccount { url: self.url.clone(), expected: to, found: about.account });
        }
        let envelope = Envelope::new(&ReceiverPublic(about.receiver), &topic.context(agreement), &canonical(content))?;
        let url = self.at(&path(agreement, topic));
        let put = |timeout| self.agent.put(&url).config().timeout_global(Some(timeout)).build().send(envelope.0.as_slice());
        self.accept(&url, self.persevere(start, &url, put)?, MAX_ABOUT_BYTES).map(drop)
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
        let post = |timeout| {
            let request = self.agent.post(&url).config().timeout_global(Some(timeout)).build();
            request.content_type("application/json").send(ask.as_slice())
        };
        let bytes = self.accept(&url, self.persevere(Instant::now(), &url, post)?, topic.max_bytes())?;
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

    /// Tries again, with growing pauses, while the party cannot be reached, has no time, or is asked too often, unless that will not change; what it is asked for has begun at `start`.
    fn persevere(
        &self,
        start: Instant,
        url: &str,
        attempt: impl Fn(Duration) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, PeerError> {
        let mut wait = Wait::default();
        let mut pause = Duration::from_millis(20);
        loop {
            let rest = self.limit.saturating_sub(start.elapsed());
            let result = attempt(self.timeout.min(rest).max(MIN_TIMEOUT));
            let late = wait.elapsed() + pause > self.patience || start.elapsed() + pause > self.limit;
            match result {
                Ok(answer) if late || !matches!(answer.status().as_u16(), 429 | 503) => return Ok(answer),
                Err(error) if late || is_permanent(&error) => {
                    let url = url.to_owned();
                    return Err(match distrust(&error) {
                        Some(reason) => PeerError::Distrusted { url, reason },
                        None => PeerError::Unreachable { url, cause: Box::new(error) },
                    });
                }
                Ok(answer) => wait.tell(&self.url, || format!("the other party is busy (status {})", answer.status().as_u16())),
                Err(error) => wait.tell(&self.url, || format!("the other party cannot be reached ({error})")),
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn accept(&self, url: &str, mut answer: Response<Body>, limit: usize) -> Result<Vec<u8>, PeerError> {
        if let Some(reason) = referral(&answer) {
            return Err(PeerError::Distrusted { url: url.to_owned(), reason });
        }
        let status = answer.status();
        let bytes = answer.body_mut().with_config().limit(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_vec();
        let bytes = bytes.map_err(|error| PeerError::Unreachable { url: url.to_owned(), cause: Box::new(error) })?;
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
mod tests;
