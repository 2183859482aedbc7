"""The Fiat-Shamir transcript (protocol.md, 6.2)."""

from blake3 import blake3

from .field import K, P
from .reject import Rejected

PROTOCOL = "verinfer argument v5"


def _labelled(label: str) -> bytes:
    return len(label).to_bytes(8, "little") + label.encode()


class Transcript:
    """The hash state and the messages that are left to read."""

    def __init__(self, statement: bytes, body: bytes):
        self.state = blake3(b"", derive_key_context=PROTOCOL).digest()
        self.body = body
        self.offset = 0
        self.absorb("statement", statement)

    def absorb(self, label: str, data: bytes) -> None:
        hashed = b"absorb" + _labelled(label) + len(data).to_bytes(8, "little") + data
        self.state = blake3(hashed, key=self.state).digest()

    def _squeeze(self, label: str):
        hasher = blake3(b"squeeze" + _labelled(label), key=self.state)
        self.state = hasher.digest(length=32)
        offset = 32
        while True:
            chunk = hasher.digest(length=4096, seek=offset)
            for i in range(0, 4096, 8):
                yield int.from_bytes(chunk[i : i + 8], "little")
            offset += 4096

    def challenge(self, label: str) -> K:
        coordinates: list[int] = []
        for integer in self._squeeze(label):
            if integer < P:
                coordinates.append(integer)
                if len(coordinates) == 3:
                    return K(*coordinates)
        raise AssertionError

    def indices(self, label: str, bound: int, count: int) -> list[int]:
        """`count` places below `bound`, sorted, without repetitions."""
        mask = (1 << (bound - 1).bit_length()) - 1
        found: list[int] = []
        for integer in self._squeeze(label):
            if len(found) == count:
                break
            if integer & mask < bound:
                found.append(integer & mask)
        return sorted(set(found))

    def grinds(self, bits: int, nonce: bytes, state: bytes) -> bool:
        head = blake3(b"grind" + nonce, key=state).digest()[:8]
        return int.from_bytes(head, "little") >> (64 - bits) == 0

    def take(self, length: int) -> bytes:
        """The next bytes of the body, not absorbed."""
        end = self.offset + length
        if end > len(self.body):
            raise Rejected("Message", "the proof ends inside of a message")
        taken = self.body[self.offset : end]
        self.offset = end
        return taken

    def receive_bytes(self, label: str, length: int) -> bytes:
        taken = self.take(length)
        self.absorb(label, taken)
        return taken

    def receive(self, label: str, count: int) -> list[K]:
        integers = decode_elements(self.receive_bytes(label, 24 * count))
        return [K(*integers[i : i + 3]) for i in range(0, 3 * count, 3)]

    def hint(self, count: int) -> list[int]:
        return decode_elements(self.take(8 * count))

    def finish(self) -> None:
        if self.offset != len(self.body):
            raise Rejected("Message", "bytes follow the last message")


def decode_elements(data: bytes) -> list[int]:
    """Canonical elements of F."""
    integers = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
    if any(integer >= P for integer in integers):
        raise Rejected("Message", "an element is not canonical")
    return integers
