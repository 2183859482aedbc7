//! The files: round trips, and each way in which bytes are no file.

use verinfer_commitments::{
    CommitError, Committed, FileError, Kind, Public, Salt, Secret, commit_input, commit_label, commit_model, commit_output, draw_salt,
};
use verinfer_graph::{DataType, Shape};
use verinfer_import::{Architecture, synthetic};

fn salt() -> Salt {
    Box::new(std::array::from_fn(|i| i as u8))
}

/// One of each kind, in the order of their bytes.
fn publics() -> [Public; 4] {
    let shape = Shape::new(2, 1, 3);
    [
        commit_model(&synthetic(Architecture::LeNet, 0).graph, &salt()).unwrap(),
        commit_input(shape, DataType::U8, &[0, 1, 2, 3, 4, 255], &salt()).unwrap(),
        commit_output(shape, DataType::I8, &[0, 1, 2, 3, -128, 127], &salt()).unwrap(),
        commit_label(7, &salt()).unwrap(),
    ]
}

#[test]
fn every_kind_survives_the_round_trip() {
    for (byte, public) in publics().into_iter().enumerate() {
        let bytes = public.encode();
        assert_eq!(usize::from(bytes[10]), byte);
        assert_eq!(Public::decode(&bytes), Ok(public.clone()));
        let kind = public.committed.kind();
        let secret = Secret { kind, salt: salt(), commitment: public.commitment };
        let bytes = secret.encode();
        assert_eq!((bytes.len(), usize::from(bytes[10])), (8 + 2 + 1 + 1280 + 1024, byte));
        assert_eq!(Secret::decode_as(&bytes, kind), Ok(secret));
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    for public in publics() {
        let secret = Secret { kind: public.committed.kind(), salt: salt(), commitment: public.commitment };
        let (public, secret) = (public.encode(), secret.encode());
        assert!((0..public.len()).all(|len| Public::decode(&public[..len]).is_err()));
        assert!((0..secret.len()).all(|len| Secret::decode(&secret[..len]).is_err()));
        assert_eq!(Public::decode(&[public, vec![0]].concat()), Err(FileError::TrailingBytes { extra: 1 }));
        assert_eq!(Secret::decode(&[secret, vec![0, 0]].concat()), Err(FileError::TrailingBytes { extra: 2 }));
    }
}

#[test]
fn each_fault_of_a_file_has_its_variant() {
    let [model, input, _, label] = publics();
    let change = |public: &Public, offset: usize, bytes: &[u8]| {
        let mut file = public.encode();
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
        Public::decode(&file).unwrap_err()
    };
    assert_eq!(change(&label, 0, b"X"), FileError::NotPublic);
    assert_eq!(Public::decode(b""), Err(FileError::NotPublic));
    assert_eq!(change(&label, 8, &[1]), FileError::UnsupportedVersion { found: 1, expected: 2 });
    assert_eq!(change(&label, 10, &[4]), FileError::UnknownKind { found: 4 });
    assert!(matches!(change(&label, 11, &[0xff; 8]), FileError::Commitment(_)));
    assert_eq!(change(&input, 11, &[0; 4]), FileError::ImpossibleShape { height: 0, width: 1, channels: 3 });
    let sides = [u32::MAX; 3].map(u32::to_le_bytes).concat();
    let [height, width, channels] = [u32::MAX; 3];
    assert_eq!(change(&input, 11, &sides), FileError::ImpossibleShape { height, width, channels });
    assert_eq!(change(&input, 23, &[2]), FileError::UnknownType { found: 2 });
    assert!(matches!(change(&model, 11, &u32::MAX.to_le_bytes()), FileError::Truncated { field: "architecture", .. }));
    assert!(matches!(change(&model, 15, b"x"), FileError::Architecture(_)));
    let envelope = model.encode().len() - 1024 - 18;
    assert!(matches!(change(&model, envelope, &[0]), FileError::Envelope(_)));

    let secret = Secret { kind: Kind::Label, salt: salt(), commitment: label.commitment }.encode();
    let change = |offset: usize, bytes: &[u8]| {
        let mut file = secret.clone();
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
        Secret::decode(&file).unwrap_err()
    };
    assert_eq!(change(0, b"X"), FileError::NotSecret);
    assert_eq!(Secret::decode(b"VERSECR"), Err(FileError::NotSecret));
    assert_eq!(change(8, &[0, 1]), FileError::UnsupportedVersion { found: 256, expected: 1 });
    assert_eq!(change(10, &[9]), FileError::UnknownKind { found: 9 });
    assert!(matches!(change(11 + 1280, &[0xff; 8]), FileError::Commitment(_)));

    // One in the place of the other.
    assert_eq!(Public::decode(&secret), Err(FileError::IsSecret));
    assert_eq!(Secret::decode(&label.encode()), Err(FileError::IsPublic));
    let other = FileError::OtherKind { found: Kind::Label, expected: Kind::Model };
    assert_eq!(other.to_string(), "this belongs to a commitment to a label, not to a model");
    assert_eq!(Public::decode_as(&label.encode(), Kind::Model), Err(other.clone()));
    assert_eq!(Secret::decode_as(&secret, Kind::Model), Err(other));
}

#[test]
fn secrets_belong_to_one_model() {
    let salt = draw_salt().unwrap();
    let [own, other] = [0, 1].map(|seed| commit_model(&synthetic(Architecture::LeNet, seed).graph, &salt).unwrap());
    let secret = Secret { kind: Kind::Model, salt, commitment: own.commitment };
    assert!(secret.check(&own.commitment).is_ok());
    let error = secret.check(&other.commitment).unwrap_err();
    assert!(matches!(error, CommitError::Foreign { kind: Kind::Model }));
    assert_eq!(error.to_string(), "this secret belongs to another model");
    // Of weights and biases nothing is public, of multipliers the envelope.
    let architecture = |public: &Public| match &public.committed {
        Committed::Model { architecture, .. } => architecture.encode_architecture(),
        Committed::Input { .. } | Committed::Output { .. } | Committed::Label => panic!(),
    };
    assert!(architecture(&own) == architecture(&other));
}

#[test]
fn public_files_hold_no_weights_and_secrets_are_not_printed() {
    let public = commit_model(&synthetic(Architecture::LeNet, 5).graph, &salt()).unwrap();
    let Committed::Model { architecture, .. } = &public.committed else { panic!() };
    assert!(**architecture == architecture.without_learned());
    let secret = Secret { kind: Kind::Model, salt: salt(), commitment: public.commitment };
    assert_eq!(format!("{secret:?}"), "Secret { kind: Model, .. }");
}

#[test]
fn salts_are_fresh() {
    assert_ne!(draw_salt().unwrap(), draw_salt().unwrap());
}

#[test]
fn values_that_are_none_of_the_tensor_are_refused() {
    let commit = |dtype, values: &[i16]| commit_input(Shape::new(1, 1, 2), dtype, values, &salt()).unwrap_err();
    assert!(matches!(commit(DataType::U8, &[1]), CommitError::Length { found: 1, .. }));
    assert!(matches!(commit(DataType::U8, &[1, -1]), CommitError::Value { index: 1, value: -1, min: 0, max: 255 }));
    assert!(matches!(commit(DataType::I8, &[128, 0]), CommitError::Value { index: 0, value: 128, .. }));
}
