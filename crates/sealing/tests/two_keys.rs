//! One ciphertext, two keys: the attack on ciphers that do not commit to their key, and that it does not reach sealed items.
//!
//! Dodis, Grubbs, Ristenpart and Woodage, "Fast message franking" (Crypto 2018); for ChaCha20-Poly1305 as in Albertini et al. (USENIX Security 2022).

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use num_bigint::{BigInt, Sign};
use verinfer_sealing::{Context, Key, OpenError, open};

const CONTEXT: Context = [7; 32];
const POSITION: u32 = 0;

/// A key as the attacker sees it.
struct Stream {
    /// Evaluation point of Poly1305, clamped.
    r: BigInt,
    /// What Poly1305 adds at the end.
    s: BigInt,
    /// What the content is added to.
    pad: [u8; 64],
}

impl Stream {
    fn new(key: &[u8; 32]) -> Self {
        let mut stream = [0; 128];
        ChaCha20::new(key.into(), &[0; 12].into()).apply_keystream(&mut stream);
        let clamp = BigInt::from(0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff_u128);
        let (r, s) = (number(&stream[..16]) & clamp, number(&stream[16..32]));
        Self { r, s, pad: stream[64..].try_into().unwrap() }
    }

    /// Poly1305's polynomial of full blocks, the last of them the lengths, before `s` is added.
    fn polynomial(&self, blocks: &[BigInt]) -> BigInt {
        blocks.iter().fold(BigInt::ZERO, |sum, block| (sum + block) * &self.r % modulus())
    }

    fn tag(&self, blocks: &[BigInt]) -> BigInt {
        (self.polynomial(blocks) + &self.s) % power(128)
    }
}

fn number(bytes: &[u8]) -> BigInt {
    BigInt::from_bytes_le(Sign::Plus, bytes)
}

fn power(exponent: u32) -> BigInt {
    BigInt::from(1) << exponent
}

fn modulus() -> BigInt {
    power(130) - 5
}

/// 16 little-endian bytes.
fn block(number: &BigInt) -> Vec<u8> {
    let mut bytes = number.to_bytes_le().1;
    bytes.resize(16, 0);
    bytes
}

/// A ciphertext with its tag that opens under both keys with nonce 0: under the first it begins with `first`, under the second it goes on with `second`.
fn ciphertext_for_two_keys(keys: [&[u8; 32]; 2], first: &[u8; 16], second: &[u8; 16]) -> Vec<u8> {
    let [one, two] = keys.map(Stream::new);
    let encrypt = |text: &[u8; 16], pad: &[u8]| text.iter().zip(pad).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
    let (first, second) = (encrypt(first, &one.pad[..16]), encrypt(second, &two.pad[16..32]));
    let lengths = number(&[[0; 8], 64_u64.to_le_bytes()].concat()) + power(128);
    for filler in 0_u32.. {
        // The third block differs from try to try, the fourth is solved for: both tags are linear in it.
        let chosen = |solved: &BigInt| {
            let filler = BigInt::from(filler) + power(128);
            [number(&first) + power(128), number(&second) + power(128), filler, solved.clone(), lengths.clone()]
        };
        let constant = two.polynomial(&chosen(&BigInt::ZERO)) - one.polynomial(&chosen(&BigInt::ZERO)) + &two.s - &one.s;
        let slope = (&one.r * &one.r - &two.r * &two.r).modpow(&BigInt::from(1), &modulus()).modinv(&modulus()).unwrap();
        for wrap in -4_i32..=4 {
            let solved = ((&constant + power(128) * wrap) * &slope).modpow(&BigInt::from(1), &modulus());
            let blocks = chosen(&solved);
            if (power(128)..power(129)).contains(&solved) && one.tag(&blocks) == two.tag(&blocks) {
                let content = [first, second, block(&BigInt::from(filler)), block(&(solved - power(128)))];
                return [content.concat(), block(&one.tag(&blocks))].concat();
            }
        }
    }
    unreachable!("one try of about sixteen succeeds")
}

/// The commitment and the cipher's key of an item, as the format's definition gives them.
fn derive(key: &Key) -> ([u8; 32], [u8; 32]) {
    let mut output = [0; 64];
    let mut hasher = blake3::Hasher::new_derive_key("verinfer sealing v1 item");
    hasher.update(key.as_bytes()).update(&CONTEXT).update(&POSITION.to_le_bytes()).finalize_xof().fill(&mut output);
    (output[..32].try_into().unwrap(), output[32..].try_into().unwrap())
}

#[test]
fn a_plain_cipher_opens_one_ciphertext_under_two_keys() {
    let (one, two) = ([1; 32], [2; 32]);
    let ciphertext = ciphertext_for_two_keys([&one, &two], b"the true label 7", b"the true label 3");
    let open = |key: &[u8; 32]| ChaCha20Poly1305::new(key.into()).decrypt(&Nonce::default(), ciphertext.as_slice()).unwrap();
    assert_eq!(&open(&one)[..16], b"the true label 7");
    assert_eq!(&open(&two)[16..32], b"the true label 3");
    assert_ne!(open(&one), open(&two));
}

#[test]
fn the_same_ciphertext_in_a_sealed_item_opens_under_one_key_only() {
    let (one, two) = (Key::from_bytes(&[1; 32]).unwrap(), Key::from_bytes(&[2; 32]).unwrap());
    let ((commitment_of_one, cipher_of_one), (commitment_of_two, cipher_of_two)) = (derive(&one), derive(&two));
    let ciphertext = ciphertext_for_two_keys([&cipher_of_one, &cipher_of_two], b"the true label 7", b"the true label 3");
    for (commitment, right, wrong) in [(commitment_of_one, &one, &two), (commitment_of_two, &two, &one)] {
        let sealed = [commitment.as_slice(), &ciphertext].concat();
        assert!(open(right, &CONTEXT, POSITION, &sealed).is_ok());
        assert_eq!(open(wrong, &CONTEXT, POSITION, &sealed), Err(OpenError::WrongKey));
    }
}
