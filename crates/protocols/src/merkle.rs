//! Merkle trees over lists: a test set, a corpus, the ciphertexts of a transfer.
//!
//! The shape is that of RFC 6962: the left subtree of `n` leaves has the largest power of two below `n` of them. Leaves, inner nodes and the root,
//! which also binds the number of leaves, are hashed in different domains.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A commitment to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Digest of the whole list.
    pub digest: Digest,
    /// How many entries it has, at least one.
    pub len: u32,
}

/// Shows that an entry is in a list: the siblings on the way from the leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Path(pub Vec<Digest>);

/// A tree, to draw paths from.
#[derive(Clone, Debug)]
pub struct Tree {
    /// From the leaves to the single node over all of them. A node without a neighbour is also its own parent.
    levels: Vec<Vec<Digest>>,
}

/// A list that cannot be committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list has {len} entries; 1 to {} can be committed to", Tree::MAX_LEN)]
pub struct ListLength {
    /// How many it has.
    pub len: usize,
}

impl Tree {
    /// The longest list.
    pub const MAX_LEN: u32 = 1 << 20;

    /// The tree over a list of digests of entries.
    ///
    /// # Errors
    ///
    /// There are none, or more than [`Tree::MAX_LEN`].
    pub fn new(entries: &[Digest]) -> Result<Self, ListLength> {
        if !matches!(u32::try_from(entries.len()), Ok(1..=Self::MAX_LEN)) {
            return Err(ListLength { len: entries.len() });
        }
        let leaves: Vec<Digest> = entries.iter().map(leaf).collect();
        let parents = |nodes: &Vec<Digest>| (nodes.len() > 1).then(|| nodes.chunks(2).map(parent).collect());
        Ok(Self { levels: std::iter::successors(Some(leaves), parents).collect() })
    }

    /// The commitment.
    pub fn root(&self) -> Root {
        let len = self.levels.first().and_then(|leaves| u32::try_from(leaves.len()).ok()).unwrap_or_default();
        let node = self.levels.last().and_then(|nodes| nodes.first()).copied().unwrap_or(Digest([0; 32]));
        Root { digest: top(len, &node), len }
    }

    /// Shows that the entry at `index` is in the list; nothing if there is no such entry.
    pub fn path(&self, index: u32) -> Option<Path> {
        let mut at = usize::try_from(index).ok()?;
        self.levels.first()?.get(at)?;
        let mut siblings = Vec::new();
        for nodes in &self.levels {
            siblings.extend(nodes.get(at ^ 1));
            at >>= 1;
        }
        Some(Path(siblings))
    }
}

impl Root {
    /// Whether `path` shows that the entry at `index` has this digest.
    pub fn holds(&self, index: u32, entry: &Digest, path: &Path) -> bool {
        if index >= self.len || self.len > Tree::MAX_LEN {
            return false;
        }
        let mut siblings = path.0.iter();
        let (mut at, mut len, mut node) = (index, self.len, leaf(entry));
        while len > 1 {
            if at ^ 1 < len {
                let Some(sibling) = siblings.next() else { return false };
                node = parent(&if at & 1 == 0 { [node, *sibling] } else { [*sibling, node] });
            }
            (at, len) = (at >> 1, len.div_ceil(2));
        }
        siblings.next().is_none() && top(self.len, &node) == self.digest
    }
}

fn leaf(entry: &Digest) -> Digest {
    Digest::of("verinfer protocols v1 merkle leaf", entry)
}

/// The parent of two neighbours; a node without a neighbour is its own.
fn parent(nodes: &[Digest]) -> Digest {
    match nodes {
        [only] => *only,
        _ => Digest::of("verinfer protocols v1 merkle node", nodes),
    }
}

fn top(len: u32, node: &Digest) -> Digest {
    Digest::of("verinfer protocols v1 merkle root", &(len, node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(len: u8) -> Vec<Digest> {
        (0..len).map(|byte| Digest([byte; 32])).collect()
    }

    #[test]
    fn every_entry_is_in_its_place_and_in_no_other() {
        for len in 1..=17 {
            let entries = entries(len);
            let tree = Tree::new(&entries).unwrap();
            let root = tree.root();
            for (index, entry) in (0..).zip(&entries) {
                let path = tree.path(index).unwrap();
                for other in 0..=u32::from(len) {
                    assert_eq!(root.holds(other, entry, &path), other == index, "{other} of {len} with the path of {index}");
                }
                assert!(!root.holds(index, &Digest([0xff; 32]), &path));
                let longer = Path([path.0.clone(), vec![Digest([0; 32])]].concat());
                assert!(!root.holds(index, entry, &longer));
                let shorter = Path(path.0[..path.0.len().saturating_sub(1)].to_vec());
                assert_eq!(root.holds(index, entry, &shorter), len == 1);
            }
            assert_eq!(tree.path(u32::from(len)), None);
        }
    }

    #[test]
    fn root_binds_the_length() {
        let roots: Vec<Root> = (1..=9).map(|len| Tree::new(&entries(len)).unwrap().root()).collect();
        for (index, root) in roots.iter().enumerate() {
            assert!(roots[..index].iter().all(|other| other.digest != root.digest));
        }
        assert_eq!(Tree::new(&[]).unwrap_err(), ListLength { len: 0 });
    }
}
