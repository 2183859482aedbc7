//! The public key, expanded from nothing but the name of a level and the number of a column.

use std::sync::OnceLock;

use p3_field::PrimeCharacteristicRing;

use crate::field::{F, F_BYTES, decode_base};

use super::ring::DEGREE;
use super::{BLOCK_COLUMNS, DIGEST_COLUMNS, MAX_BLOCKS, SALT_COLUMNS};

/// Values of a key element at the 128 slots.
pub type Column = [F; DEGREE];

/// Columns that are expanded together, when the first of them is needed.
const CHUNK: usize = 32;

static VALUES: [OnceLock<Vec<Column>>; BLOCK_COLUMNS.div_ceil(CHUNK)] = [const { OnceLock::new() }; _];
static DIGESTS: [OnceLock<Vec<Column>>; (MAX_BLOCKS * DIGEST_COLUMNS).div_ceil(CHUNK)] = [const { OnceLock::new() }; _];
static SALT: [OnceLock<Vec<Column>>; SALT_COLUMNS.div_ceil(CHUNK)] = [const { OnceLock::new() }; _];

/// What is hashed with a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A block of committed values.
    Values,
    /// The digests of all blocks.
    Digests,
    /// The salt.
    Salt,
}

impl Level {
    fn context(self) -> &'static str {
        match self {
            Level::Values => "verinfer commitment v1 values key",
            Level::Digests => "verinfer commitment v1 digests key",
            Level::Salt => "verinfer commitment v1 salt key",
        }
    }

    /// The level's columns `0, 1, ...`, expanded as far as they are asked for.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        let (chunks, len) = match self {
            Level::Values => (VALUES.as_slice(), BLOCK_COLUMNS),
            Level::Digests => (DIGESTS.as_slice(), MAX_BLOCKS * DIGEST_COLUMNS),
            Level::Salt => (SALT.as_slice(), SALT_COLUMNS),
        };
        chunks.iter().enumerate().flat_map(move |(index, chunk)| chunk.get_or_init(|| expand(self, index))).take(len)
    }
}

/// The columns of a chunk.
fn expand(level: Level, chunk: usize) -> Vec<Column> {
    let hasher = blake3::Hasher::new_derive_key(level.context());
    (chunk * CHUNK..(chunk + 1) * CHUNK).map(|column| expand_column(hasher.clone(), column as u64)).collect()
}

/// The point by which a tag moves a commitment.
pub fn point(tag: &[u8; 32]) -> Column {
    uniform(blake3::Hasher::new_derive_key("verinfer commitment v1 tag").update(tag))
}

fn expand_column(mut hasher: blake3::Hasher, column: u64) -> Column {
    uniform(hasher.update(&column.to_le_bytes()))
}

/// Reads 64-bit little-endian integers from the XOF and keeps those below p: uniform elements.
fn uniform(hasher: &blake3::Hasher) -> Column {
    let mut reader = hasher.finalize_xof();
    let mut elements = [F::ZERO; DEGREE];
    let mut known = 0;
    while known < DEGREE {
        let mut bytes = [0; DEGREE * F_BYTES];
        reader.fill(&mut bytes);
        let below = bytes.as_chunks().0.iter().filter_map(|&integer| decode_base(integer));
        for (to, element) in elements.iter_mut().skip(known).zip(below) {
            *to = element;
            known += 1;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_columns_have_different_keys() {
        let mut columns: Vec<&Column> = [Level::Values, Level::Digests, Level::Salt].into_iter().flat_map(Level::columns).collect();
        assert_eq!(columns.len(), BLOCK_COLUMNS + MAX_BLOCKS * DIGEST_COLUMNS + SALT_COLUMNS);
        columns.sort();
        assert!(columns.windows(2).all(|pair| pair[0][0] != pair[1][0]));
    }

    /// The key is part of the meaning of every commitment: it can never change.
    #[test]
    fn the_key_is_what_it_was() {
        let mut hasher = blake3::Hasher::new();
        for level in [Level::Values, Level::Digests, Level::Salt] {
            for element in level.columns().flatten() {
                hasher.update(&p3_field::PrimeField64::as_canonical_u64(element).to_le_bytes());
            }
        }
        assert_eq!(hasher.finalize().to_hex().as_str(), "61223f1b58b09ea18f68e51e3979e2599f33ec2895ccf2185fd08221457866dc");
    }
}
