//! Bytes that are none, chosen so that the integers they stand for, and everything computed from these, are what they were. The prover even commits to
//! them, as the hash is linear: nothing but the range table notices.

use p3_field::{Field, PrimeCharacteristicRing};
use verinfer_relation::commitment::{Commitment, SALT_CELLS, commit};
use verinfer_relation::field::{F, from_signed};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{ObjectKind, Role};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Statement};

use crate::forger::Forger;
use crate::hidden::{BIG, COMMITTED, CORRECT, DEAD_INPUT, DEAD_WEIGHTS, HIDDEN, SMALL};
use crate::unmasked::Broken;

/// A wrong cell: its column, channel, pixel and new value less the old.
type Edit = (ColumnId, usize, usize, i64);

/// Changes of a byte and the next that keep the integer.
const SHIFTS: [(i64, i64); 4] = [(256, -1), (-256, 1), (-(1 << 33), 1 << 25), (1 << 50, -(1 << 42))];

/// The statement with the commitment to an object's bytes as they have become.
fn committing(forger: &Forger, kind: ObjectKind, edits: &[Edit]) -> Statement {
    let relation = forger.relation();
    let object = relation.object(kind).unwrap();
    let bases = object.bases(relation);
    assert_eq!(object.plan.blocks(), 0);
    let mut root = *forger.statement.commitment(kind).unwrap();
    for &(column, channel, pixel, change) in edits {
        let cell = forger.cell(column, channel, pixel);
        let (mut values, mut salt) = (vec![0; object.plan.len()], [0; SALT_CELLS]);
        if column == object.salt {
            salt[cell - bases.salt] = 1;
        } else {
            values[cell - bases.values] = 1;
        }
        let (Commitment(unit), _) = commit(&values, &salt).unwrap();
        root.0.iter_mut().zip(unit).for_each(|(root, unit)| *root += unit * from_signed(change));
    }
    let mut statement = forger.statement.clone();
    match (kind, &mut statement.model, &mut statement.input, &mut statement.output) {
        (ObjectKind::Model, ModelClaim::Hidden { commitment, .. }, _, _) => **commitment = root,
        (ObjectKind::Input(image), _, InputClaim::Hidden(commitments), _) => commitments[image] = root,
        (ObjectKind::Output(image), _, _, OutputClaim::Hidden(commitments)) => commitments[image] = root,
        (ObjectKind::Label(image), _, _, OutputClaim::Correct { labels, .. }) => labels[image] = root,
        _ => panic!("{kind:?} is not hidden"),
    }
    statement
}

/// The range table alone notices.
fn out_of_range(forger: &Forger, kind: ObjectKind, edits: &[Edit]) {
    let statement = committing(forger, kind, edits);
    let witness = forger.edited(edits);
    assert_eq!(forger.broken(statement.clone(), witness.clone()), [Broken::Leaves], "{edits:?}");
    assert_eq!(forger.following(&statement, witness), (vec!["range"], vec![Broken::sum(forger)]), "{edits:?}");
}

/// A byte of hidden integers: its column and plane. The pixels are the integers.
type Plane = (ColumnId, usize);

