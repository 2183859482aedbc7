//! A customer's test set: examples with the openings of their commitments, kept one by one.

use verinfer_commitments::draw_salt;
use verinfer_graph::{DataType, Shape};
use verinfer_items::{Example, Label, OpenedInput};
use verinfer_protocols::accuracy::Evidence;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::member::{LabelSalt, OpenedLabel};
use verinfer_protocols::merkle::{Path, Tree};

use crate::error::PartyError;
use crate::model::ModelError;
use crate::random::random_bytes;
use crate::store::{Store, numbered};
use crate::transfer::check_size;

const EXAMPLES: &str = "examples";

/// Commits to examples and keeps them; what has been kept is not made anew. Gives the tree over them.
///
/// # Errors
///
/// An example cannot be committed to or kept, or there are more than can be handed over.
pub fn commit(store: &Store, input: (Shape, DataType), evidence: Evidence, examples: &[(Vec<i16>, u32)]) -> Result<Tree, PartyError> {
    for (index, (values, class)) in (0..).zip(examples) {
        store.once(EXAMPLES, &numbered(index), || commit_example(input, evidence, values, *class))?;
    }
    let tree = tree(store)?;
    check_size(tree.root().len, item(store, &tree, 0)?.len())?;
    Ok(tree)
}

/// The tree over the examples.
///
/// # Errors
///
/// There are none, or they cannot be read.
pub fn tree(store: &Store) -> Result<Tree, PartyError> {
    let entries = store.list::<(Example, Digest)>(EXAMPLES).map(|example| example.map(|(_, (_, entry))| entry));
    Ok(Tree::new(&entries.collect::<Result<Vec<_>, _>>()?)?)
}

/// An example as it is handed over.
///
/// # Errors
///
/// There is no such example.
pub fn item(store: &Store, tree: &Tree, index: u32) -> Result<Vec<u8>, PartyError> {
    let lost = || PartyError::Plan(format!("the test set has no example {index}"));
    let (mut example, _) = store.get::<(Example, Digest)>(EXAMPLES, &numbered(index))?.ok_or_else(lost)?;
    example.path = tree.path(index).ok_or_else(lost)?;
    Ok(example.encode())
}

fn commit_example(
    (shape, dtype): (Shape, DataType),
    evidence: Evidence,
    values: &[i16],
    class: u32,
) -> Result<(Example, Digest), PartyError> {
    let salt = || draw_salt().map_err(ModelError::from);
    let input = OpenedInput::new(shape, dtype, values, &salt()?).ok_or_else(|| PartyError::Plan("an input is out of range".to_owned()))?;
    let label = match evidence {
        Evidence::Outputs => Label::Opened(OpenedLabel { class, salt: LabelSalt(random_bytes()?) }),
        Evidence::Count => Label::Committed { class, salt: salt()?.to_vec() },
    };
    let example = Example { input, label, path: Path(Vec::new()) };
    let entry = example.entry()?;
    Ok((example, entry))
}
