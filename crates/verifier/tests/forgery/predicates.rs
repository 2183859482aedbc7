//! False statements about ranks, scores and counts, and provers who lie about comparisons.

use std::sync::LazyLock;

use verinfer_graph::{DataType, Graph, Lookup, Node, Op, Shape, TensorId, TensorSpec};
use verinfer_prover::{Execution, ProveError, Prover};
use verinfer_relation::RelationError;
use verinfer_relation::relation::{ObjectKind, Role};
use verinfer_relation::setting::{OutputForm, Predicate, Setting};
use verinfer_relation::statement::{OutputClaim, Statement};
use verinfer_relation::table::TableId;
use verinfer_verifier::{Verifier, VerifyError};

use crate::forger::Forger;
use crate::unmasked::Broken;

/// Scores of two images, which are the hidden inputs. In the first, classes 1 and 2 are equally good and the best; in the second 5 is, before 0.
const SCORES: [[i16; 6]; 2] = [[5, 90, 90, -128, 0, -3], [126, -128, -128, 7, 8, 127]];

const LABELS: [u32; 2] = [1, 5];

/// A network whose output is its input.
fn scores() -> Graph {
    let spec = || TensorSpec { name: "t".into(), shape: Shape::new(1, 1, 6), dtype: DataType::I8 };
    let op = Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).collect() });
    let node = Node { source: "OP #0".into(), op, output: TensorId(1) };
    Graph::new(vec![spec(), spec()], vec![node], TensorId(0), TensorId(1)).unwrap()
}

fn forger(output: OutputForm, labels: &[u32]) -> Forger {
    forger_of(&SCORES.concat(), output, labels)
}

fn forger_of(input: &[i16], output: OutputForm, labels: &[u32]) -> Forger {
    let setting = Setting { weights: None, hidden_input: true, output };
    Forger::with_setting(scores(), 2, &setting, &Execution { input, labels, salts: &[] })
}

fn rank(labels: [u32; 2], k: u32) -> Forger {
    forger(OutputForm::Rank { labels: labels.to_vec(), k }, &[])
}

fn correct(labels: [u32; 2], k: u32, count: u32) -> Forger {
    forger(OutputForm::Correct { k, count }, &labels)
}

static RANK: LazyLock<Forger> = LazyLock::new(|| rank(LABELS, 1));
static CORRECT: LazyLock<Forger> = LazyLock::new(|| correct(LABELS, 1, 2));

/// The statement is true.
fn holds(forger: &Forger) {
    assert!(forger.holds(&forger.statement, &forger.witness));
    assert_eq!(forger.following(&forger.statement, forger.witness.clone()), (vec![], vec![]));
}

/// The statement is false: tuples are in none of these tables.
fn fails(forger: &Forger, tables: &[&str]) {
    assert!(!forger.holds(&forger.statement, &forger.witness));
    assert_eq!(forger.following(&forger.statement, forger.witness.clone()), (tables.to_vec(), vec![Broken::sum(forger)]));
}

#[test]
fn ranks_are_those_of_the_scores() {
    let count = RANK.relation().tables.iter().find(|table| table.len == 6 && !table.has_output()).unwrap().name.clone();
    // By image: the class with 0, 1, ... classes ahead.
    let order = [[1, 2, 0, 4, 5, 3], [5, 0, 4, 3, 1, 2]];
    for k in 1..=6 {
        for (place, (first, second)) in order[0].into_iter().zip(order[1]).enumerate() {
            let forger = rank([first, second], k);
            if place < k as usize { holds(&forger) } else { fails(&forger, &[&count]) }
        }
    }
    // One label alone.
    fails(&rank([1, 0], 1), &[&count]);
    fails(&rank([0, 5], 2), &[&count]);
}

#[test]
fn of_equal_scores_the_first_is_ahead() {
    holds(&rank([1, 5], 1));
    fails(&rank([2, 5], 1), &["count"]);
    holds(&rank([2, 5], 2));
    // Also among the last.
    holds(&rank([1, 1], 5));
    fails(&rank([1, 2], 5), &["count"]);
    fails(&correct([2, 5], 1, 2), &["zero"]);
    holds(&correct([2, 5], 1, 1));
}

