"""The proof file, its statement, and public files of commitments (protocol.md, 6; commitments.md, 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import architecture
from .bytesreader import Reader
from .field import P
from .graph import Graph, Shape

MAGIC = b"VERINFER"
VERSION = 5
COMMITMENT_BYTES = 1024
MAX_CONTEXT = 1 << 16


@dataclass(frozen=True)
class Envelope:
    limbs: int
    bits: int
    keys: tuple[int, int]
    signed_keys: tuple[int, int]
    encoded: bytes

    @property
    def shift(self) -> int:
        return self.limbs * self.bits


@dataclass
class Shown:
    shape: Shape
    signed: bool
    values: bytes

    def integers(self) -> list[int]:
        return [v - 256 if self.signed and v > 127 else v for v in self.values]


@dataclass
class Output:
    form: str
    shown: Shown | None = None
    commitments: list[list[int]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    k: int = 0
    count: int = 0
    label: int = 0
    score: int = 0
    predicate: str = ""
    holds: list[int] = field(default_factory=list)


@dataclass
class Statement:
    level: int
    context: bytes
    images: int
    digest: bytes
    envelope: Envelope | None
    commitment: list[int] | None
    input: Shown | None
    input_commitments: list[list[int]]
    output: Output
    encoded: bytes = b""
    """Everything between magic and body: what the transcript absorbs."""
    setting: bytes = b""
    """What the relation depends on besides the graph."""


def envelope(r: Reader) -> Envelope:
    start = r.offset
    limbs, bits = r.unsigned(1), r.unsigned(1)
    ends = [r.signed(4) for _ in range(4)]
    return Envelope(limbs, bits, (ends[0], ends[1]), (ends[2], ends[3]), r.data[start : r.offset])


def commitment(r: Reader) -> list[int]:
    coordinates = [r.unsigned(8) for _ in range(128)]
    if any(c >= P for c in coordinates):
        raise r.fail("a commitment is not canonical")
    return coordinates


def proof(data: bytes) -> tuple[Statement, bytes]:
    r = Reader(data, "Format")
    if r.take(8) != MAGIC:
        raise r.fail("not a proof")
    start = r.offset
    if r.unsigned(2) != VERSION:
        raise r.fail("unsupported version")
    level = r.unsigned(2)
    length = r.unsigned(4)
    if length > MAX_CONTEXT:
        raise r.fail("the context is too long")
    context = r.take(length)
    images = r.unsigned(4)
    if images == 0:
        raise r.fail("no images")
    hidden, found = form(r, 2) == 1, None
    digest = r.take(32)
    model_commitment = None
    if hidden:
        found, model_commitment = envelope(r), commitment(r)
    tensor, commitments = None, []
    if form(r, 2) == 0:
        tensor = shown(r, images)
    else:
        commitments = each(r, images, COMMITMENT_BYTES, commitment)
    output = read_output(r, images)
    encoded = data[start : r.offset]
    body = r.take(r.unsigned(4))
    r.finish()
    statement = Statement(level, context, images, digest, found, model_commitment, tensor, commitments, output, encoded)
    key = (images, found, tensor is None, output.form, tuple(output.labels), output.k, output.count, output.label,
           output.score, output.predicate, tuple(output.holds))
    statement.setting = repr(key).encode()
    return statement, body


def form(r: Reader, count: int) -> int:
    found = r.unsigned(1)
    if found >= count:
        raise r.fail("a form does not exist")
    return found


def each(r: Reader, images: int, length: int, read):
    if r.offset + images * length > len(r.data):
        raise r.fail("the file is truncated")
    return [read(r) for _ in range(images)]


def shown(r: Reader, images: int) -> Shown:
    shape = Shape(r.unsigned(4), r.unsigned(4), r.unsigned(4))
    signed = form(r, 2) == 1
    if shape.elements == 0:
        raise r.fail("a tensor has no elements")
    return Shown(shape, signed, r.take(shape.elements * images))


def read_output(r: Reader, images: int) -> Output:
    found = form(r, 6)
    if found == 0:
        return Output("shown", shown=shown(r, images))
    if found == 1:
        return Output("committed", commitments=each(r, images, COMMITMENT_BYTES, commitment))
    if found == 2:
        k = r.unsigned(4)
        return Output("rank", k=k, labels=each(r, images, 4, lambda r: r.unsigned(4)))
    if found == 3:
        return Output("least", label=r.unsigned(4), score=r.signed(2))
    if found == 4:
        k, count = r.unsigned(4), r.unsigned(4)
        return Output("correct", k=k, count=count, commitments=each(r, images, COMMITMENT_BYTES, commitment))
    predicate = ("top", "least")[form(r, 2)]
    output = Output("decided", predicate=predicate, label=r.unsigned(4))
    if predicate == "top":
        output.k = r.unsigned(4)
    else:
        output.score = r.signed(2)
    output.holds = each(r, images, 1, lambda r: form(r, 2))
    return output


@dataclass
class Committed:
    """A public file of a commitment."""

    kind: str
    commitment: list[int]
    graph: Graph | None = None
    envelope: Envelope | None = None
    shape: Shape | None = None
    signed: bool = False


def public_file(data: bytes) -> Committed:
    r = Reader(data, "Commitment")
    if r.take(8) != b"VERCOMMT" or r.unsigned(2) != 2:
        raise r.fail("not a public file of version 2")
    kind = ("model", "input", "output", "label")[form(r, 4)]
    result = Committed(kind, [])
    if kind == "model":
        result.graph = architecture.decode(r.take(r.unsigned(4)), "Commitment")
        result.envelope = envelope(r)
    elif kind != "label":
        result.shape = Shape(r.unsigned(4), r.unsigned(4), r.unsigned(4))
        result.signed = form(r, 2) == 1
    result.commitment = commitment(r)
    r.finish()
    return result
