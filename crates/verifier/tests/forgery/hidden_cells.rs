//! A prover that runs the argument on a false witness of which much is hidden: what [`crate::cells`] does, for every kind of column.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use verinfer_prover::Witness;
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{Leaf, Role, Source};

use crate::forger::Forger;
use crate::hidden::{AT_LEAST, CORRECT, IMAGES, RANK, forgers};
use crate::unmasked::Broken;

/// Columns whose cells a true witness determines, up to the choice of a sign.
fn determined(forger: &Forger) -> Vec<(ColumnId, Role, usize, usize)> {
    let columns = forger.relation().columns.iter().enumerate();
    let columns = columns.filter(|(index, column)| match &column.leaf {
        Leaf::Free => column.role == Role::Sign,
        Leaf::Spare | Leaf::Multiplicity(_) => false,
        Leaf::Row { .. } => true,
        Leaf::Lookup { values, .. } => values.iter().flat_map(|form| &form.terms).any(|term| term.source == Source::Cell(ColumnId(*index))),
    });
    columns.map(|(index, column)| (ColumnId(index), column.role, column.channels, column.pixels)).collect()
}

/// Whether the leaves are the true ones or follow the cells.
fn rejected(forger: &Forger, witness: Witness, what: &str) {
    assert_ne!(forger.broken(forger.statement.clone(), witness.clone()), [], "{what}");
    assert_ne!(forger.following(&forger.statement, witness).1, [], "{what}, followed");
}

#[test]
fn one_wrong_cell_of_any_column_is_rejected() {
    let mut roles = BTreeSet::new();
    for (setting, forger) in forgers() {
        for (column, role, channels, pixels) in determined(forger) {
            // What the settings have in common is looked at once.
            if role != Role::Output && !roles.insert(format!("{role:?}")) {
                continue;
            }
            let at = (channels / 2, pixels / 2);
            let change = if forger.get(column, at.0, at.1) == 127 { -1 } else { 1 };
            if role == Role::Reads {
                // Following the cells would count it anew.
                let witness = forger.edited(&[(column, at.0, at.1, change)]);
                assert_eq!(forger.broken(forger.statement.clone(), witness), [Broken::sum(forger)]);
                continue;
            }
            rejected(forger, forger.edited(&[(column, at.0, at.1, change)]), &format!("{role:?} of {setting}"));
        }
    }
    let names: BTreeSet<String> = roles.iter().map(|role| role.split('(').next().unwrap_or_default().to_owned()).collect();
    let hidden = ["Weights", "Multiplier", "Constant", "SignFactor", "Addends", "Input", "CommittedInput", "CommittedOutput", "Label"];
    for role in hidden.into_iter().chain([
        "Reads",
        "LabelScore",
        "Before",
        "Ahead",
        "Correct",
        "Salt",
        "Limb",
        "Sign",
        "Copy",
        "Running",
        "Square",
        "Addend",
    ]) {
        assert!(names.contains(role), "no network has {role}");
    }
}

#[test]
fn cells_of_columns_whose_tuples_do_not_have_them_are_free() {
    for (forger, role) in [(&*CORRECT, Role::Count), (&*RANK, Role::Correct), (&*AT_LEAST, Role::Correct)] {
        let witness = forger.edited(&[(forger.of_role(role), 0, 0, 1)]);
        assert_eq!(forger.following(&forger.statement, witness), (vec![], vec![]));
    }
}

#[test]
fn cells_of_two_images_cannot_be_exchanged() {
    for (setting, forger) in forgers() {
        for (column, role, channels, pixels) in determined(forger) {
            let exchanged = [
                Role::Input,
                Role::CommittedInput,
                Role::CommittedOutput,
                Role::Label(0),
                Role::LabelScore,
                Role::Ahead,
                Role::Before,
                Role::Reads,
            ];
            if !exchanged.contains(&role) {
                continue;
            }
            let mut witness = forger.witness.clone();
            let len = pixels / IMAGES;
            for channel in 0..channels {
                for pixel in 0..len {
                    let [first, second] = [pixel, len + pixel].map(|pixel| forger.cell(column, channel, pixel));
                    witness.cells.swap(first, second);
                }
            }
            if witness.cells == forger.witness.cells {
                continue;
            }
            if role == Role::Reads {
                assert_eq!(forger.broken(forger.statement.clone(), witness), [Broken::sum(forger)]);
            } else {
                rejected(forger, witness, &format!("{role:?} of {setting}"));
            }
        }
    }
}

#[test]
fn a_changed_multiplicity_is_rejected() {
    for (_, forger) in forgers() {
        let columns = forger.relation().columns.iter().enumerate();
        for (index, column) in columns.filter(|(_, column)| matches!(column.leaf, Leaf::Multiplicity(_)) && column.pixels > 0) {
            let mut witness = forger.witness.clone();
            witness.cells[forger.cell(ColumnId(index), 0, column.pixels / 2)] += F::ONE;
            assert_eq!(forger.broken(forger.statement.clone(), witness), [Broken::sum(forger)]);
        }
    }
}

#[test]
fn the_checker_names_what_is_learned_though_it_belongs_to_no_image() {
    // A column of one pixel in a batch of two.
    let forger = &*crate::hidden::HIDDEN;
    let columns = forger.relation().columns.iter().enumerate();
    for (index, _) in columns.filter(|(_, column)| matches!(column.role, Role::Multiplier(0) | Role::Weights | Role::WeightZeroPoint)) {
        assert!(!forger.holds(&forger.statement, &forger.edited(&[(ColumnId(index), 0, 0, 1 << 20)])));
    }
}
