//! The fields of a proof file before its messages (`verinfer_relation::statement`).

use verinfer_relation::commitment::{COMMITMENT_BYTES, Commitment};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, PublicTensor, Statement};

use super::Field;

/// Name of the field that holds the length of all messages.
pub const BODY_LENGTH: &str = "body length";

/// The fields of the header, without gap from the file's first byte on.
pub fn fields(statement: &Statement) -> Vec<Field> {
    let mut header = Header { fields: Vec::new() };
    for (name, len) in [
        ("magic", 8),
        ("version", 2),
        ("level", 2),
        ("context length", 4),
        ("context", statement.context.len()),
        ("images", 4),
        ("model form", 1),
    ] {
        header.push(name, len);
    }
    match &statement.model {
        ModelClaim::Public { .. } => header.push("network digest", 32),
        ModelClaim::Hidden { .. } => {
            header.push("architecture digest", 32);
            header.push("envelope", Envelope::BYTES);
            header.elements("model commitment", COMMITMENT_BYTES);
        }
    }
    header.push("input form", 1);
    match &statement.input {
        InputClaim::Shown(tensor) => header.tensor(["input shape", "input type", "input"], tensor),
        InputClaim::Hidden(commitments) => header.commitments("input commitment", commitments),
    }
    header.push("output form", 1);
    match &statement.output {
        OutputClaim::Shown(tensor) => header.tensor(["output shape", "output type", "output"], tensor),
        OutputClaim::Hidden(commitments) => header.commitments("output commitment", commitments),
        OutputClaim::Rank { labels, .. } => {
            header.push("rank", 4);
            labels.iter().for_each(|_| header.push("label", 4));
        }
        OutputClaim::AtLeast { .. } => {
            header.push("class", 4);
            header.push("score", 2);
        }
        OutputClaim::Decided { predicate, holds } => {
            header.push("predicate", 1);
            header.push("class", 4);
            match predicate {
                Predicate::Top { .. } => header.push("rank", 4),
                Predicate::AtLeast { .. } => header.push("score", 2),
            }
            holds.iter().for_each(|_| header.push("decision", 1));
        }
        OutputClaim::Correct { labels, .. } => {
            header.push("rank", 4);
            header.push("count", 4);
            header.commitments("label commitment", labels);
        }
    }
    header.push(BODY_LENGTH, 4);
    header.fields
}

struct Header {
    fields: Vec<Field>,
}

impl Header {
    fn push(&mut self, name: &'static str, len: usize) {
        let start = self.fields.last().map_or(0, |field| field.range.end);
        self.fields.push(Field { name, range: start..start + len, elements: false });
    }

    fn elements(&mut self, name: &'static str, len: usize) {
        self.push(name, len);
        self.fields.iter_mut().next_back().into_iter().for_each(|field| field.elements = true);
    }

    fn commitments(&mut self, name: &'static str, commitments: &[Commitment]) {
        commitments.iter().for_each(|_| self.elements(name, COMMITMENT_BYTES));
    }

    fn tensor(&mut self, [shape, dtype, values]: [&'static str; 3], tensor: &PublicTensor) {
        self.push(shape, 12);
        self.push(dtype, 1);
        self.push(values, tensor.values.len());
    }
}
