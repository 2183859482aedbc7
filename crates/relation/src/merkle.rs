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

/// Root over leaves at increasing indices of a tree of `num_leaves`; `sibling` supplies what is missing, in order. There is none if an index is not
/// that of a leaf, or none larger than the one before.
pub fn root<E>(
    num_leaves: usize,
    leaves: Vec<(usize, Digest)>,
    mut sibling: impl FnMut() -> Result<Digest, E>,
) -> Result<Option<Digest>, E> {
    let follow = leaves.windows(2).all(|pair| matches!(pair, [(index, _), (next, _)] if index < next));
    if !follow || leaves.last().is_some_and(|&(last, _)| last >= num_leaves) {
        return Ok(None);
    }
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// The root, and how many siblings it took.
    fn paths(num_leaves: usize, indices: &[usize]) -> (Option<Digest>, usize) {
        let mut siblings = 0;
        let leaves = indices.iter().map(|&index| (index, [index as u8; 32])).collect();
        let root = root(num_leaves, leaves, || {
            siblings += 1;
            Ok::<_, Infallible>([0; 32])
        });
        (root.unwrap_or_else(|never| match never {}), siblings)
    }

    #[test]
    fn paths_of_the_largest_trees_end_at_one_root() {
        let (power, thrice) = (1 << 32, 3 << 30);
        assert_eq!(paths(1, &[0]), (Some([0; 32]), 0));
        for (num_leaves, height) in [(2, 1), (power, 32), (thrice, 32)] {
            let (root, siblings) = paths(num_leaves, &[0]);
            assert!(root.is_some());
            assert_eq!(siblings, height, "{num_leaves}");
        }
        // The last third of a tree of three powers of two is its own parent once.
        assert_eq!(paths(thrice, &[thrice - 1]).1, 31);
        assert_eq!(paths(power, &[0, power - 1]).1, 62);
    }

    #[test]
    fn an_index_beyond_the_leaves_has_no_root() {
        for (num_leaves, indices) in [(0, &[0][..]), (8, &[8]), (8, &[3, 8]), (8, &[usize::MAX]), (1 << 32, &[1 << 32])] {
            assert_eq!(paths(num_leaves, indices), (None, 0));
        }
        assert_eq!(paths(8, &[]), (None, 0));
        assert_eq!(paths(8, &[4, 3]), (None, 0));
        assert_eq!(paths(8, &[3, 3]), (None, 0));
    }
}
