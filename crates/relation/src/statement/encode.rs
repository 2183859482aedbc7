//! Statement and proof as bytes.

use verinfer_graph::DataType;

use super::{InputClaim, MAGIC, ModelClaim, OutputClaim, Proof, PublicTensor, Statement, VERSION};
use crate::commitment::Commitment;
use crate::setting::Predicate;

impl Proof {
    /// The proof file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        self.statement.encode(&mut out);
        out.extend_from_slice(&(self.body.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.body);
        out
    }
}

impl Statement {
    /// Everything before the body but the first bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.security_level.to_le_bytes());
        out.extend_from_slice(&(self.context.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.context);
        out.extend_from_slice(&self.images.to_le_bytes());
        self.model.encode(out);
        self.input.encode(out);
        self.output.encode(out);
    }
}

/// What an input or an output is, if it is in the statement.
fn encode_shown(tensor: &PublicTensor, out: &mut Vec<u8>) {
    out.push(0);
    tensor.encode(out);
}

/// What stands for inputs or outputs that are not.
fn encode_hidden(commitments: &[Commitment], out: &mut Vec<u8>) {
    out.push(1);
    encode_commitments(commitments, out);
}

fn encode_commitments(commitments: &[Commitment], out: &mut Vec<u8>) {
    commitments.iter().for_each(|commitment| out.extend(commitment.to_bytes()));
}

impl ModelClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Public { digest } => {
                out.push(0);
                out.extend_from_slice(digest);
            }
            Self::Hidden { architecture, envelope, commitment } => {
                out.push(1);
                out.extend_from_slice(architecture);
                out.extend_from_slice(&envelope.to_bytes());
                out.extend(commitment.to_bytes());
            }
        }
    }
}

impl InputClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Shown(tensor) => encode_shown(tensor, out),
            Self::Hidden(commitments) => encode_hidden(commitments, out),
        }
    }
}

impl OutputClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Shown(tensor) => encode_shown(tensor, out),
            Self::Hidden(commitments) => encode_hidden(commitments, out),
            Self::Rank { labels, k } => {
                out.push(2);
                out.extend_from_slice(&k.to_le_bytes());
                labels.iter().for_each(|label| out.extend_from_slice(&label.to_le_bytes()));
            }
            Self::AtLeast { class, value } => {
                out.push(3);
                out.extend_from_slice(&class.to_le_bytes());
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Correct { labels, k, count } => {
                out.push(4);
                out.extend_from_slice(&k.to_le_bytes());
                out.extend_from_slice(&count.to_le_bytes());
                encode_commitments(labels, out);
            }
            Self::Decided { predicate, holds } => {
                out.push(5);
                predicate.encode(out);
                out.extend(holds.iter().copied().map(u8::from));
            }
        }
    }
}

impl Predicate {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Top { class, k } => {
                out.push(0);
                out.extend_from_slice(&class.to_le_bytes());
                out.extend_from_slice(&k.to_le_bytes());
            }
            Self::AtLeast { class, value } => {
                out.push(1);
                out.extend_from_slice(&class.to_le_bytes());
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
    }
}

impl PublicTensor {
    fn encode(&self, out: &mut Vec<u8>) {
        for side in [self.shape.height, self.shape.width, self.shape.channels] {
            out.extend_from_slice(&(side as u32).to_le_bytes());
        }
        out.push(match self.dtype {
            DataType::U8 => 0,
            DataType::I8 => 1,
        });
        out.extend(self.values.iter().map(|&value| (value & 0xff) as u8));
    }
}