#[test]
fn a_label_that_is_no_class_and_an_impossible_rank_are_refused() {
    let graph = scores();
    for (label, k) in [(6, 1), (u32::MAX, 1), (0, 0), (0, 7), (0, u32::MAX)] {
        let setting = |output| Setting { output, ..Setting::default() };
        let mut settings = vec![setting(OutputForm::Rank { labels: vec![1, label], k })];
        if label == 0 {
            settings.push(setting(OutputForm::Correct { k, count: 0 }));
        } else {
            settings.push(setting(OutputForm::AtLeast { class: label, value: -128 }));
        }
        for setting in settings {
            let error = Verifier::with_setting(graph.clone(), 2, &setting).err().unwrap();
            assert!(matches!(error, VerifyError::Relation(RelationError::Predicate { classes: 6, .. })), "{error}");
        }
        // In a proof about another.
        let mut statement = RANK.statement.clone();
        statement.output = OutputClaim::Rank { labels: vec![1, label], k };
        let file = RANK.prove(RANK.statement.clone(), RANK.witness.clone()).proof;
        let error = RANK.verify(&verinfer_verifier::Proof { statement, ..file }.encode()).unwrap_err();
        let label = label.max(1);
        assert_eq!(error, VerifyError::Relation(RelationError::Predicate { label, k, classes: 6 }));
    }
}

#[test]
fn a_count_that_is_off_by_one_is_rejected() {
    for (labels, count) in [(LABELS, 2u32), ([1, 0], 1), ([2, 0], 0)] {
        for claimed in [count + 1, count.wrapping_sub(1), count, 1000] {
            let forger = correct(labels, 1, claimed);
            if claimed == count { holds(&forger) } else { fails(&forger, &["zero"]) }
        }
    }
    // Within the first two all are.
    holds(&correct([2, 0], 2, 2));
    fails(&correct([2, 0], 2, 1), &["zero"]);
}

#[test]
fn a_score_is_at_least_what_it_is() {
    for (class, value) in [(0, 5), (3, -128), (5, -3), (4, 0)] {
        for least in [value - 1, value, value + 1] {
            if least < -128 {
                continue;
            }
            let forger = forger(OutputForm::AtLeast { class, value: least }, &[]);
            if SCORES.iter().all(|scores| scores[class as usize] >= least) { holds(&forger) } else { fails(&forger, &["range"]) }
        }
    }
    // The largest difference that there is: 127 is at least -128.
    holds(&forger_of(&[127; 12], OutputForm::AtLeast { class: 5, value: -128 }, &[]));
}

#[test]
fn a_bound_that_is_no_score_is_refused() {
    for value in [i16::MIN, -200, -129, 128, i16::MAX] {
        let setting = Setting { output: OutputForm::AtLeast { class: 0, value }, ..Setting::default() };
        let refused = RelationError::Score { value, first: -128, last: 127 };
        let error = Prover::showing_scales(RANK.graph.clone(), 2, &setting).err().unwrap();
        assert!(matches!(error, ProveError::Relation(error) if error == refused));
        let mut proof = RANK.prove(RANK.statement.clone(), RANK.witness.clone()).proof;
        proof.statement.output = OutputClaim::AtLeast { class: 0, value };
        assert_eq!(RANK.verify(&proof.encode()).unwrap_err(), VerifyError::Relation(refused));
    }
}

fn decided(predicate: Predicate, holds: [bool; 2]) -> Forger {
    forger(OutputForm::Decided { predicate, holds: holds.to_vec() }, &[])
}

const PAIRS: [[bool; 2]; 4] = [[false, false], [false, true], [true, false], [true, true]];

