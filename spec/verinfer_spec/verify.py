"""The verifier: from a proof file to a verdict (protocol.md, 3)."""

from __future__ import annotations

import numpy as np

from . import content, contraction, decode, lookups, opening, parameters
from .affine import Affine, combination, known
from .commitments import Check
from .decode import Statement
from .field import ONE, ZERO, K
from .graph import Graph
from .lowering import Relation
from .messages import Messages
from .reject import Rejected
from .sparse import Matrix
from .transcript import Transcript
from .vector import dot_f, eq_table, fsub, kfmul, ksum, powers, residues, scale, scatter_once

MAX_LEVEL = 128


class Model:
    """What the proof should be about: a known network, or a hidden one's architecture, envelope and commitment."""

    def __init__(self, graph: Graph, envelope=None, commitment=None):
        self.graph, self.envelope, self.commitment = graph, envelope, commitment
        self.relations: dict = {}

    def relation(self, statement: Statement):
        key = statement.setting
        if key not in self.relations:
            relation = Relation(self.graph, statement)
            matrix = Matrix(relation)
            self.relations[key] = (relation, matrix, contraction.Wires(matrix))
        return self.relations[key]


class Expected:
    def __init__(self, level=128, context=b"", input=None, input_commitments=None, allow_degenerate=False):
        self.level, self.context, self.allow_degenerate = level, context, allow_degenerate
        self.input, self.input_commitments = input, input_commitments


def verify(model: Model, proof: bytes, expected: Expected = Expected()) -> Statement:
    """Raises `Rejected`."""
    statement, body = decode.proof(proof)
    check_statement(model, statement, expected)
    relation, matrix, wires = model.relation(statement)
    if model.envelope and not expected.allow_degenerate:
        content.check(relation, statement.output)
    p = check_parameters(relation, statement, expected)
    transcript = Transcript(statement.encoded, body)
    root, claim = reduce(transcript, relation, matrix, wires, statement)
    opening.verify(transcript, p, root, claim)
    transcript.finish()
    return statement


def check_statement(model: Model, s: Statement, expected: Expected) -> None:
    """Step 0."""
    if (s.envelope is None) != (model.envelope is None):
        raise Rejected("ModelHidden" if s.envelope else "ModelNotHidden")
    if s.digest != model.graph.digest or s.envelope != model.envelope:
        raise Rejected("WrongArchitecture" if s.envelope else "WrongNetwork")
    if s.commitment != model.commitment:
        raise Rejected("WrongModelCommitment")
    if s.context != expected.context:
        raise Rejected("WrongContext")
    for tensor, shown, code in ((model.graph.input, s.input, "InputShape"), (model.graph.output, s.output.shown, "OutputShape")):
        spec = model.graph.tensors[tensor]
        if shown and (shown.shape, shown.signed) != (spec.shape, spec.signed):
            raise Rejected(code)
    if expected.input is not None:
        if s.input is None:
            raise Rejected("InputHidden")
        if s.input.values != expected.input:
            raise Rejected("WrongInput")
    if expected.input_commitments is not None:
        if s.input is not None:
            raise Rejected("InputNotHidden")
        if s.input_commitments != expected.input_commitments:
            raise Rejected("WrongInputCommitment")


def check_parameters(relation: Relation, s: Statement, expected: Expected) -> parameters.Parameters:
    if not expected.level <= s.level <= MAX_LEVEL:
        raise Rejected("InsecureParameters")
    p = parameters.for_cells(relation.num_stored, s.level)
    if parameters.security_bits(p, relation) < expected.level:
        raise Rejected("InsecureParameters")
    return p


