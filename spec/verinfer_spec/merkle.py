"""Merkle trees over the rows of a codeword (opening.md, 6)."""

from blake3 import blake3

LEAF_KEY = blake3(b"", derive_key_context="verinfer merkle leaf v1").digest()
NODE_KEY = blake3(b"", derive_key_context="verinfer merkle node v1").digest()


def leaf(row: bytes) -> bytes:
    return blake3(row, key=LEAF_KEY).digest()


def node(left: bytes, right: bytes) -> bytes:
    return blake3(left + right, key=NODE_KEY).digest()


def root(num_leaves: int, leaves: list[tuple[int, bytes]], sibling) -> bytes:
    """Of opened leaves by increasing index; `sibling()` gives what is missing, level by level."""
    level, length = leaves, num_leaves
    while length > 1:
        parents = []
        position = 0
        while position < len(level):
            index, digest = level[position]
            position += 1
            if index ^ 1 == length:
                parent = digest
            elif index & 1:
                parent = node(sibling(), digest)
            elif position < len(level) and level[position][0] == index | 1:
                parent = node(digest, level[position][1])
                position += 1
            else:
                parent = node(digest, sibling())
            parents.append((index >> 1, parent))
        level, length = parents, (length + 1) // 2
    return level[0][1]
