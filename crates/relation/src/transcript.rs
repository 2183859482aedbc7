//! Fiat-Shamir: one hash state that both sides walk through the same steps.
//!
//! Every message is absorbed with its label and length, so that two different sequences of steps can never reach the same state. The proof is
//! the concatenation of the prover's messages: [`ProverTranscript`] writes it, [`VerifierTranscript`] reads it, and both record where each
//! labelled message lies ([`Message`]), which is what mutation tests and `verinfer inspect` walk over.

use p3_field::PrimeField64;

use crate::field::{F, F_BYTES, K, K_BYTES, decode_base, encode, encode_base, from_coordinates};

/// Domain separation and version of everything that enters a proof. A change of the argument changes this string.
pub const PROTOCOL: &str = "verinfer argument v5";

/// Where a labelled message lies in the proof's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Step that sent it.
    pub label: &'static str,
    /// First byte.
    pub offset: usize,
    /// Length in bytes.
    pub len: usize,
}

/// Why a proof's bytes are not a sequence of well-formed messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The proof ends inside a message.
    #[error("the proof ends in `{label}` at byte {offset}: {needed} bytes needed, {left} left")]
    Truncated {
        /// Message being read.
        label: &'static str,
        /// Where it starts.
        offset: usize,
        /// Bytes it needs.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// A coordinate is not below the field's order.
    #[error("`{label}` at byte {offset} is not a canonical field element")]
    NotCanonical {
        /// Message being read.
        label: &'static str,
        /// Where the element starts.
        offset: usize,
    },
    /// Bytes remain after the last message.
    #[error("{extra} bytes follow the end of the proof")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
}

