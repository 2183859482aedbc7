//! A hiding commitment to a vector of byte cells, whose check inside a proof is one linear functional of cells.
//!
//! An Ajtai hash over `R = F[X] / (X^128 + 1)` in one or two levels, with a salt. What it hides, what it binds and under which assumption is in
//! docs/commitments.md. A commitment is made once ([`commit`]) and then appears in any number of proofs: the committed bytes, the digests of
//! blocks and the salt are cells, and [`Check`] is the claim that they belong to the commitment.

mod check;
mod key;
mod ring;
mod security;

pub use check::{Bases, Check, Weights};
pub use ring::DEGREE;
pub use security::{Security, hiding_bits, security, security_bits};

use std::array;

use p3_field::PrimeCharacteristicRing;

use crate::field::{F, F_BYTES, decode_base, encode_base};
use key::Level;

/// Columns (ring elements) of a block: the cells that one digest of level 1 covers.
pub const BLOCK_COLUMNS: usize = 512;

/// Cells of a block.
pub const BLOCK_CELLS: usize = BLOCK_COLUMNS * DEGREE;

/// Byte cells of a block's digest: 128 elements of `F`, eight little-endian bytes each.
pub const DIGEST_CELLS: usize = DEGREE * F_BYTES;

/// Columns of a block's digest.
const DIGEST_COLUMNS: usize = DIGEST_CELLS / DEGREE;

/// Columns of the salt.
pub const SALT_COLUMNS: usize = 10;

/// Byte cells of the salt.
pub const SALT_CELLS: usize = SALT_COLUMNS * DEGREE;

/// Most blocks: level 2 has no more columns than level 1, which is what the security estimate is made for.
pub const MAX_BLOCKS: usize = BLOCK_COLUMNS / DIGEST_COLUMNS;

/// Most values of a commitment.
const MAX_CELLS: usize = MAX_BLOCKS * BLOCK_CELLS;

/// Bytes of an encoded commitment.
pub const COMMITMENT_BYTES: usize = DEGREE * F_BYTES;

/// What a commitment is to: a digest of kind, shape, type and architecture. Openings under different tags differ by a random point.
pub type Tag = [u8; 32];

/// Why there is no commitment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitmentError {
    /// There is nothing.
    #[error("there is nothing to commit to: the network has no weights, biases or other learned constants (hide its input alone)")]
    Nothing,
    /// More than two levels hold.
    #[error("{cells} cells cannot be committed: at most {MAX_CELLS} can")]
    Length {
        /// Cells asked for.
        cells: usize,
    },
    /// A value that is no byte.
    #[error("cell {cell} is {value}: the values of a commitment are in 0..=255")]
    Range {
        /// Index of the value.
        cell: usize,
        /// The value.
        value: i16,
    },
    /// An encoded commitment of another length.
    #[error("a commitment has {COMMITMENT_BYTES} bytes, not {len}")]
    Bytes {
        /// Bytes there are.
        len: usize,
    },
    /// A coordinate that is not below the field's order: each commitment has one encoding.
    #[error("coordinate {coordinate} of the commitment is not a canonical field element")]
    NotCanonical {
        /// Index in `0..128`.
        coordinate: usize,
    },
}

/// Numbers of cells of a commitment, a function of the number of committed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    len: usize,
}

impl Plan {
    /// The plan for `len` values, `1..=MAX_CELLS`.
    pub fn new(len: usize) -> Result<Self, CommitmentError> {
        match len {
            0 => Err(CommitmentError::Nothing),
            1..=MAX_CELLS => Ok(Self { len }),
            _ => Err(CommitmentError::Length { cells: len }),
        }
    }

    /// Committed values, a cell each.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a plan has at least one value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Columns of 128 values; the last may be shorter.
    pub fn columns(&self) -> usize {
        self.len.div_ceil(DEGREE)
    }

    /// Blocks that have a digest: none if all values fit one block, which is then hashed to the root itself.
    pub fn blocks(&self) -> usize {
        if self.len <= BLOCK_CELLS { 0 } else { self.len.div_ceil(BLOCK_CELLS) }
    }

    /// Byte cells (`0..=255`) of all digests.
    pub fn digest_cells(&self) -> usize {
        self.blocks() * DIGEST_CELLS
    }

    /// Byte cells (`0..=255`) of the salt.
    pub fn salt_cells(&self) -> usize {
        SALT_CELLS
    }
}

