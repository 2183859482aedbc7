"""Goldilocks `F` and its cubic extension `K = F[X] / (X^3 - X - 1)` (protocol.md, 1 and 6.1)."""

P = 2**64 - 2**32 + 1

# A primitive 2^32-th root of unity, and a generator of F*.
ROOT_2_32 = 0x185629DCDA58878C
GENERATOR = 7


def two_adic_generator(bits: int) -> int:
    """A primitive root of unity of order 2^bits."""
    return pow(ROOT_2_32, 1 << (32 - bits), P)


class K:
    """An element `a + b X + c X^2`."""

    __slots__ = ("a", "b", "c")

    def __init__(self, a: int = 0, b: int = 0, c: int = 0):
        self.a, self.b, self.c = a, b, c

    def __add__(self, o: "K") -> "K":
        return K((self.a + o.a) % P, (self.b + o.b) % P, (self.c + o.c) % P)

    def __sub__(self, o: "K") -> "K":
        return K((self.a - o.a) % P, (self.b - o.b) % P, (self.c - o.c) % P)

    def __neg__(self) -> "K":
        return K(-self.a % P, -self.b % P, -self.c % P)

    def __mul__(self, o: "K") -> "K":
        a, b, c = self.a, self.b, self.c
        d, e, f = o.a, o.b, o.c
        third = b * f + c * e
        fourth = c * f
        return K((a * d + third) % P, (a * e + b * d + third + fourth) % P, (a * f + b * e + c * d + fourth) % P)

    def times(self, x: int) -> "K":
        """Multiplied with an integer."""
        return K(self.a * x % P, self.b * x % P, self.c * x % P)

    def __eq__(self, o: object) -> bool:
        return isinstance(o, K) and (self.a, self.b, self.c) == (o.a, o.b, o.c)

    def __hash__(self) -> int:
        return hash((self.a, self.b, self.c))

    def __bool__(self) -> bool:
        return bool(self.a or self.b or self.c)

    def __repr__(self) -> str:
        return f"K({self.a}, {self.b}, {self.c})"

    def coordinates(self) -> tuple[int, int, int]:
        return self.a, self.b, self.c

    def inverse(self) -> "K":
        """By the cofactors of the matrix of multiplication with it."""
        a, b, c = self.a, self.b, self.c
        x = (a + c) * (a + c) - (b + c) * b
        y = (b + c) * c - b * (a + c)
        z = b * b - (a + c) * c
        norm = (a * x + c * y + b * z) % P
        i = pow(norm, -1, P)
        return K(x * i % P, y * i % P, z * i % P)

    def __pow__(self, n: int) -> "K":
        result, base = ONE, self
        while n:
            if n & 1:
                result = result * base
            base = base * base
            n >>= 1
        return result


ZERO, ONE = K(), K(1)


def signed(x: int) -> int:
    """The residue of an integer."""
    return x % P
