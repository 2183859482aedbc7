"""Masked messages, and what must be zero (protocol.md, 3 and 6)."""

from __future__ import annotations

from . import affine
from .affine import Affine
from .field import ONE, K
from .masks import MaskPlan
from .transcript import Transcript

SACRIFICE = "sacrifice"


class Messages:
    def __init__(self, transcript: Transcript, plan: MaskPlan):
        self.transcript, self.plan = transcript, plan
        self.received = self.products = 0
        self.checks: list[Affine] = []

    def receive(self, label: str, count: int) -> list[Affine]:
        found = self.transcript.receive(label, count)
        first = self.received
        self.received += count
        return [affine.masked(message, first + i) for i, message in enumerate(found)]

    def challenge(self, label: str) -> K:
        return self.transcript.challenge(label)

    def product(self, x: Affine, y: Affine) -> Affine:
        pair = self.products
        self.products += 1
        assert (x.terms[0][0], y.terms[0][0]) == self.plan.pairs[pair]
        return affine.product(x, y, self.plan.product(pair))

    def require_zero(self, form: Affine) -> None:
        self.checks.append(form)

    def finish(self) -> K:
        """The sacrifice of triples, and the challenge that combines all forms."""
        assert self.received == self.plan.messages and self.products == len(self.plan.pairs)
        tau = self.challenge(SACRIFICE)
        for pair, (x, y) in enumerate(self.plan.pairs):
            e, d = self.transcript.receive(SACRIFICE, 2)
            a, b, c = self.plan.triple(pair)
            self.checks.append(Affine(e, ((x, -tau), (a, ONE))))
            self.checks.append(Affine(d, ((y, -ONE), (b, ONE))))
            terms = ((self.plan.product(pair), tau), (c, -ONE), (b, -e), (a, -d))
            self.checks.append(Affine(-(e * d), terms))
        return self.challenge(SACRIFICE)

    def combined(self, eta: K) -> Affine:
        power, parts = ONE, []
        for check in self.checks:
            parts.append((power, check))
            power = power * eta
        return affine.combination(*parts)