/// Every rank and bound around every score of both images, with each of the four pairs of bits: one pair is true.
#[test]
fn a_predicate_is_decided_as_the_scores_say() {
    // By class: how many classes are ahead of it in each image.
    let ahead = [[2, 1], [0, 4], [1, 5], [5, 3], [3, 2], [4, 0]];
    let ranks = (0..6).flat_map(|class| (1..=6).map(move |k| (Predicate::Top { class, k }, ahead[class as usize].map(|ahead| ahead < k))));
    let score = |class: u32| [0, 1].map(|image: usize| SCORES[image][class as usize]);
    let bounds = (0..6).flat_map(|class| {
        let around = score(class).into_iter().flat_map(|own| [own.saturating_sub(1), own, own + 1]);
        let around = around.filter(|value| (-128..128).contains(value));
        around.map(move |value| (Predicate::AtLeast { class, value }, score(class).map(|own| own >= value)))
    });
    for (predicate, truth) in ranks.chain(bounds) {
        for bits in PAIRS {
            let forger = decided(predicate, bits);
            assert_eq!(forger.holds(&forger.statement, &forger.witness), bits == truth, "{predicate}: {bits:?}");
        }
    }
    // The verifier says the same.
    for (predicate, truth, table) in [
        (Predicate::Top { class: 1, k: 1 }, [true, false], "within rank"),
        (Predicate::AtLeast { class: 0, value: 6 }, [false, true], "reached"),
    ] {
        for bits in PAIRS {
            let forger = decided(predicate, bits);
            if bits == truth { holds(&forger) } else { fails(&forger, &[table]) }
        }
    }
}

#[test]
fn the_extremes_of_scores_are_decided() {
    for (scores, value, truth) in [(127, -128, true), (127, 127, true), (-128, -128, true), (-128, 127, false), (-128, -127, false)] {
        for bit in [true, false] {
            let predicate = Predicate::AtLeast { class: 5, value };
            let forger = forger_of(&[scores; 12], OutputForm::Decided { predicate, holds: vec![bit; 2] }, &[]);
            if bit == truth { holds(&forger) } else { fails(&forger, &["reached"]) }
        }
    }
}

/// Messages for the true decision under every other one, and under another predicate of which the same bits are true.
#[test]
fn a_true_witness_proves_no_other_decision() {
    let genuine = decided(Predicate::Top { class: 1, k: 1 }, [true, false]);
    holds(&genuine);
    for (predicate, holds) in [
        (Predicate::Top { class: 1, k: 1 }, vec![true, true]),
        (Predicate::Top { class: 1, k: 1 }, vec![false, false]),
        (Predicate::Top { class: 1, k: 1 }, vec![false, true]),
        (Predicate::Top { class: 1, k: 2 }, vec![true, false]),
        (Predicate::Top { class: 2, k: 1 }, vec![true, false]),
    ] {
        let statement = Statement { output: OutputClaim::Decided { predicate, holds }, ..genuine.statement.clone() };
        let proved = genuine.prover.prove_statement(statement, genuine.witness.clone(), &|_| ());
        assert_eq!(genuine.verify(&proved.unwrap().proof.encode()).unwrap_err(), VerifyError::CombinedClaim);
    }
}

/// A prover changes the comparison, or what is read, so that the bit that it wants would follow.
#[test]
fn no_cell_turns_a_decision_around() {
    // It is first, the prover says; another class is.
    let forger = decided(Predicate::Top { class: 0, k: 1 }, [true, false]);
    let (ahead, score) = (forger.of_role(Role::Ahead), forger.of_role(Role::LabelScore));
    // The two classes that are ahead are said not to be.
    let edits = [(ahead, 0, 1, -1), (ahead, 0, 2, -1)];
    assert_eq!(forger.following(&forger.statement, forger.edited(&edits)), (vec!["ahead"], vec![Broken::sum(&forger)]));
    // The score of the class is said to be the best one.
    let (strays, broken) = forger.following(&forger.statement, forger.edited(&[(score, 0, 0, 85)]));
    assert!(strays.contains(&"scores") && broken == [Broken::sum(&forger)], "{strays:?}");
    // The row of another rank, or of another score, is counted.
    for (forger, table) in [(forger, "within rank"), (decided(Predicate::AtLeast { class: 0, value: 6 }, [true, true]), "reached")] {
        let correct = forger.of_role(Role::Correct);
        let (strays, broken) = forger.following(&forger.statement, forger.edited(&[(correct, 0, 0, 1)]));
        assert!(strays.contains(&table) && broken == [Broken::sum(&forger)], "{strays:?}");
    }
}

