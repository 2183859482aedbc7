"""Why a proof is rejected."""


class Rejected(Exception):
    """`code`: the kind of the reason, as `VerifyError` of the other verifier names it."""

    def __init__(self, code: str, reason: str = ""):
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code = code
