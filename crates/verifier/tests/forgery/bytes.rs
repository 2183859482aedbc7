//! Changed bytes in the messages of a genuine proof: every challenge drawn after the change is another one.

use p3_field::PrimeField64;
use verinfer_prover::Proved;
use verinfer_relation::field::F;
use verinfer_relation::statement::Proof;
use verinfer_relation::transcript::{DecodeError, Message, Transcript};
use verinfer_verifier::VerifyError;

use crate::forger::{FORGER, Forger, GENUINE};
use crate::hidden::{HIDDEN, HIDDEN_GENUINE};
use crate::manifest::{Content, content, is_expected};

/// Forgers with their genuine proofs: of a public network, and of one of which all but the output is hidden.
fn cases() -> [(&'static Forger, &'static Proved); 2] {
    [(&FORGER, &GENUINE), (&HIDDEN, &HIDDEN_GENUINE)]
}

/// The rejection of a genuine proof with another body.
fn rejection((forger, _): (&Forger, &Proved), body: Vec<u8>) -> VerifyError {
    forger.verify(&Proof { statement: forger.statement.clone(), body }.encode()).unwrap_err()
}

/// Changes each message in place, in a way that may leave it out, and expects what the table says.
fn each_message(change: impl Fn(&Proved, usize, &Message, &mut [u8])) {
    for case in cases() {
        let proved = case.1;
        for (index, message) in proved.messages.iter().enumerate() {
            let mut body = proved.proof.body.clone();
            change(proved, index, message, &mut body);
            if body != proved.proof.body {
                let error = rejection(case, body);
                assert!(is_expected(&proved.messages, index, &error), "{message:?}: {error}");
            }
        }
    }
}

fn of<'a>(message: &Message, body: &'a mut [u8]) -> &'a mut [u8] {
    &mut body[message.offset..message.offset + message.len]
}

#[test]
fn a_flipped_bit_of_any_message_is_noticed() {
    each_message(|_, index, message, body| {
        // The low bytes of coordinates, so that the element stays canonical.
        let position = index * 31 % (message.len / 8) * 8 + index % 3;
        of(message, body)[position] ^= 1 << (index % 8);
    });
}

#[test]
fn a_random_message_is_noticed() {
    each_message(|_, index, message, body| {
        let mut random = Transcript::new();
        random.absorb("message", &index.to_le_bytes());
        for chunk in of(message, body).as_chunks_mut::<8>().0 {
            *chunk = (random.indices("bytes", 1 << 63, 1)[0] as u64).to_le_bytes();
        }
    });
}

#[test]
fn a_message_of_zeros_is_noticed() {
    each_message(|_, _, message, body| of(message, body).fill(0));
}

#[test]
fn two_messages_exchanged_are_noticed() {
    each_message(|proved, index, message, body| {
        if let Some(next) = proved.messages[index + 1..].iter().find(|next| next.len == message.len) {
            let taken = of(message, body).to_vec();
            body.copy_within(next.offset..next.offset + next.len, message.offset);
            of(next, body).copy_from_slice(&taken);
        }
    });
}

#[test]
fn an_element_that_is_not_canonical_is_refused_where_it_stands() {
    for case @ (_, genuine) in cases() {
        for message in genuine.messages.iter().filter(|message| content(message.label) == Content::Elements) {
            // The order itself is zero once more.
            for (position, replacement) in [(0, F::ORDER_U64), (message.len / 8 - 1, u64::MAX)] {
                let mut body = genuine.proof.body.clone();
                let offset = message.offset + 8 * position;
                body[offset..offset + 8].copy_from_slice(&replacement.to_le_bytes());
                let expected = DecodeError::NotCanonical { label: message.label, offset };
                assert_eq!(rejection(case, body), VerifyError::Message(expected));
            }
        }
    }
}

#[test]
fn a_message_cut_short_or_lengthened_is_rejected() {
    for case @ (_, genuine) in cases() {
        for message in &genuine.messages {
            for removed in [8, message.len] {
                let mut body = genuine.proof.body.clone();
                body.drain(message.offset + message.len - removed..message.offset + message.len);
                rejection(case, body);
            }
            for added in [8, message.len] {
                let mut body = genuine.proof.body.clone();
                let end = message.offset + message.len;
                let copy = body[end - added..end].to_vec();
                body.splice(end..end, copy);
                rejection(case, body);
            }
        }
    }
}

#[test]
fn a_body_that_ends_early_names_the_message_that_is_missing() {
    for case @ (_, genuine) in cases() {
        for message in &genuine.messages {
            for left in [0, message.len - 1] {
                let body = genuine.proof.body[..message.offset + left].to_vec();
                let expected = DecodeError::Truncated { label: message.label, offset: message.offset, needed: message.len, left };
                assert_eq!(rejection(case, body), VerifyError::Message(expected));
            }
        }
    }
}

#[test]
fn bytes_after_the_last_message_are_refused() {
    for case @ (_, genuine) in cases() {
        for extra in [1, 8, 24, 1000] {
            let mut body = genuine.proof.body.clone();
            body.resize(body.len() + extra, 0);
            assert_eq!(rejection(case, body), VerifyError::Message(DecodeError::TrailingBytes { extra }));
        }
    }
}
