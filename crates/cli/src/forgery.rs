//! Proof files that should not be accepted, made from one that is.

use std::ops::Range;

use p3_field::PrimeField64;
use verinfer_relation::field::F;
use verinfer_relation::statement::Statement;
use verinfer_relation::steps;
use verinfer_relation::transcript::Message;

use header::BODY_LENGTH;

mod header;

/// A part of a proof file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name of the header field, or label of the message.
    pub name: &'static str,
    /// Its bytes.
    pub range: Range<usize>,
    /// Whether its bytes are field elements, eight for each coordinate.
    pub elements: bool,
}

/// One way to change a proof file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// One bit is flipped.
    FlipBit {
        /// The byte.
        at: usize,
        /// 0 to 7.
        bit: u32,
    },
    /// All bytes become zero.
    Zero(Range<usize>),
    /// Bytes from here on become others.
    Overwrite(usize, Vec<u8>),
    /// Two parts of the same length change places.
    Swap(Range<usize>, Range<usize>),
    /// A part is left out, and the body's length says so.
    Remove(Range<usize>),
    /// A part comes twice, and the body's length says so.
    Repeat(Range<usize>),
    /// A coordinate is written as itself plus the field's order where that fits, or else as the order: no value has such an encoding.
    NotCanonical(usize),
    /// The file ends early.
    Truncate(usize),
    /// Bytes follow the file.
    Append(usize),
    /// Bytes follow the last message, and the body's length says so.
    AppendToBody(usize),
}

/// What the verifier is told to expect of a forged proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// What the genuine proof was made for.
    Unchanged,
    /// Another context; the file may or may not say it too.
    OtherContext,
    /// A level one bit lower; the file may or may not say it too.
    LowerLevel,
}

/// A file that should not be accepted: changes of the genuine proof, and what is demanded of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgery {
    /// Part of the file changed.
    pub target: &'static str,
    /// In order; offsets are those of the genuine file, so only the last may move bytes.
    pub changes: Vec<Change>,
    /// Demanded by the verifier.
    pub demand: Demand,
}

impl Change {
    /// What is done, for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FlipBit { .. } => "bit flip",
            Self::Zero(_) => "zero",
            Self::Overwrite(..) => "other value",
            Self::Swap(..) => "swap",
            Self::Remove(_) => "removal",
            Self::Repeat(_) => "repetition",
            Self::NotCanonical(_) => "non-canonical",
            Self::Truncate(_) => "truncation",
            Self::Append(_) | Self::AppendToBody(_) => "extension",
        }
    }
}

/// The fields of an accepted proof file: its header, then its messages.
pub fn fields(statement: &Statement, messages: &[Message]) -> Vec<Field> {
    let mut fields = header::fields(statement);
    let start = fields.last().map_or(0, |field| field.range.end);
    fields.extend(messages.iter().map(|message| {
        let start = start + message.offset;
        Field { name: message.label, range: start..start + message.len, elements: is_elements(message.label) }
    }));
    fields
}

/// Every forgery of a proof file; of the messages with the same label at most `per_step`, evenly spread, are changed.
pub fn forgeries(proof: &[u8], fields: &[Field], per_step: usize) -> Vec<Forgery> {
    let chosen = choose(fields, per_step);
    let mut forgeries = Vec::new();
    for &index in &chosen {
        let field = &fields[index];
        // Neighbours of the same length: the next of the same name, or else the next at all.
        let rest = &fields[index + 1..];
        let same_len = || rest.iter().filter(|other| other.range.len() == field.range.len());
        let neighbour = same_len().find(|other| other.name == field.name).or_else(|| same_len().next());
        let changes = of_field(field, index, neighbour);
        forgeries.extend(changes.into_iter().map(|change| forgery(field.name, vec![change])));
    }
    forgeries.extend(of_statement(proof, fields));
    let ends = chosen.iter().map(|&index| &fields[index]).flat_map(|field| [field.range.start, field.range.end - 1]);
    forgeries.extend(ends.chain([proof.len() - 1]).map(|len| forgery("file", vec![Change::Truncate(len)])));
    for len in [1, 8, 24, 32, 1000] {
        forgeries.push(forgery("file", vec![Change::Append(len)]));
        forgeries.push(forgery("body", vec![Change::AppendToBody(len)]));
    }
    forgeries
}

