"""`python -m verinfer_spec verify PROOF (--model MODEL.graph | --commitment FILE.vcm) [...]`"""

import argparse
import sys

from . import decode, network
from .reject import Rejected
from .verify import Expected, Model, verify


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def main() -> int:
    parser = argparse.ArgumentParser(prog="verinfer_spec")
    command = parser.add_subparsers(required=True).add_parser("verify")
    command.add_argument("proof")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="canonical encoding of a network")
    which.add_argument("--commitment", help="public file of a hidden model's commitment")
    command.add_argument("--input", help="raw bytes of the inputs, NHWC order, image after image")
    command.add_argument("--input-commitment", nargs="+", help="public files of the inputs' commitments")
    command.add_argument("--context", default="")
    command.add_argument("--security", type=int, default=128)
    arguments = parser.parse_args()
    try:
        model = load(arguments)
        given = arguments.input_commitment
        commitments = given and [decode.public_file(read(path)).commitment for path in given]
        given = read(arguments.input) if arguments.input else None
        expected = Expected(arguments.security, arguments.context.encode(), given, commitments)
        verify(model, read(arguments.proof), expected)
    except Rejected as reason:
        print(f"rejected: {reason}")
        return 1
    print("accepted")
    return 0


def load(arguments) -> Model:
    if arguments.model:
        return Model(network.decode(read(arguments.model)))
    public = decode.public_file(read(arguments.commitment))
    if public.kind != "model":
        raise Rejected("Commitment", "not of a model")
    return Model(public.graph, public.envelope, public.commitment)


if __name__ == "__main__":
    sys.exit(main())
