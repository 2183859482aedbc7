//! Envelopes open for their receiver only.

use proptest::prelude::*;
use verinfer_sealing::{Context, Envelope, EnvelopeError, ReceiverPublic, ReceiverSecret};

const CONTEXT: Context = [7; 32];

#[test]
fn envelopes_open_for_their_receiver_in_their_context() {
    let receiver = ReceiverSecret::draw().unwrap();
    let envelope = Envelope::new(&receiver.public(), &CONTEXT, b"sealed items").unwrap();
    let kept = ReceiverSecret::from_bytes(*receiver.as_bytes());
    assert_eq!(envelope.open(&kept, &CONTEXT).unwrap(), b"sealed items");
    assert_eq!(envelope.open(&receiver, &[8; 32]), Err(EnvelopeError::NotForMe));
    assert_eq!(envelope.open(&ReceiverSecret::draw().unwrap(), &CONTEXT), Err(EnvelopeError::NotForMe));
}

#[test]
fn every_envelope_is_another_one() {
    let receiver = ReceiverSecret::draw().unwrap().public();
    assert_ne!(Envelope::new(&receiver, &CONTEXT, b"x"), Envelope::new(&receiver, &CONTEXT, b"x"));
}

#[test]
fn points_that_agree_on_no_secret_are_no_keys() {
    // X25519 with the point 0 is 0 whatever the secret.
    assert_eq!(Envelope::new(&ReceiverPublic([0; 32]), &CONTEXT, b"x"), Err(EnvelopeError::NotAKey));
}

proptest! {
    #[test]
    fn no_other_bytes_open(place in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<prop::sample::Index>()) {
        let receiver = ReceiverSecret::from_bytes([9; 32]);
        let envelope = Envelope::new(&receiver.public(), &CONTEXT, b"sealed items").unwrap();
        let mut altered = envelope.clone();
        let place = place.index(envelope.0.len());
        altered.0[place] ^= flip;
        // X25519 ignores the highest bit of a point, but the key schedule reads the bytes.
        prop_assert_eq!(altered.open(&receiver, &CONTEXT), Err(EnvelopeError::NotForMe));
        let cut = Envelope(envelope.0[..cut.index(envelope.0.len())].to_vec());
        prop_assert!(cut.open(&receiver, &CONTEXT).is_err());
    }
}