/// What is public: the value of the root at the 128 roots of `X^128 + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(pub [F; DEGREE]);

impl Commitment {
    /// Canonical encoding: the coordinates in order, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COMMITMENT_BYTES);
        for &coordinate in &self.0 {
            encode_base(coordinate, &mut out);
        }
        out
    }

    /// The commitment to what has been hashed to this root, as something with this tag.
    pub fn bound_to(&self, tag: &Tag) -> Self {
        let point = key::point(tag);
        Self(array::from_fn(|t| self.0[t] + point[t]))
    }

    /// The root of a commitment to something with this tag.
    pub fn root(&self, tag: &Tag) -> Self {
        let point = key::point(tag);
        Self(array::from_fn(|t| self.0[t] - point[t]))
    }

    /// Reads the one encoding that a commitment has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CommitmentError> {
        if bytes.len() != COMMITMENT_BYTES {
            return Err(CommitmentError::Bytes { len: bytes.len() });
        }
        let mut root = [F::ZERO; DEGREE];
        for (coordinate, (to, from)) in root.iter_mut().zip(bytes.as_chunks::<F_BYTES>().0).enumerate() {
            *to = decode_base(*from).ok_or(CommitmentError::NotCanonical { coordinate })?;
        }
        Ok(Self(root))
    }
}

/// What the committer keeps beside the values, and writes into cells of each proof.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// [`SALT_CELLS`] uniform bytes, fresh for each commitment.
    pub salt: Vec<u8>,
    /// [`Plan::digest_cells`] bytes: the canonical bytes of the digests of all blocks.
    pub digests: Vec<u8>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening {{ {} digest cells, .. }}", self.digests.len())
    }
}

/// Hashes bytes, `0..=255`, which is what the argument enforces (docs/commitments.md, section 3), to a root without tag. `salt`: uniform bytes from the operating system's generator that were
/// never used for another vector (two commitments with one salt differ by a known function of the difference of the vectors).
pub fn commit(values: &[i16], salt: &[u8; SALT_CELLS]) -> Result<(Commitment, Opening), CommitmentError> {
    commit_with(values, salt, |values| values.chunks(BLOCK_CELLS).map(block_digest).collect())
}

/// As [`commit`], where the caller computes [`block_digest`] of each [`BLOCK_CELLS`] values, in order: on several threads, if it likes.
pub fn commit_with(
    values: &[i16],
    salt: &[u8; SALT_CELLS],
    block_digests: impl FnOnce(&[i16]) -> Vec<[F; DEGREE]>,
) -> Result<(Commitment, Opening), CommitmentError> {
    let plan = Plan::new(values.len())?;
    let range = 0..=255;
    if let Some((cell, &value)) = values.iter().enumerate().find(|(_, value)| !range.contains(*value)) {
        return Err(CommitmentError::Range { cell, value });
    }
    let mut digests = Vec::with_capacity(plan.digest_cells());
    let inner = if plan.blocks() == 0 {
        block_digest(values)
    } else {
        for coordinate in block_digests(values).into_iter().flatten() {
            encode_base(coordinate, &mut digests);
        }
        hash(Level::Digests, &digests)
    };
    let blind = hash(Level::Salt, salt);
    let root = array::from_fn(|t| inner[t] + blind[t]);
    Ok((Commitment(root), Opening { salt: salt.to_vec(), digests }))
}

/// The digest of a block of up to [`BLOCK_CELLS`] values.
pub fn block_digest(values: &[i16]) -> [F; DEGREE] {
    hash(Level::Values, values)
}

/// `sum_k key_k(t) bhat_k(t)` for the 128 slots `t`; the last column is filled up with zeros.
fn hash<T: Copy + Into<i32>>(level: Level, cells: &[T]) -> [F; DEGREE] {
    let mut sum = [F::ZERO; DEGREE];
    for (column, key) in cells.chunks(DEGREE).zip(level.columns()) {
        let mut element = [F::ZERO; DEGREE];
        for (to, &from) in element.iter_mut().zip(column) {
            *to = F::from_i32(from.into());
        }
        ring::evaluate(&mut element);
        for ((sum, &key), &value) in sum.iter_mut().zip(key).zip(&element) {
            *sum += key * value;
        }
    }
    sum
}

#[cfg(test)]
mod tests;