def reduce(transcript: Transcript, r: Relation, matrix: Matrix, wires, s: Statement):
    """Steps 1 to 6: the root, and what computes the one linear claim on the committed vector.

    Messages are read first: nothing that is sent later depends on the verifier's weights.
    """
    root = transcript.receive_bytes("commitment", 32)
    alpha, beta = (transcript.challenge("lookup challenges") for _ in range(2))
    messages = Messages(transcript, r.masks)
    point, numerator, denominator = lookups.verify(messages, r.log_cells)
    mu = messages.challenge("leaf combination")
    layers = contraction.verify(messages, r)
    eta = messages.finish()
    gamma, nu = (transcript.challenge("commitment check") for _ in range(2))
    zeta, omega = (transcript.challenge("claim combination") for _ in range(2))

    def claim() -> tuple[K, np.ndarray]:
        weights, constant = leaves(r, matrix, point, alpha, beta, mu)
        leaf = weights.copy()
        inner = contraction.Grids(r.grids, layers.point)
        if layers.scaling is None:
            layers.weigh(contraction.public_weights(r, inner, leaf, matrix))
        parts = [(ONE, numerator), (mu, denominator), (-ONE, layers.claimed)]
        power = ONE

        def add(value: Affine) -> K:
            nonlocal power
            power = power * omega
            parts.append((power, value))
            return power

        constant = constant + wires.add(point, inner, add(layers.activations), weights)
        if s.output.shown:
            cells = matrix.addresses[r.output].T.ravel()
            zetas = powers(zeta, len(cells))
            values = residues(s.output.shown.integers())
            factor = add(known(dot_f(zetas, values)))
            scatter_once(weights, cells, scale(factor, zetas))
        if layers.scaling:
            xi, second, scales, contracted = layers.scaling
            grids = contraction.Grids(r.part_grids, second)
            contraction.add_scales(r, matrix, xi, grids, add(scales), leaf, weights)
            contraction.add_contracted(r, matrix, point, inner, grids, add(contracted), weights)
        check = Check(gamma, nu)
        for o in r.objects:
            factor = add(known(check.target(commitment(s, o), o.tag, o.blocks)))
            check.add(o, bases(r, o), factor, weights)
        add(messages.combined(eta))
        constant = constant + integers(matrix, weights)
        if s.input:
            elements = residues(s.input.integers())
            constant = constant + dot_f(weights[:, matrix.input : matrix.input + len(elements)], elements)
        total = combination(*parts)
        cells = matrix.addresses[r.secrets].ravel()
        scatter_once(weights, cells, secrets(total, len(cells)))
        return total.constant - constant, weights[:, : r.num_stored]

    return root, claim


def secrets(form: Affine, count: int) -> np.ndarray:
    """Weights of the cells of secrets: minus their coefficients times 1, X and X^2."""
    found = np.zeros((3, count), dtype=np.uint64)
    for secret, c in form.coefficients().items():
        for i, basis in enumerate((c, K(c.c, c.a + c.c, c.b), K(c.b, c.b + c.c, c.a + c.c))):
            found[:, 3 * secret + i] = (-basis).coordinates()
    return found


def leaves(r: Relation, matrix: Matrix, point: list[K], alpha: K, beta: K, mu: K):
    """Step 4: weights of cells and virtual cells, and the constant of the claim on the leaves."""
    eq = eq_table(point)[:, : r.num_stored]
    weights = np.zeros((3, matrix.length), dtype=np.uint64)
    rows = eq[:, matrix.row_cells]
    constant = mu + mu * (alpha - ONE) * ksum(rows) - mu * beta * beta * beta * dot_f(rows, matrix.tags)
    constant = constant + ksum(eq[:, matrix.lookup_cells])
    weights[:, matrix.counted] = fsub(weights[:, matrix.counted], eq[:, matrix.counted])
    factor = -mu
    for value in matrix.values:
        if len(value.rows) or len(value.constant_rows):
            constant = constant + ksum(value.apply(scale(factor, eq), weights))
        factor = factor * beta
    spare = matrix.addresses[r.spare].ravel()
    first = mu * K(*(int(x) for x in eq[:, spare[0]]))
    constant = constant - first
    basis = (first, first * K(0, 1), first * K(0, 0, 1))
    scatter_once(weights, spare, np.array([b.coordinates() for b in basis], dtype=np.uint64).T)
    return weights, constant


def integers(matrix: Matrix, weights: np.ndarray) -> K:
    """Moves the weights of hidden integers to their bytes; the result is what their offsets give."""
    if not len(matrix.byte_sources):
        return ZERO
    matrix.byte_scatter.add(weights, kfmul(weights[:, matrix.byte_sources], matrix.byte_factors))
    return dot_f(weights[:, matrix.offset_rows], matrix.offsets)


def commitment(s: Statement, o) -> list[int]:
    if o.kind == "model":
        return s.commitment
    return (s.input_commitments if o.kind == "input" else s.output.commitments)[o.image]


def bases(r: Relation, o) -> tuple[int, int, int]:
    def first(column: int, start: int = 0) -> int:
        return min(c.slot << c.log for c in r.placements[column].chunks if c.first_pixel >= start)

    def region(values) -> int:
        return min(
            c.slot << c.log for column, start, end in values
            for c in r.placements[column].chunks if start <= c.first_pixel < end
        )

    return region(o.values), first(o.digests) if o.digests is not None else 0, first(o.salt)
