//! Changed bytes before the messages, and files cut short or lengthened.

use verinfer_relation::statement::FormatError;
use verinfer_verifier::{Expectations, VerifyError};

use crate::forger::{CONTEXT, FORGER, GENUINE, LEVEL, shown_input, shown_output};

/// A field of the file: name, first byte, length.
type Field = (&'static str, usize, usize);

fn fields() -> Vec<Field> {
    let statement = &FORGER.statement;
    let lens = [
        ("magic", 8),
        ("version", 2),
        ("level", 2),
        ("context length", 4),
        ("context", CONTEXT.len()),
        ("images", 4),
        ("model form", 1),
        ("digest", 32),
        ("input form", 1),
        ("input shape", 12),
        ("input type", 1),
        ("input", shown_input(statement).len()),
        ("output form", 1),
        ("output shape", 12),
        ("output type", 1),
        ("output", shown_output(statement).len()),
        ("body length", 4),
    ];
    let mut start = 0;
    let place = |(name, len)| {
        start += len;
        (name, start - len, len)
    };
    lens.into_iter().map(place).collect()
}

fn changed(at: usize, mask: u8) -> VerifyError {
    let mut file = GENUINE.proof.encode();
    file[at] ^= mask;
    FORGER.verify(&file).unwrap_err()
}

/// Whether an error is one that a change of a field may give.
fn is_expected(field: &str, error: &VerifyError) -> bool {
    // Where the change is only noticed by the argument, every challenge is another one, and the first check that depends on one fails.
    let first = VerifyError::Grinding { oracle: 0 };
    match field {
        "magic" => *error == VerifyError::Format(FormatError::NotAProof),
        "version" => matches!(error, VerifyError::Format(FormatError::UnsupportedVersion { .. })),
        // A level that is no lower than demanded and no higher than the hash's is another argument.
        "level" => matches!(error, VerifyError::InsecureParameters { demanded: LEVEL, .. }) || *error == first,
        "digest" => matches!(error, VerifyError::WrongNetwork { .. }),
        // The bytes that follow would be those of more images, of none, or of something else.
        "images" | "model form" | "input form" | "output form" => matches!(error, VerifyError::Format(_)),
        "context" => *error == VerifyError::WrongContext,
        "input shape" => matches!(error, VerifyError::InputShape { .. } | VerifyError::Format(_)),
        "output shape" => matches!(error, VerifyError::OutputShape { .. } | VerifyError::Format(_)),
        "input type" => matches!(error, VerifyError::InputShape { .. } | VerifyError::Format(FormatError::UnknownType { .. })),
        "output type" => matches!(error, VerifyError::OutputShape { .. } | VerifyError::Format(FormatError::UnknownType { .. })),
        "input" | "output" => *error == first,
        "context length" | "body length" => matches!(error, VerifyError::Format(_) | VerifyError::WrongContext),
        _ => false,
    }
}

#[test]
fn every_bit_of_every_field_matters() {
    for (name, start, len) in fields() {
        for at in start..start + len {
            for bit in 0..8 {
                let error = changed(at, 1 << bit);
                assert!(is_expected(name, &error), "{name}, byte {at}, bit {bit}: {error}");
            }
        }
    }
}

#[test]
fn fields_of_zeros_and_of_ones_are_refused() {
    for (name, start, len) in fields() {
        for value in [0, 255] {
            let mut file = GENUINE.proof.encode();
            if file[start..start + len].iter().all(|&byte| byte == value) {
                continue;
            }
            file[start..start + len].fill(value);
            let error = FORGER.verify(&file).unwrap_err();
            assert!(is_expected(name, &error) || matches!(error, VerifyError::Format(_)), "{name} of {value}: {error}");
        }
    }
}

#[test]
fn a_changed_output_with_all_messages_kept_is_rejected() {
    // Fiat-Shamir has absorbed the output before the first challenge.
    let (_, start, len) = fields().into_iter().find(|field| field.0 == "output").unwrap();
    for at in start..start + len {
        for mask in 1..=255 {
            if mask % 16 == 1 {
                assert_eq!(changed(at, mask), VerifyError::Grinding { oracle: 0 });
            }
        }
    }
}

#[test]
fn every_prefix_of_the_file_is_refused() {
    let file = GENUINE.proof.encode();
    for len in 0..file.len() {
        let error = FORGER.verify(&file[..len]).unwrap_err();
        let expected = matches!(error, VerifyError::Format(FormatError::Truncated { offset, .. }) if offset == len)
            || len < 8 && error == VerifyError::Format(FormatError::NotAProof);
        assert!(expected, "{len}: {error}");
    }
}

#[test]
fn bytes_after_the_file_are_refused() {
    for extra in [1, 2, 8, 1000] {
        let mut file = GENUINE.proof.encode();
        file.resize(file.len() + extra, 0);
        assert_eq!(FORGER.verify(&file).unwrap_err(), VerifyError::Format(FormatError::TrailingBytes { extra }));
    }
    let twice = GENUINE.proof.encode().repeat(2);
    assert_eq!(FORGER.verify(&twice).unwrap_err(), VerifyError::Format(FormatError::TrailingBytes { extra: twice.len() / 2 }));
}

#[test]
fn a_file_is_not_believed_about_its_own_level() {
    let file = GENUINE.proof.encode();
    for demanded in [LEVEL + 1, 100, 128, u16::MAX] {
        let error = FORGER
            .verifier
            .verify(&file, &Expectations { security_level: demanded, context: CONTEXT.to_vec(), ..Expectations::default() })
            .unwrap_err();
        assert_eq!(error, VerifyError::InsecureParameters { found: f64::from(LEVEL), demanded });
    }
    FORGER
        .verifier
        .verify(&file, &Expectations { security_level: LEVEL - 1, context: CONTEXT.to_vec(), ..Expectations::default() })
        .unwrap();
}
