//! Sealed items open with their key, in their place and context, and with nothing else.

use proptest::prelude::*;
use verinfer_sealing::{Context, Fault, Key, MAX_ITEM_BYTES, OVERHEAD, OpenError, SealError, Verdict, adjudicate, open, seal};

const CONTEXT: Context = [7; 32];

/// Two items, sealed.
fn sealed() -> (Key, Vec<Vec<u8>>) {
    let key = Key::draw().unwrap();
    let items = [b"first image".as_slice(), b"second image"];
    let sealed = (0..).zip(items).map(|(position, item)| seal(&key, &CONTEXT, position, item).unwrap()).collect();
    (key, sealed)
}

#[test]
fn items_open_in_their_places() {
    let (key, sealed) = sealed();
    assert_eq!(open(&key, &CONTEXT, 0, &sealed[0]).unwrap(), b"first image");
    assert_eq!(open(&key, &CONTEXT, 1, &sealed[1]).unwrap(), b"second image");
    assert_eq!(sealed[0].len(), b"first image".len() + OVERHEAD);
}

#[test]
fn swapped_items_and_other_contexts_and_keys_are_found_out() {
    let (key, sealed) = sealed();
    let (other_key, _) = self::sealed();
    assert_eq!(open(&key, &CONTEXT, 0, &sealed[1]), Err(OpenError::WrongKey));
    assert_eq!(open(&key, &[8; 32], 0, &sealed[0]), Err(OpenError::WrongKey));
    assert_eq!(open(&other_key, &CONTEXT, 0, &sealed[0]), Err(OpenError::WrongKey));
}

#[test]
fn what_is_too_short_or_too_long_is_no_sealed_item() {
    let (key, sealed) = sealed();
    for len in 0..OVERHEAD {
        assert_eq!(open(&key, &CONTEXT, 0, &sealed[0][..len]), Err(OpenError::Truncated { len, least: OVERHEAD }));
    }
    for len in OVERHEAD..sealed[0].len() {
        assert_eq!(open(&key, &CONTEXT, 0, &sealed[0][..len]), Err(OpenError::Altered));
    }
    let (len, most) = (MAX_ITEM_BYTES + OVERHEAD + 1, MAX_ITEM_BYTES + OVERHEAD);
    assert_eq!(open(&key, &CONTEXT, 0, &vec![0; len]), Err(OpenError::TooLong { len, most }));
    let item = vec![0; MAX_ITEM_BYTES + 1];
    assert_eq!(seal(&key, &CONTEXT, 0, &item), Err(SealError::TooLong { position: 0, len: item.len() }));
}

#[test]
fn verdicts_are_about_the_sender_alone() {
    let (key, sealed) = sealed();
    let judge = |key: &[u8], position: u32, sealed: &[u8]| adjudicate(key, &CONTEXT, position, sealed, |item| item == b"first image");
    assert_eq!(judge(key.as_bytes(), 0, &sealed[0]), Verdict::Kept);
    assert_eq!(judge(&[0; 32], 0, &sealed[0]), Verdict::Broken(Fault::Closed(OpenError::WrongKey)));
    assert_eq!(judge(&key.as_bytes()[1..], 0, &sealed[0]), Verdict::Broken(Fault::NotAKey { len: 31 }));
    assert_eq!(judge(key.as_bytes(), 1, &sealed[1]), Verdict::Broken(Fault::OtherContent));
    assert_eq!(judge(key.as_bytes(), 0, b"garbage"), Verdict::Broken(Fault::Closed(OpenError::Truncated { len: 7, least: OVERHEAD })));
}

#[test]
fn sealed_items_of_another_implementation_open() {
    // Made with the Python packages `blake3` and `cryptography` from the format's definition.
    let sealed: [u128; 4] = [
        0xcff4_5ac0_88bb_42e9_1c58_15ba_6981_c457,
        0x119c_1a00_ef36_9c1f_425d_279e_ac4c_e5ce,
        0xe594_865c_26fd_9c10_4716_cfca_55ec_739b,
        0x9ac2_4da2_57bb_1495_a592_b728_9f00_0000,
    ];
    let sealed = sealed.map(u128::to_be_bytes).concat();
    let (key, sealed) = (Key::from([1; 32]), &sealed[..b"a sealed item".len() + OVERHEAD]);
    assert_eq!(open(&key, &[2; 32], 3, sealed).unwrap(), b"a sealed item");
    assert_eq!(seal(&key, &[2; 32], 3, b"a sealed item").unwrap(), sealed);
}

#[test]
fn keys_are_not_printed() {
    assert_eq!(format!("{:?}", sealed().0), "Key(..)");
}

proptest! {
    #[test]
    fn every_item_opens_and_no_altered_one_does(item in prop::collection::vec(any::<u8>(), 0..300), place in any::<prop::sample::Index>(), flip in 1_u8..) {
        let key = Key::draw().unwrap();
        let sealed = seal(&key, &CONTEXT, 0, &item).unwrap();
        prop_assert_eq!(&sealed, &seal(&key, &CONTEXT, 0, &item).unwrap());
        prop_assert_eq!(open(&key, &CONTEXT, 0, &sealed).unwrap(), item);
        let mut altered = sealed.clone();
        altered[place.index(sealed.len())] ^= flip;
        prop_assert!(open(&key, &CONTEXT, 0, &altered).is_err());
    }
}
