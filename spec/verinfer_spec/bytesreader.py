"""Fields of a file, one after the other."""

from .reject import Rejected


class Reader:
    def __init__(self, data: bytes, code: str):
        self.data, self.code, self.offset = data, code, 0

    def fail(self, reason: str) -> Rejected:
        return Rejected(self.code, reason)

    def take(self, length: int) -> bytes:
        end = self.offset + length
        if end > len(self.data):
            raise self.fail("the file is truncated")
        taken = self.data[self.offset : end]
        self.offset = end
        return taken

    def unsigned(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def signed(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little", signed=True)

    def finish(self) -> None:
        if self.offset != len(self.data):
            raise self.fail("bytes follow the end")

    # Postcard: LEB128 integers, zigzag where signed.

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.unsigned(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                if byte == 0 and shift > 7:
                    raise self.fail("an integer is not in its shortest form")
                if value >= 1 << 64:
                    raise self.fail("an integer is too large")
                return value
            if shift > 63:
                raise self.fail("an integer is too long")

    def zigzag(self, bits: int) -> int:
        value = self.varint()
        if value >= 1 << bits:
            raise self.fail("an integer is too large")
        return (value >> 1) ^ -(value & 1)