/// The forged file; `None` if the changes leave it as it was and demand nothing else.
pub fn forge(proof: &[u8], fields: &[Field], forgery: &Forgery) -> Option<Vec<u8>> {
    let mut bytes = proof.to_vec();
    for change in &forgery.changes {
        apply(&mut bytes, fields, change);
    }
    (bytes != proof || forgery.demand != Demand::Unchanged).then_some(bytes)
}

fn forgery(target: &'static str, changes: Vec<Change>) -> Forgery {
    Forgery { target, changes, demand: Demand::Unchanged }
}

/// Labels whose bytes are digests or nonces; all others are field elements.
fn is_elements(label: &str) -> bool {
    ![steps::COMMITMENT, steps::FOLDED_COMMITMENT, steps::GRINDING, steps::SIBLING].contains(&label)
}

/// Indices of at most `per_step` non-empty fields of each name, the first and the last among them.
fn choose(fields: &[Field], per_step: usize) -> Vec<usize> {
    let mut names: Vec<&'static str> = Vec::new();
    for field in fields {
        if !names.contains(&field.name) {
            names.push(field.name);
        }
    }
    let mut chosen = Vec::new();
    for name in names {
        let named = fields.iter().enumerate().filter(|(_, field)| field.name == name && !field.range.is_empty());
        let all: Vec<usize> = named.map(|(index, _)| index).collect();
        if all.len() <= per_step {
            chosen.extend(all);
        } else {
            chosen.extend((0..per_step).map(|i| all[i * (all.len() - 1) / (per_step - 1).max(1)]));
        }
    }
    chosen
}

fn of_field(field: &Field, index: usize, neighbour: Option<&Field>) -> Vec<Change> {
    let range = || field.range.clone();
    // Some byte and bit, another for each field.
    let spread = index.wrapping_mul(7919);
    let flip = |at: usize, bit: usize| Change::FlipBit { at, bit: (bit % 8) as u32 };
    let mut changes = vec![
        flip(field.range.start, spread),
        flip(field.range.start + spread % field.range.len(), spread / 8),
        flip(field.range.end - 1, 7),
        Change::Zero(range()),
        Change::Remove(range()),
        Change::Repeat(range()),
    ];
    changes.extend(neighbour.map(|other| Change::Swap(range(), other.range.clone())));
    if field.elements {
        let coordinates = field.range.len() / 8;
        changes.extend([0, spread % coordinates, coordinates - 1].map(|i| Change::NotCanonical(field.range.start + 8 * i)));
    }
    changes.dedup();
    changes
}

/// Forgeries in which the file says what is demanded although it was not proved, and the genuine file where something else is demanded.
fn of_statement(proof: &[u8], fields: &[Field]) -> Vec<Forgery> {
    let demand = |target, changes, demand| Forgery { target, changes, demand };
    let mut forgeries = vec![demand("context", Vec::new(), Demand::OtherContext)];
    for Field { name, range, .. } in fields {
        if *name == "context" && !range.is_empty() {
            forgeries.push(demand(name, vec![Change::FlipBit { at: range.start, bit: 0 }], Demand::OtherContext));
        }
        if let ("level", &[low, high]) = (*name, &proof[range.clone()]) {
            let lower = u16::from_le_bytes([low, high]).saturating_sub(1);
            forgeries.push(demand(name, vec![Change::Overwrite(range.start, lower.to_le_bytes().to_vec())], Demand::LowerLevel));
        }
    }
    forgeries
}

fn apply(bytes: &mut Vec<u8>, fields: &[Field], change: &Change) {
    match change {
        Change::FlipBit { at, bit } => bytes[*at] ^= 1 << bit,
        Change::Zero(range) => bytes[range.clone()].fill(0),
        Change::Overwrite(at, value) => bytes[*at..][..value.len()].copy_from_slice(value),
        Change::Swap(first, second) => {
            let held = bytes[first.clone()].to_vec();
            bytes.copy_within(second.clone(), first.start);
            bytes[second.clone()].copy_from_slice(&held);
        }
        Change::Remove(range) => {
            bytes.drain(range.clone());
            adjust_body_length(bytes, fields, range.start, -(range.len() as i64));
        }
        Change::Repeat(range) => {
            let copy = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, copy);
            adjust_body_length(bytes, fields, range.start, range.len() as i64);
        }
        Change::NotCanonical(at) => {
            let (head, _) = bytes[*at..].split_at_mut(8);
            let mut value = [0; 8];
            value.copy_from_slice(head);
            let value = u64::from_le_bytes(value).checked_add(F::ORDER_U64).unwrap_or(F::ORDER_U64);
            head.copy_from_slice(&value.to_le_bytes());
        }
        Change::Truncate(len) => bytes.truncate(*len),
        Change::Append(len) => bytes.extend(std::iter::repeat_n(0, *len)),
        Change::AppendToBody(len) => {
            let end = bytes.len();
            bytes.extend(std::iter::repeat_n(0, *len));
            adjust_body_length(bytes, fields, end, *len as i64);
        }
    }
}

