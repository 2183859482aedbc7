"""Compares verdicts: `python tests/compare.py FOLDER`, a folder that the exporter wrote.

The exporter: `VERINFER_CASES=FOLDER cargo test --workspace --test forgery proofs_and -- --ignored`.
"""

import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from verinfer_spec import architecture, decode, network  # noqa: E402
from verinfer_spec.reject import Rejected  # noqa: E402
from verinfer_spec.verify import Expected, Model, verify  # noqa: E402


def model(folder: Path) -> Model:
    known = folder / "model.graph"
    if known.exists():
        return Model(network.decode(known.read_bytes()))
    public = decode.public_file((folder / "model.vcm").read_bytes())
    return Model(public.graph, public.envelope, public.commitment)


def group(job):
    folder, cases = job
    level, context = (folder / "demands").read_text().split(" ", 1)
    subject, found = model(folder), []
    for file, expected in cases:
        try:
            degenerate = "demanding" not in file
            demands = Expected(int(level), context.encode(), allow_degenerate=degenerate)
            verify(subject, (folder / file).read_bytes(), demands)
            verdict = "accepted"
        except Rejected as reason:
            verdict = reason.code
        except Exception as error:  # A verifier has to have a verdict.
            verdict = f"{type(error).__name__}: {error}"
        found.append((folder.name, file, expected, verdict))
    return found


def encoding(line: str):
    """A line and the verdict on an encoded architecture."""
    try:
        architecture.decode(bytes.fromhex(line.split(" ")[0]))
        return line, "valid"
    except Rejected:
        return line, "refused"
    except Exception as error:
        return line, f"{type(error).__name__}: {error}"


def main() -> int:
    start, folder = time.time(), Path(sys.argv[1])
    groups: dict[str, list] = {}
    for line in (folder / "cases").read_text().splitlines():
        name, file, expected = line.split(" ")
        groups.setdefault(name, []).append((file, expected))
    jobs = sorted(((folder / name, cases) for name, cases in groups.items()), key=lambda job: -len(job[1]))
    # Long groups in parts, so that no process is left alone at the end.
    jobs = [(where, cases[i : i + 20]) for where, cases in jobs for i in range(0, len(cases), 20)]
    results = []
    with Pool() as pool:
        for part in pool.imap_unordered(group, jobs):
            results += part
            for name, file, expected, verdict in part:
                if expected != verdict:
                    print(f"{name}/{file}: {verdict}, expected {expected}", flush=True)
        listed = folder / "architectures"
        lines = listed.read_text().splitlines() if listed.exists() else []
        encodings = pool.map(encoding, lines, chunksize=20)
    unlike = [(line, verdict) for line, verdict in encodings if not line.endswith(f" {verdict}")]
    for line, verdict in unlike[:20]:
        print(f"architecture {line}: {verdict}")
    print(f"{len(encodings)} architectures, {len(unlike)} with another verdict")
    wrong = [case for case in results if case[2] != case[3]]
    verdicts = Counter(expected for _, _, expected, _ in results)
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))
    print(f"{len(results)} cases, {len(wrong)} with another verdict, {time.time() - start:.0f} s")
    return 1 if wrong or unlike or not results else 0


if __name__ == "__main__":
    sys.exit(main())