#[test]
fn decisions_about_no_class_rank_score_or_image_are_refused() {
    let graph = scores();
    let refusal = |predicate, holds: usize| {
        let output = OutputForm::Decided { predicate, holds: vec![true; holds] };
        Verifier::with_setting(graph.clone(), 2, &Setting { output, ..Setting::default() }).err().unwrap()
    };
    for (class, k) in [(6, 1), (u32::MAX, 1), (0, 0), (0, 7)] {
        let error = refusal(Predicate::Top { class, k }, 2);
        assert_eq!(error, VerifyError::Relation(RelationError::Predicate { label: class, k, classes: 6 }));
    }
    let error = refusal(Predicate::AtLeast { class: 6, value: 0 }, 2);
    assert_eq!(error, VerifyError::Relation(RelationError::Predicate { label: 6, k: 1, classes: 6 }));
    for value in [i16::MIN, -129, 128, i16::MAX] {
        let error = refusal(Predicate::AtLeast { class: 0, value }, 2);
        assert_eq!(error, VerifyError::Relation(RelationError::Score { value, first: -128, last: 127 }));
    }
    for found in [0, 1, 3] {
        let error = refusal(Predicate::Top { class: 0, k: 1 }, found);
        assert_eq!(error, VerifyError::Relation(RelationError::Labels { found, images: 2 }));
    }
}

#[test]
fn bits_of_comparisons_are_what_the_scores_say() {
    let [ahead, correct] = [Role::Ahead, Role::Correct].map(|role| CORRECT.of_role(role));
    let before = CORRECT.of_role(Role::Before);
    let edit = |column, pixel| (column, 0, pixel, 1 - 2 * CORRECT.get(column, 0, pixel));
    let rejected = |edits: &[_]| CORRECT.following(&CORRECT.statement, CORRECT.edited(edits));
    for pixel in [0, 1, 6, 11] {
        // The rank changes too, and with it whether it is small enough.
        let (strays, broken) = rejected(&[edit(ahead, pixel)]);
        assert!(strays.contains(&"ahead") && broken == [Broken::sum(&CORRECT)], "{strays:?}");
        let (strays, broken) = rejected(&[edit(before, pixel)]);
        assert!(strays.contains(&"positive") && broken == [Broken::sum(&CORRECT)], "{strays:?}");
    }
    assert_eq!(rejected(&[edit(correct, 1)]), (vec!["within rank", "zero"], vec![Broken::sum(&CORRECT)]));
    // Bits that are none: one more here and one less there.
    assert_eq!(rejected(&[(ahead, 0, 0, 1), (ahead, 0, 3, -1)]), (vec!["ahead"], vec![Broken::sum(&CORRECT)]));
}