/// Where challenges come from: what binds messages and answers with challenges.
///
/// [`Transcript`], a hash, is the only implementation outside of tests. The verifier's steps are generic in it, so that tests can be a random oracle
/// that a simulator programs. The choice is made by type: no feature, option or proof byte changes what [`Transcript`] answers.
pub trait Challenger: Clone {
    /// Binds `bytes` under `label`.
    fn absorb(&mut self, label: &'static str, bytes: &[u8]);

    /// A uniform element of `K`.
    fn challenge(&mut self, label: &'static str) -> K;

    /// `count` independent uniform indices below `bound`, sorted, without repetitions.
    fn indices(&mut self, label: &'static str, bound: usize, count: usize) -> Vec<usize>;

    /// Whether `nonce` makes the next `bits` bits zero (proof of work). Does not change the state.
    fn grinds(&self, bits: usize, nonce: u64) -> bool;
}

impl Challenger for Transcript {
    fn absorb(&mut self, label: &'static str, bytes: &[u8]) {
        self.absorb(label, bytes);
    }

    fn challenge(&mut self, label: &'static str) -> K {
        self.challenge(label)
    }

    fn indices(&mut self, label: &'static str, bound: usize, count: usize) -> Vec<usize> {
        self.indices(label, bound, count)
    }

    fn grinds(&self, bits: usize, nonce: u64) -> bool {
        self.grinds(bits, nonce)
    }
}

/// The hash state.
#[derive(Clone)]
pub struct Transcript {
    state: [u8; 32],
}

impl Transcript {
    /// A state that depends on [`PROTOCOL`] alone.
    pub fn new() -> Self {
        Self { state: blake3::derive_key(PROTOCOL, b"") }
    }

    /// Binds `bytes` under `label`.
    pub fn absorb(&mut self, label: &'static str, bytes: &[u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.state);
        hasher.update(b"absorb");
        hasher.update(&(label.len() as u64).to_le_bytes());
        hasher.update(label.as_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
        self.state = *hasher.finalize().as_bytes();
    }

    /// A uniform element of `K`.
    pub fn challenge(&mut self, label: &'static str) -> K {
        let mut stream = self.squeeze(label);
        let mut coordinate = || loop {
            let mut bytes = [0; F_BYTES];
            stream.fill(&mut bytes);
            if let Some(value) = decode_base(bytes) {
                return value;
            }
        };
        from_coordinates([coordinate(), coordinate(), coordinate()])
    }

    /// `count` uniform elements of `K`.
    pub fn challenges(&mut self, label: &'static str, count: usize) -> Vec<K> {
        (0..count).map(|_| self.challenge(label)).collect()
    }

    /// `count` independent uniform indices below `bound`, sorted, without repetitions.
    pub fn indices(&mut self, label: &'static str, bound: usize, count: usize) -> Vec<usize> {
        let mut stream = self.squeeze(label);
        let mask = bound.next_power_of_two() as u64 - 1;
        let mut draw = || {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            (u64::from_le_bytes(bytes) & mask) as usize
        };
        let mut indices: Vec<usize> = std::iter::repeat_with(&mut draw).filter(|&index| index < bound).take(count).collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    /// Whether `nonce` makes the next `bits` bits zero (proof of work). Does not change the state.
    pub fn grinds(&self, bits: usize, nonce: u64) -> bool {
        let mut hasher = blake3::Hasher::new_keyed(&self.state);
        hasher.update(b"grind");
        hasher.update(&nonce.to_le_bytes());
        let hash = hasher.finalize();
        let mut head = [0; 8];
        for (to, from) in head.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        bits == 0 || u64::from_le_bytes(head) >> (64 - bits.min(64)) == 0
    }

    fn squeeze(&mut self, label: &'static str) -> blake3::OutputReader {
        let mut hasher = blake3::Hasher::new_keyed(&self.state);
        hasher.update(b"squeeze");
        hasher.update(&(label.len() as u64).to_le_bytes());
        hasher.update(label.as_bytes());
        let mut stream = hasher.finalize_xof();
        stream.fill(&mut self.state);
        stream
    }
}

impl Default for Transcript {
    fn default() -> Self {
        Self::new()
    }
}

/// The prover's side: what is sent is absorbed and appended to the proof.
#[derive(Default)]
pub struct ProverTranscript {
    transcript: Transcript,
    body: Vec<u8>,
    messages: Vec<Message>,
    #[cfg(feature = "testing")]
    alteration: Option<Box<Alteration>>,
}

/// Told of each message before it is sent: its label and its bytes, which may be changed in place.
#[cfg(feature = "testing")]
pub type Alteration = dyn FnMut(&'static str, &mut [u8]) + Send + Sync;

impl ProverTranscript {
    /// Continues a transcript that has absorbed the statement.
    pub fn new(transcript: Transcript) -> Self {
        Self { transcript, ..Self::default() }
    }

    /// A prover that sends something else than it has computed, and goes on from there: what the verifier must withstand.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn altered_by(self, alteration: Box<Alteration>) -> Self {
        Self { alteration: Some(alteration), ..self }
    }

    /// Sends extension elements.
    pub fn send(&mut self, label: &'static str, values: &[K]) {
        let mut bytes = Vec::with_capacity(values.len() * K_BYTES);
        for value in values {
            encode(*value, &mut bytes);
        }
        self.send_bytes(label, &bytes);
    }

    /// Sends raw bytes (digests, nonces).
    pub fn send_bytes(&mut self, label: &'static str, bytes: &[u8]) {
        let start = self.body.len();
        self.hint_bytes(label, bytes);
        self.transcript.absorb(label, &self.body[start..]);
    }

    /// Appends base elements that an earlier digest already binds.
    pub fn hint(&mut self, label: &'static str, values: &[F]) {
        let mut bytes = Vec::with_capacity(values.len() * F_BYTES);
        for value in values {
            encode_base(*value, &mut bytes);
        }
        self.hint_bytes(label, &bytes);
    }

    /// Appends bytes that an earlier digest already binds.
    pub fn hint_bytes(&mut self, label: &'static str, bytes: &[u8]) {
        let start = self.body.len();
        self.messages.push(Message { label, offset: start, len: bytes.len() });
        self.body.extend_from_slice(bytes);
        #[cfg(feature = "testing")]
        if let Some(alteration) = &mut self.alteration {
            alteration(label, &mut self.body[start..]);
        }
    }

    /// The hash state, for challenges.
    pub fn state(&mut self) -> &mut Transcript {
        &mut self.transcript
    }

    /// The messages so far.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The proof's body and where its messages lie.
    pub fn finish(self) -> (Vec<u8>, Vec<Message>) {
        (self.body, self.messages)
    }
}

/// The verifier's side: what is received is checked for form and absorbed.
pub struct VerifierTranscript<'a, C = Transcript> {
    transcript: C,
    body: &'a [u8],
    offset: usize,
    messages: Vec<Message>,
}

impl<'a, C: Challenger> VerifierTranscript<'a, C> {
    /// Continues a transcript that has absorbed the statement.
    pub fn new(transcript: C, body: &'a [u8]) -> Self {
        Self { transcript, body, offset: 0, messages: Vec::new() }
    }

    /// Receives `N` extension elements.
    pub fn receive<const N: usize>(&mut self, label: &'static str) -> Result<[K; N], DecodeError> {
        let values = self.receive_many(label, N)?;
        let mut out = [K::default(); N];
        for (to, from) in out.iter_mut().zip(values) {
            *to = from;
        }
        Ok(out)
    }

    /// Receives `count` extension elements.
    pub fn receive_many(&mut self, label: &'static str, count: usize) -> Result<Vec<K>, DecodeError> {
        let start = self.offset;
        let bytes = self.take(label, count.saturating_mul(K_BYTES))?;
        self.transcript.absorb(label, bytes);
        let coordinates = decode_all(label, start, bytes)?;
        Ok(coordinates
            .chunks_exact(3)
            .map(|c| K::from(from_coordinates([c.first(), c.get(1), c.get(2)].map(|x| x.copied().unwrap_or_default()))))
            .collect())
    }

    /// Receives `N` raw bytes.
    pub fn receive_bytes<const N: usize>(&mut self, label: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.take(label, N)?;
        self.transcript.absorb(label, bytes);
        let mut out = [0; N];
        out.copy_from_slice(bytes);
        Ok(out)
    }

    /// Reads `count` base elements that an earlier digest binds.
    pub fn hint(&mut self, label: &'static str, count: usize) -> Result<Vec<F>, DecodeError> {
        let start = self.offset;
        let bytes = self.take(label, count.saturating_mul(F_BYTES))?;
        decode_all(label, start, bytes)
    }

    /// Reads `N` bytes that an earlier digest binds.
    pub fn hint_bytes<const N: usize>(&mut self, label: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.take(label, N)?;
        let mut out = [0; N];
        out.copy_from_slice(bytes);
        Ok(out)
    }

    /// The state, for challenges.
    pub fn state(&mut self) -> &mut C {
        &mut self.transcript
    }

    /// Where the messages read so far lie.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Refuses trailing bytes.
    pub fn finish(self) -> Result<Vec<Message>, DecodeError> {
        match self.body.len().saturating_sub(self.offset) {
            0 => Ok(self.messages),
            extra => Err(DecodeError::TrailingBytes { extra }),
        }
    }

    fn take(&mut self, label: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let left = self.body.len().saturating_sub(self.offset);
        let truncated = DecodeError::Truncated { label, offset: self.offset, needed: len, left };
        let end = self.offset.checked_add(len).ok_or_else(|| truncated.clone())?;
        let bytes = self.body.get(self.offset..end).ok_or(truncated)?;
        self.messages.push(Message { label, offset: self.offset, len });
        self.offset = end;
        Ok(bytes)
    }
}

fn decode_all(label: &'static str, start: usize, bytes: &[u8]) -> Result<Vec<F>, DecodeError> {
    let (chunks, _) = bytes.as_chunks::<F_BYTES>();
    chunks
        .iter()
        .enumerate()
        .map(|(i, chunk)| decode_base(*chunk).ok_or(DecodeError::NotCanonical { label, offset: start.saturating_add(i * F_BYTES) }))
        .collect()
}

const _: () = assert!(F::ORDER_U64 > 1 << 63);

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;

    use super::*;

    #[test]
    fn both_sides_reach_the_same_challenge() {
        let mut prover = ProverTranscript::default();
        prover.send("a", &[K::ONE, K::TWO]);
        prover.hint("h", &[F::TWO]);
        let expected = prover.state().challenge("c");
        let (body, messages) = prover.finish();
        let mut verifier = VerifierTranscript::new(Transcript::new(), &body);
        assert_eq!(verifier.receive::<2>("a"), Ok([K::ONE, K::TWO]));
        assert_eq!(verifier.hint("h", 1), Ok(vec![F::TWO]));
        assert_eq!(verifier.state().challenge("c"), expected);
        assert_eq!(verifier.finish(), Ok(messages));
    }

    #[test]
    fn the_label_and_the_grouping_of_messages_change_the_challenge() {
        let challenge = |steps: &[(&'static str, &[u8])]| {
            let mut transcript = Transcript::new();
            for (label, bytes) in steps {
                transcript.absorb(label, bytes);
            }
            transcript.challenge("c")
        };
        let reference = challenge(&[("a", b"12")]);
        assert_ne!(reference, challenge(&[("b", b"12")]));
        assert_ne!(reference, challenge(&[("a", b"1"), ("a", b"2")]));
        assert_ne!(reference, challenge(&[("a", b"12"), ("a", b"")]));
    }

    #[test]
    fn a_short_proof_names_the_message_it_ends_in() {
        let mut verifier = VerifierTranscript::new(Transcript::new(), &[0; 30]);
        assert!(verifier.receive::<1>("first").is_ok());
        let error = DecodeError::Truncated { label: "second", offset: 24, needed: 24, left: 6 };
        assert_eq!(verifier.receive::<1>("second"), Err(error));
    }

    #[test]
    fn an_element_has_one_encoding() {
        let mut verifier = VerifierTranscript::new(Transcript::new(), &[0xff; 24]);
        assert_eq!(verifier.receive::<1>("x"), Err(DecodeError::NotCanonical { label: "x", offset: 0 }));
    }
}
