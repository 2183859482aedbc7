//! Hashes of the Merkle trees over the rows of a codeword.
//!
//! Leaves and nodes are hashed under different keys. A tree of `2^h` rows is opened at several rows at once: the proof holds, level by level from
//! the leaves up and by increasing index, each sibling that cannot be computed. The last node of an odd level is also its own parent.

use std::sync::LazyLock;

use crate::field::{F, encode_base};

/// A node of a tree.
pub type Digest = [u8; 32];

static LEAF_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key("verinfer merkle leaf v1", b""));
static NODE_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key("verinfer merkle node v1", b""));

/// Hash of a row, given a buffer to encode it in.
pub fn leaf(row: &[F], buffer: &mut Vec<u8>) -> Digest {
    buffer.clear();
    for value in row {
        encode_base(*value, buffer);
    }
    *blake3::keyed_hash(&LEAF_KEY, buffer).as_bytes()
}

/// Hash of two children.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new_keyed(&NODE_KEY);
    hasher.update(left);
    hasher.update(right);
    *hasher.finalize().as_bytes()
}

/// Root over leaves at increasing indices of a tree of `num_leaves`; `sibling` supplies what is missing, in order.
pub fn root<E>(
    num_leaves: usize,
    leaves: Vec<(usize, Digest)>,
    mut sibling: impl FnMut() -> Result<Digest, E>,
) -> Result<Option<Digest>, E> {
    let mut level = leaves;
    let mut len = num_leaves;
    while len > 1 {
        let mut parents = Vec::with_capacity(level.len());
        let mut nodes = level.into_iter().peekable();
        while let Some((index, digest)) = nodes.next() {
            let parent = if index ^ 1 == len {
                digest
            } else if index & 1 == 1 {
                node(&sibling()?, &digest)
            } else if let Some((_, right)) = nodes.next_if(|(next, _)| *next == index | 1) {
                node(&digest, &right)
            } else {
                node(&digest, &sibling()?)
            };
            parents.push((index >> 1, parent));
        }
        level = parents;
        len = len.div_ceil(2);
    }
    Ok(level.first().map(|(_, digest)| *digest))
}
