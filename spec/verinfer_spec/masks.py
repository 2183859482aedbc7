"""Which secrets mask which messages (protocol.md, 8)."""


class MaskPlan:
    def __init__(self, log_cells: int, log_contraction: int, log_scaling: int | None):
        self.messages, self.pairs = 0, []
        for variables in range(log_cells):
            children = self.messages + 2 * variables
            self.pairs += [(children, children + 3), (children + 1, children + 2)]
            self.messages = children + 4
        if log_scaling is None:
            self.messages += 2 + 2 * log_contraction
        else:
            self.messages += 2
            for variables in (log_contraction, log_scaling):
                ends = self.messages + 2 * variables
                self.pairs.append((ends, ends + 1))
                self.messages = ends + 2

    @property
    def secrets(self) -> int:
        return self.messages + 4 * len(self.pairs)

    def product(self, pair: int) -> int:
        return self.messages + pair

    def triple(self, pair: int) -> tuple[int, int, int]:
        first = self.messages + len(self.pairs) + 3 * pair
        return first, first + 1, first + 2
