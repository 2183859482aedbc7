use verinfer_graph::{DataType, Shape};

use super::*;
use crate::envelope::Envelope;

fn proof() -> Proof {
    let tensor = |dtype| PublicTensor { shape: Shape::new(1, 1, 3), dtype, values: vec![0, 1, 2, 3, 4, 127] };
    let statement = Statement {
        security_level: 128,
        context: b"for tests".to_vec(),
        images: 2,
        model: ModelClaim::Public { digest: [7; 32] },
        input: InputClaim::Shown(tensor(DataType::U8)),
        output: OutputClaim::Shown(PublicTensor { values: vec![-128, -1, 0, 1, 2, 127], ..tensor(DataType::I8) }),
    };
    Proof { statement, body: vec![1, 2, 3] }
}

#[test]
fn a_proof_survives_the_round_trip() {
    assert_eq!(Proof::decode(&proof().encode()), Ok(proof()));
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let bytes = proof().encode();
    for len in 0..bytes.len() {
        assert!(Proof::decode(&bytes[..len]).is_err(), "{len}");
    }
    let longer = [bytes, vec![0]].concat();
    assert_eq!(Proof::decode(&longer), Err(FormatError::TrailingBytes { extra: 1 }));
}

fn commitment(seed: u64) -> Commitment {
    Commitment(std::array::from_fn(|i| crate::field::from_signed((seed * 1000) as i64 + i as i64)))
}

#[test]
fn every_form_survives_the_round_trip_and_says_its_setting() {
    let envelope = Envelope { num_limbs: 2, limb_bits: 21, keys: (-512, 1024), signed_keys: (-3, 4) };
    let outputs = [
        OutputClaim::Hidden(vec![commitment(1), commitment(2)]),
        OutputClaim::Rank { labels: vec![3, 1000], k: 5 },
        OutputClaim::AtLeast { class: 7, value: -128 },
        OutputClaim::Decided { predicate: Predicate::Top { class: 7, k: 3 }, holds: vec![true, false] },
        OutputClaim::Decided { predicate: Predicate::AtLeast { class: 7, value: -128 }, holds: vec![false, true] },
        OutputClaim::Correct { labels: vec![commitment(3), commitment(4)], k: 1, count: 2 },
    ];
    for output in outputs {
        let mut hidden = proof();
        let architecture = [9; 32];
        hidden.statement.model = ModelClaim::Hidden { architecture, envelope, commitment: Box::new(commitment(5)) };
        hidden.statement.input = InputClaim::Hidden(vec![commitment(6), commitment(7)]);
        hidden.statement.output = output;
        let bytes = hidden.encode();
        assert_eq!(Proof::decode(&bytes), Ok(hidden.clone()));
        let setting = hidden.statement.setting();
        assert_eq!((setting.weights, setting.hidden_input), (Some(envelope), true));
        assert!((0..bytes.len()).all(|len| Proof::decode(&bytes[..len]).is_err()));
    }
}

#[test]
fn each_header_error_has_its_variant() {
    let change = |offset: usize, bytes: &[u8]| {
        let mut file = proof().encode();
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
        Proof::decode(&file).unwrap_err()
    };
    assert_eq!(change(0, b"X"), FormatError::NotAProof);
    assert_eq!(change(8, &[9]), FormatError::UnsupportedVersion { found: 9 });
    assert_eq!(change(12, &u32::MAX.to_le_bytes()), FormatError::ContextTooLong { len: u32::MAX as usize });
    let images = 16 + 9;
    assert_eq!(change(images, &[0]), FormatError::NoImages);
    // What the output's shape is taken from has moved by an image.
    for other in [1, 3] {
        assert!(matches!(
            change(images, &[other]),
            FormatError::Truncated { .. } | FormatError::ImpossibleShape { .. } | FormatError::UnknownForm { field: "output", .. }
        ));
    }
    assert_eq!(change(images, &u32::MAX.to_le_bytes()), FormatError::Truncated { field: "input", offset: proof().encode().len() });
    let [model, form] = [images + 4, images + 4 + 33];
    assert_eq!(change(model, &[2]), FormatError::UnknownForm { field: "model", found: 2 });
    assert_eq!(change(form, &[2]), FormatError::UnknownForm { field: "input", found: 2 });
    let input = form + 1;
    let sides = [u32::MAX; 3].map(u32::to_le_bytes).concat();
    let [height, width, channels] = [u32::MAX; 3];
    assert_eq!(change(input, &sides), FormatError::ImpossibleShape { field: "input", height, width, channels });
    assert_eq!(change(input + 12, &[2]), FormatError::UnknownType { field: "input", found: 2 });
    let error = FormatError::ImpossibleShape { field: "input", height: 0, width: 1, channels: 3 };
    assert_eq!(change(input, &[0]), error);
    assert!(matches!(change(input, &[9]), FormatError::Truncated { .. } | FormatError::UnknownType { .. }));
}

#[test]
fn a_file_is_read_in_a_few_steps_and_no_further_than_its_proof_goes() {
    let mut hidden = proof();
    hidden.statement.input = InputClaim::Hidden(vec![commitment(6), commitment(7)]);
    hidden.statement.output = OutputClaim::Correct { labels: vec![commitment(3), commitment(4)], k: 1, count: 2 };
    for proof in [proof(), hidden] {
        let whole = proof.encode();
        let file = [whole.clone(), vec![0; 1 << 20]].concat();
        let (mut len, mut steps) = (0, 0);
        loop {
            let needed = Proof::needed(&file[..len.max(1)], 1 << 20).unwrap();
            if needed <= len {
                break;
            }
            (len, steps) = (needed, steps + 1);
        }
        assert_eq!(len, whole.len());
        assert!(steps < 24, "{steps}");
        assert!(whole.len() <= Proof::max_len(2, 3, 3));
        assert_eq!(Proof::needed(&whole, whole.len() - 1), Err(FormatError::TooLong { needed: whole.len(), limit: whole.len() - 1 }));
    }
}

#[test]
fn a_length_that_no_proof_has_is_refused_when_it_is_read() {
    let mut bytes = proof().encode();
    let images = 8 + 2 + 2 + 4 + 9;
    bytes[images..images + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let limit = Proof::max_len(100, 3, 3);
    assert!(matches!(Proof::needed(&bytes[..100], limit), Err(FormatError::TooLong { needed, .. }) if needed > 3 << 32));
    assert_eq!(Proof::needed(b"something else", limit), Err(FormatError::NotAProof));
    assert_eq!(Proof::needed(b"VER", limit), Ok(8));
}