/// Adds to the body's length, if what changed at `at` belongs to the body.
fn adjust_body_length(bytes: &mut [u8], fields: &[Field], at: usize, by: i64) {
    let Some(field) = fields.iter().find(|field| field.name == BODY_LENGTH) else { return };
    if at >= field.range.end {
        let mut length = [0; 4];
        length.copy_from_slice(&bytes[field.range.clone()]);
        let length = (i64::from(u32::from_le_bytes(length)) + by) as u32;
        bytes[field.range.clone()].copy_from_slice(&length.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use verinfer_graph::{DataType, Shape};
    use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, PublicTensor};

    use super::*;

    fn field(fields: &[Field], name: &str) -> Range<usize> {
        fields.iter().find(|field| field.name == name).unwrap().range.clone()
    }

    fn sample() -> (Vec<u8>, Vec<Field>) {
        let message = |label, offset, len| Message { label, offset, len };
        let messages = [message(steps::COMMITMENT, 0, 32), message(steps::SACRIFICE, 32, 24), message(steps::SACRIFICE, 56, 24)];
        let tensor = |len| PublicTensor { shape: Shape::new(1, 1, len), dtype: DataType::U8, values: vec![0; len] };
        let statement = Statement {
            security_level: 128,
            context: vec![0; 3],
            images: 1,
            model: ModelClaim::Public { digest: [0; 32] },
            input: InputClaim::Shown(tensor(4)),
            output: OutputClaim::Shown(tensor(5)),
        };
        let fields = fields(&statement, &messages);
        let mut bytes: Vec<u8> = (1..=255).cycle().take(fields.last().unwrap().range.end).collect();
        let length = field(&fields, BODY_LENGTH);
        bytes[length].copy_from_slice(&80u32.to_le_bytes());
        (bytes, fields)
    }

    fn changed(change: Change) -> Vec<u8> {
        let (bytes, fields) = sample();
        forge(&bytes, &fields, &forgery("test", vec![change])).unwrap()
    }

    #[test]
    fn fields_follow_each_other_without_gap() {
        let (bytes, fields) = sample();
        assert!(fields.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
        assert_eq!(fields.last().unwrap().range.end, bytes.len());
    }

    #[test]
    fn body_length_follows_what_is_removed_and_repeated() {
        let (bytes, fields) = sample();
        let length = field(&fields, BODY_LENGTH);
        let last = fields.last().unwrap().range.clone();
        let read = |bytes: &[u8]| u32::from_le_bytes(bytes[length.clone()].try_into().unwrap());
        let removed = changed(Change::Remove(last.clone()));
        assert_eq!((removed.len(), read(&removed)), (bytes.len() - 24, 56));
        let repeated = changed(Change::Repeat(last));
        assert_eq!((repeated.len(), read(&repeated)), (bytes.len() + 24, 104));
        let context = changed(Change::Remove(field(&fields, "context")));
        assert_eq!((context.len(), context[length.start - 3..][..4].to_vec()), (bytes.len() - 3, 80u32.to_le_bytes().to_vec()));
    }

    #[test]
    fn swapped_parts_change_places() {
        let (bytes, fields) = sample();
        let [.., first, second] = fields.as_slice() else { panic!() };
        let (first, second) = (first.range.clone(), second.range.clone());
        let swapped = changed(Change::Swap(first.clone(), second.clone()));
        assert_eq!(swapped[first.clone()], bytes[second.clone()]);
        assert_eq!(swapped[second], bytes[first]);
    }

    #[test]
    fn forgeries_that_change_nothing_are_left_out() {
        let (bytes, fields) = sample();
        let mut zeroed = bytes.clone();
        let context = field(&fields, "context");
        zeroed[context.clone()].fill(0);
        assert_eq!(forge(&zeroed, &fields, &forgery("context", vec![Change::Zero(context)])), None);
    }

    #[test]
    fn every_field_is_a_target() {
        let (bytes, fields) = sample();
        let forgeries = forgeries(&bytes, &fields, 1);
        assert!(fields.iter().all(|field| forgeries.iter().any(|forgery| forgery.target == field.name)));
    }
}
