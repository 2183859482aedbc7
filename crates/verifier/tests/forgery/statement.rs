//! Provers that run the whole argument for a false statement, or for a true one that was not asked for.

use verinfer_graph::{DataType, Shape};
use verinfer_relation::statement::{ModelClaim, Statement};
use verinfer_verifier::{Expectations, ExpectedInput, VerifyError};

use crate::forger::{EXPECTATIONS, FORGER, GENUINE, LEVEL, input_mut, output_mut, shown_input, shown_output};
use crate::unmasked::Broken;

fn changed(change: impl FnOnce(&mut Statement)) -> Statement {
    let mut statement = FORGER.statement.clone();
    change(&mut statement);
    statement
}

/// The argument with the true witness for a changed statement.
fn rejection(change: impl FnOnce(&mut Statement)) -> VerifyError {
    FORGER.rejection(changed(change), FORGER.witness.clone())
}

/// The equations broken by the true witness for a changed statement.
fn broken(change: impl FnOnce(&mut Statement)) -> Vec<Broken> {
    FORGER.broken(changed(change), FORGER.witness.clone())
}

#[test]
fn another_output_is_caught_by_the_claim_on_it() {
    for index in 0..shown_output(&FORGER.statement).len() {
        for change in [1, -1, 40] {
            assert_eq!(broken(|statement| output_mut(statement).values[index] += change), [Broken::Output]);
        }
    }
    assert_eq!(broken(|statement| output_mut(statement).values.swap(1, 2)), [Broken::Output]);
}

#[test]
fn another_input_is_caught_by_the_claim_on_it_by_the_leaves_and_by_the_lookups_if_the_leaves_follow_it() {
    for index in [0, 35, 71] {
        let statement = changed(|statement| input_mut(statement).values[index] ^= 1);
        let mut witness = FORGER.witness.clone();
        assert_eq!(FORGER.broken(statement.clone(), witness.clone()), [Broken::Inputs]);
        // Also if the linear layers read the claimed input.
        witness.tensors[0] = shown_input(&statement).to_vec();
        assert_eq!(FORGER.broken(statement.clone(), witness.clone()), [Broken::Leaves]);
        assert_ne!(FORGER.follow_cells(&statement, &mut witness), []);
        assert_eq!(FORGER.broken(statement, witness), [Broken::sum(&FORGER)]);
    }
}

#[test]
fn another_input_than_expected_is_refused_with_its_first_difference() {
    let mut expected = shown_input(&FORGER.statement).to_vec();
    let found = expected[7];
    expected[7] = if found == 0 { 1 } else { 0 };
    let demand = |expected: &[i16]| {
        let input = ExpectedInput::Shown(expected.to_vec());
        FORGER.verifier.verify(&GENUINE.proof.encode(), &Expectations { input, ..EXPECTATIONS.clone() })
    };
    assert_eq!(demand(&expected).unwrap_err(), VerifyError::WrongInput { index: 7, found, expected: expected[7] });
    assert_eq!(demand(&expected[..70]).unwrap_err(), VerifyError::InputLength { found: 72, expected: 70 });
    demand(shown_input(&FORGER.statement)).unwrap();
}

#[test]
fn another_context_is_refused() {
    assert_eq!(rejection(|statement| statement.context = b"replayed".to_vec()), VerifyError::WrongContext);
    assert_eq!(rejection(|statement| statement.context.clear()), VerifyError::WrongContext);
    let demand = Expectations { context: b"fresh".to_vec(), ..EXPECTATIONS.clone() };
    assert_eq!(FORGER.verifier.verify(&GENUINE.proof.encode(), &demand).unwrap_err(), VerifyError::WrongContext);
}

#[test]
fn a_lower_level_than_demanded_is_refused() {
    let error = rejection(|statement| statement.security_level = LEVEL - 1);
    assert_eq!(error, VerifyError::InsecureParameters { found: f64::from(LEVEL - 1), demanded: LEVEL });
}

#[test]
fn a_higher_level_than_the_hash_gives_is_refused() {
    let mut proof = GENUINE.proof.clone();
    proof.statement.security_level = 129;
    let error = FORGER.verify(&proof.encode()).unwrap_err();
    assert_eq!(error, VerifyError::InsecureParameters { found: 129.0, demanded: LEVEL });
}

#[test]
fn another_digest_is_refused() {
    let error = rejection(|statement| statement.model = ModelClaim::Public { digest: FORGER.graph.digest().map(|byte| byte ^ 1) });
    assert!(matches!(error, VerifyError::WrongNetwork { .. }), "{error}");
}

#[test]
fn other_shapes_and_types_are_refused() {
    let error = rejection(|statement| input_mut(statement).shape = Shape::new(6, 2, 6));
    assert_eq!(error, VerifyError::InputShape { found: "6x2x6 i8".into(), expected: "6x6x2 i8".into() });
    let error = rejection(|statement| input_mut(statement).dtype = DataType::U8);
    assert_eq!(error, VerifyError::InputShape { found: "6x6x2 u8".into(), expected: "6x6x2 i8".into() });
    let error = rejection(|statement| output_mut(statement).shape = Shape::new(1, 6, 1));
    assert_eq!(error, VerifyError::OutputShape { found: "1x6x1 i8".into(), expected: "1x1x6 i8".into() });
    let error = rejection(|statement| output_mut(statement).dtype = DataType::U8);
    assert_eq!(error, VerifyError::OutputShape { found: "1x1x6 u8".into(), expected: "1x1x6 i8".into() });
}