/// What integers are, and the role of a column of their bytes from one on.
type Integers = (&'static str, fn(usize) -> Role);

/// Which integers a column holds bytes of, and from which byte on.
fn integers(role: Role) -> Option<(&'static str, usize)> {
    let kinds: [Integers; 4] =
        [("multiplier", Role::Multiplier), ("constant", Role::Constant), ("sign factor", Role::SignFactor), ("addend", Role::Addends)];
    // Integers have fewer than 64 bits.
    kinds.into_iter().find_map(|(name, kind)| (0..8).find(|&first| kind(first) == role).map(|first| (name, first)))
}

/// Consecutive bytes of hidden integers, of one column or of the whole bytes and of the bits that are left: what they are of, the lower byte, the higher
/// one, and how many integers there are.
fn consecutive(forger: &Forger) -> Vec<(&'static str, Plane, Plane, usize)> {
    let mut planes = Vec::new();
    for (index, column) in forger.relation().columns.iter().enumerate() {
        if let Some((name, first)) = integers(column.role) {
            planes.extend((0..column.channels).map(|plane| (name, column.node, first + plane, (ColumnId(index), plane), column.pixels)));
        }
    }
    planes.sort();
    let pairs = planes.windows(2).filter(|pair| (pair[0].0, pair[0].1, pair[0].2 + 1) == (pair[1].0, pair[1].1, pair[1].2));
    pairs.map(|pair| (pair[0].0, pair[0].3, pair[1].3, pair[0].4)).collect()
}

#[test]
fn bytes_of_multipliers_constants_sign_factors_and_addends_are_bytes() {
    let pairs = consecutive(&HIDDEN);
    for name in ["multiplier", "constant", "sign factor", "addend"] {
        assert!(pairs.iter().any(|pair| pair.0 == name), "no {name}");
        // The bits that are left have a table of their own.
        assert!(pairs.iter().any(|pair| pair.0 == name && pair.1.0 != pair.2.0) || name == "sign factor", "no last bits of a {name}");
    }
    for (index, &(_, low, high, integers)) in pairs.iter().enumerate() {
        if index % 3 == 0 || low.0 != high.0 {
            let (first, second) = SHIFTS[index % SHIFTS.len()];
            let integer = index % integers;
            out_of_range(&HIDDEN, ObjectKind::Model, &[(low.0, low.1, integer, first), (high.0, high.1, integer, second)]);
        }
    }
}

#[test]
fn the_lookup_is_what_notices_and_not_the_commitment_alone() {
    // The same bytes under the true commitment.
    let pairs = consecutive(&HIDDEN);
    let &(_, low, high, _) = pairs.iter().find(|pair| pair.0 == "multiplier").unwrap();
    let edits = [(low.0, low.1, 0, 256), (high.0, high.1, 0, -1)];
    let expected = (vec!["range"], vec![Broken::sum(&HIDDEN), Broken::Committed(ObjectKind::Model)]);
    assert_eq!(HIDDEN.following(&HIDDEN.statement, HIDDEN.edited(&edits)), expected);
    // Bytes in range that stand for another integer, under the commitment to them: what is computed from them is something else.
    let edits = [(low.0, low.1, 0, if HIDDEN.get(low.0, low.1, 0) == 255 { -1 } else { 1 })];
    let statement = committing(&HIDDEN, ObjectKind::Model, &edits);
    assert_eq!(HIDDEN.broken(statement.clone(), HIDDEN.edited(&edits)), [Broken::Leaves, Broken::Scales]);
}

#[test]
fn weights_are_bytes_even_where_no_activation_meets_them() {
    let weights = SMALL.relation().contractions[0].hidden.as_ref().unwrap().weights;
    for change in [256, -256, 1 << 40] {
        let edits = [(weights, 3, DEAD_INPUT, change)];
        let statement = committing(&SMALL, ObjectKind::Model, &edits);
        let (strays, broken) = SMALL.following(&statement, SMALL.edited(&edits));
        // The prover contracts the true weights.
        assert_eq!((strays, broken), (vec!["range"], vec![Broken::sum(&SMALL), Broken::Contracted]));
    }
}

#[test]
fn inputs_are_bytes_even_where_no_weight_meets_them() {
    let (input, copy) = (SMALL.of_role(Role::Input), SMALL.of_role(Role::CommittedInput));
    let changed = |change: i64| {
        let copied = [(copy, DEAD_WEIGHTS, 0, change)];
        let mut witness = SMALL.edited(&[(input, DEAD_WEIGHTS, 0, change), copied[0]]);
        witness.tensors[0][DEAD_WEIGHTS] += change as i16;
        (committing(&SMALL, ObjectKind::Input(0), &copied), witness)
    };
    for change in [256, -256] {
        let (statement, witness) = changed(change);
        assert_eq!(SMALL.following(&statement, witness), (vec!["range"], vec![Broken::sum(&SMALL)]));
    }
    // Another byte is another true statement.
    let (statement, witness) = changed(if SMALL.get(input, DEAD_WEIGHTS, 0) == 127 { -1 } else { 1 });
    assert_eq!(SMALL.following(&statement, witness), (vec![], vec![]));
}

#[test]
fn committed_inputs_are_the_inputs() {
    let copy = SMALL.of_role(Role::CommittedInput);
    for change in [1, -1, 256, 1 << 40] {
        let edits = [(copy, DEAD_WEIGHTS, 0, change)];
        let statement = committing(&SMALL, ObjectKind::Input(0), &edits);
        assert_eq!(SMALL.following(&statement, SMALL.edited(&edits)), (vec!["zero"], vec![Broken::sum(&SMALL)]));
    }
}

#[test]
fn salts_are_bytes() {
    for (forger, kind) in [
        (&*HIDDEN, ObjectKind::Model),
        (&HIDDEN, ObjectKind::Input(1)),
        (&COMMITTED, ObjectKind::Output(0)),
        (&CORRECT, ObjectKind::Label(1)),
    ] {
        let salt = forger.relation().object(kind).unwrap().salt;
        for change in [256, -(1 << 20)] {
            out_of_range(forger, kind, &[(salt, 0, 77, change)]);
        }
    }
}

#[test]
fn bytes_of_digests_are_bytes() {
    let object = BIG.relation().object(ObjectKind::Model).unwrap();
    assert!(object.plan.blocks() > 1);
    let digests = object.digests.unwrap();
    for (pixel, (low, high)) in [0, 1033, 1024 + 6].into_iter().zip(SHIFTS) {
        let witness = BIG.edited(&[(digests, 0, pixel, low), (digests, 0, pixel + 1, high)]);
        let (strays, broken) = BIG.following(&BIG.statement, witness);
        assert_eq!((strays, broken), (vec!["range"], vec![Broken::sum(&BIG), Broken::Committed(ObjectKind::Model)]));
    }
}

#[test]
fn bytes_of_labels_are_bytes() {
    let [low, high] = [0, 1].map(|byte| CORRECT.of_role(Role::Label(byte)));
    for (first, second) in SHIFTS {
        out_of_range(&CORRECT, ObjectKind::Label(1), &[(low, 0, 1, first), (high, 0, 1, second)]);
    }
}

#[test]
fn committed_outputs_are_the_outputs() {
    let column = COMMITTED.of_role(Role::CommittedOutput);
    for (image, change) in [(0, 1), (1, -1), (0, 256), (1, 1 << 40)] {
        let edits = [(column, 4, image, change)];
        let statement = committing(&COMMITTED, ObjectKind::Output(image), &edits);
        assert_eq!(COMMITTED.following(&statement, COMMITTED.edited(&edits)), (vec!["zero"], vec![Broken::sum(&COMMITTED)]));
    }
}

#[test]
fn the_order_of_the_field_is_no_way_around_a_byte() {
    // Zero as 256 times the inverse of 256 less one.
    let &(_, low, high, _) = consecutive(&HIDDEN).iter().find(|pair| pair.0 == "multiplier").unwrap();
    let mut witness = HIDDEN.witness.clone();
    witness.cells[HIDDEN.cell(low.0, low.1, 0)] += F::ONE;
    witness.cells[HIDDEN.cell(high.0, high.1, 0)] -= F::from_u32(256).inverse();
    let (strays, broken) = HIDDEN.following(&HIDDEN.statement, witness);
    assert!(strays == ["range"] && broken == [Broken::sum(&HIDDEN), Broken::Committed(ObjectKind::Model)], "{strays:?}, {broken:?}");
}
