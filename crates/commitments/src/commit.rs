//! The commitments themselves: the bytes of a value in the order in which a proof binds them.

use verinfer_graph::{DataType, Graph, Node, Op, Shape, TensorId, TensorSpec};
use verinfer_relation::commitment::{Commitment, CommitmentError, commit};
use verinfer_relation::envelope::{Envelope, check_public};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::learned::Learned;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::{Relation, RelationError};

use crate::error::CommitError;
use crate::public::{Committed, Public};
use crate::salt::Salt;

/// Commits to what `graph` has learned.
///
/// # Errors
///
/// What is public would show something learned, a value does not fit the bytes that hidden ones have, there are none or too many, or the architecture is too large for a file.
pub fn commit_model(graph: &Graph, salt: &Salt) -> Result<Public, CommitError> {
    check_public(graph)?;
    // As everybody will read it.
    let architecture = Box::new(Graph::decode_architecture(&graph.encode_architecture())?);
    let envelope = Envelope::of(graph)?;
    let relation = Relation::with_setting(graph, 1, &Setting { weights: Some(envelope), ..Setting::default() })?;
    let learned = Learned::new(graph, &relation)?;
    let mut columns = vec![&[][..]; relation.columns.len()];
    for (column, values) in &learned.columns {
        columns.get_mut(column.0).into_iter().for_each(|slot| *slot = values);
    }
    let bytes = object_bytes(&relation, ObjectKind::Model, |column, channel, pixel| {
        let pixels = relation.columns.get(column.0)?.pixels;
        columns.get(column.0)?.get(channel.checked_mul(pixels)?.checked_add(pixel)?).copied()
    })?;
    let commitment = bound(&relation, ObjectKind::Model, &bytes, salt)?;
    Ok(Public { committed: Committed::Model { architecture, envelope }, commitment })
}

/// Commits to one input: `values` in NHWC order.
///
/// # Errors
///
/// The values are not those of such a tensor, or there are too many.
pub fn commit_input(shape: Shape, dtype: DataType, values: &[i16], salt: &Salt) -> Result<Public, CommitError> {
    let setting = Setting { hidden_input: true, ..Setting::default() };
    let commitment = tensor(shape, dtype, values, &setting, ObjectKind::Input(0), salt)?;
    Ok(Public { committed: Committed::Input { shape, dtype }, commitment })
}

/// Commits to one output: `values` in NHWC order.
///
/// # Errors
///
/// As [`commit_input`].
pub fn commit_output(shape: Shape, dtype: DataType, values: &[i16], salt: &Salt) -> Result<Public, CommitError> {
    let setting = Setting { output: OutputForm::Committed, ..Setting::default() };
    let commitment = tensor(shape, dtype, values, &setting, ObjectKind::Output(0), salt)?;
    Ok(Public { committed: Committed::Output { shape, dtype }, commitment })
}

/// Commits to a class, as two bytes, the lower first.
///
/// # Errors
///
/// The class has more than two bytes.
pub fn commit_label(label: u32, salt: &Salt) -> Result<Public, CommitError> {
    let bytes = u16::try_from(label).map_err(|_| CommitError::Label { label })?.to_le_bytes().map(i16::from);
    let spec = TensorSpec { name: String::new(), shape: Shape::new(1, 1, 1), dtype: DataType::U8 };
    let setting = Setting { output: OutputForm::Correct { k: 1, count: 1 }, ..Setting::default() };
    let relation = Relation::with_setting(&nothing(&spec)?, 1, &setting)?;
    let commitment = bound(&relation, ObjectKind::Label(0), &bytes, salt)?;
    Ok(Public { committed: Committed::Label, commitment })
}

/// The commitment to a tensor. It does not depend on the network: here it is that of one which does nothing.
fn tensor(
    shape: Shape,
    dtype: DataType,
    values: &[i16],
    setting: &Setting,
    kind: ObjectKind,
    salt: &Salt,
) -> Result<Commitment, CommitError> {
    let len = [shape.height, shape.width, shape.channels].into_iter().try_fold(1_usize, usize::checked_mul);
    if len != Some(values.len()) {
        return Err(CommitError::Length { found: values.len(), shape });
    }
    let (min, max) = (dtype.min(), dtype.max());
    if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !(min..=max).contains(*value)) {
        return Err(CommitError::Value { index, value, min, max });
    }
    let relation = Relation::with_setting(&nothing(&TensorSpec { name: String::new(), shape, dtype })?, 1, setting)?;
    let bytes = object_bytes(&relation, kind, |_, channel, pixel| {
        values.get(pixel.checked_mul(shape.channels)?.checked_add(channel)?)?.checked_sub(min)
    })?;
    bound(&relation, kind, &bytes, salt)
}

/// A network whose output is its input.
fn nothing(spec: &TensorSpec) -> Result<Graph, CommitError> {
    let node = Node { source: "RESHAPE #0".to_owned(), op: Op::Reshape { input: TensorId(0) }, output: TensorId(1) };
    Ok(Graph::new(vec![spec.clone(), spec.clone()], vec![node], TensorId(0), TensorId(1))?)
}

/// The commitment to the bytes of an object of a relation.
fn bound(relation: &Relation, kind: ObjectKind, bytes: &[i16], salt: &Salt) -> Result<Commitment, CommitError> {
    let object = relation.object(kind).ok_or(RelationError::Commitment(CommitmentError::Nothing))?;
    let (root, _) = commit(bytes, salt)?;
    Ok(root.bound_to(&object.tag))
}

/// The bytes of an object of a relation from `value` by column, channel and pixel.
fn object_bytes(
    relation: &Relation,
    kind: ObjectKind,
    value: impl Fn(ColumnId, usize, usize) -> Option<i16>,
) -> Result<Vec<i16>, CommitError> {
    // A network without anything learned has no such object.
    let object = relation.object(kind).ok_or(RelationError::Commitment(CommitmentError::Nothing))?;
    Ok(relation.bytes(object, |column, channel, pixel| value(column, channel, pixel).unwrap_or(0)))
}