#[test]
fn the_score_read_is_the_labels_own() {
    for forger in [&*RANK, &*CORRECT] {
        let (score, reads) = (forger.of_role(Role::LabelScore), forger.of_role(Role::Reads));
        // A better score, also one of another class or image.
        for change in [1, -1, 37, 36] {
            let (strays, broken) = forger.following(&forger.statement, forger.edited(&[(score, 0, 0, change)]));
            assert!(strays.contains(&"scores") && broken == [Broken::sum(forger)], "{strays:?}");
        }
        // The row of another class is counted.
        for (from, to) in [(1, 2), (1, 7), (11, 1), (1, 0)] {
            let witness = forger.edited(&[(reads, 0, from, -1), (reads, 0, to, 1)]);
            assert_eq!(forger.broken(forger.statement.clone(), witness), [Broken::sum(forger)]);
        }
        for change in [1, -1, 1 << 40] {
            assert_eq!(forger.broken(forger.statement.clone(), forger.edited(&[(reads, 0, 4, change)])), [Broken::sum(forger)]);
        }
        // The prover reads another row: its leaf is not what the cells say.
        let mut witness = forger.witness.clone();
        let (row, other) = (forger.cell(score, 0, 0), forger.cell(reads, 0, 2));
        let tuple = witness.tuples[&other].clone();
        witness.tuples.insert(row, tuple);
        for (pixel, count) in [(1, -1), (2, 1)] {
            witness.cells[forger.cell(reads, 0, pixel)] += verinfer_relation::field::from_signed(count);
        }
        assert_eq!(forger.broken(forger.statement.clone(), witness), [Broken::Leaves]);
    }
}

#[test]
fn a_hidden_label_is_a_class() {
    let [low, high] = [0, 1].map(|byte| CORRECT.of_role(Role::Label(byte)));
    let score = CORRECT.of_role(Role::LabelScore);
    // The second image's label would be read in a third image, or in the first; the first image's in the second.
    for (image, low_change, high_change) in [(1, 1, 0), (1, 0, 1), (0, 6, 0), (1, 0, 255), (0, 254, 0)] {
        let mut edits = vec![(low, 0, image, low_change), (high, 0, image, high_change)];
        if (image, low_change) == (0, 6) {
            // Class 7, which is class 1 of the second image.
            edits.push((score, 0, 0, i64::from(SCORES[1][1] - SCORES[0][1])));
        }
        let (strays, broken) = CORRECT.following(&CORRECT.statement, CORRECT.edited(&edits));
        assert!(strays.contains(&"positive"), "{strays:?}");
        assert_eq!(broken, [Broken::sum(&CORRECT), Broken::Committed(ObjectKind::Label(image))]);
    }
    let execution = |labels| Execution { input: &[0; 12], labels, salts: &[] };
    let prover = Prover::showing_scales(CORRECT.graph.clone(), 2, &CORRECT.relation().setting).unwrap();
    for labels in [&[0, 6][..], &[0], &[]] {
        let error = prover.prove_execution(&execution(labels), b"", 24, &|_| ()).err().unwrap();
        assert!(matches!(error, ProveError::Relation(RelationError::Predicate { .. } | RelationError::Labels { .. })), "{error}");
    }
}

#[test]
fn a_true_witness_proves_no_other_predicate() {
    // Messages for the true statement under another one: its relation has other constants.
    let forms = |output| Statement { output, ..RANK.statement.clone() };
    let [first, second] = LABELS;
    for output in [
        OutputClaim::Rank { labels: vec![second, first], k: 1 },
        OutputClaim::Rank { labels: vec![2, second], k: 1 },
        OutputClaim::Rank { labels: vec![first, second], k: 2 },
        OutputClaim::Rank { labels: vec![first, second], k: 6 },
    ] {
        let proved = RANK.prover.prove_statement(forms(output), RANK.witness.clone(), &|_| ());
        assert_eq!(RANK.verify(&proved.unwrap().proof.encode()).unwrap_err(), VerifyError::CombinedClaim);
    }
}

#[test]
fn scores_are_read_from_a_table_of_their_own() {
    // A table of cells has no rows that anybody else could look up.
    for forger in [&*RANK, &*CORRECT] {
        let tables: Vec<TableId> = (0..forger.relation().tables.len()).map(TableId).collect();
        let of_cells: Vec<_> = tables.into_iter().filter(|id| forger.relation().tables[id.0].len == 0).collect();
        assert_eq!(of_cells.len(), 1);
        let columns = forger.relation().columns.iter();
        let readers = columns.filter(|column| column.leaf.tuple().is_some_and(|(table, _)| table == of_cells[0]));
        assert_eq!(readers.map(|column| column.role).collect::<Vec<_>>(), [Role::Reads, Role::LabelScore]);
    }
}
