"""Fuzz the parsers of `drivers` under atheris: coverage-guided, a million executions and more over all targets.

    python tools/fuzz.py                           all targets, 1,200,000 executions in all
    python tools/fuzz.py json_payload --runs 5000000
    python tools/fuzz.py --replay json_payload 7b226122   the input in hexadecimal (or a file with its bytes)
    python tools/fuzz.py --save                    keep what reached new code in tests/data/fuzz

The targets are those of `tests/drivers/fuzz_targets.py`. First the harness has to find the mistake in a parser that
was broken on purpose; then each target starts from its saved corpus, on as many cores as there are. A crash prints its
traceback, its input, and how to replay it; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

CORPUS = ROOT / "tests" / "data" / "fuzz"
TOTAL = 1_200_000
BROKEN = "broken on purpose"
_BROKEN_RUNS = 200_000
_LONGEST = 300  # bytes of an input: longer than any frame; the limits above that have tests of their own
_SLOWEST_S = 900
_KEPT_BYTES = 6_000  # of corpus a target
_DONE = re.compile(r"Done (\d+) runs in")


@dataclass(frozen=True, slots=True)
class Ended:
    """One target's run: how many executions, what crashed it (empty when nothing did), and what it learned."""

    target: str
    runs: int
    took_s: float
    crash: bytes | None
    output: str
    corpus: tuple[bytes, ...]


def fuzz_here(name: str, runs: int, folders: Sequence[str]) -> None:
    """Be the process that fuzzes one target; atheris ends it."""
    import atheris

    with atheris.instrument_imports(include=["drivers", "tests.drivers.fuzz_targets"]):
        from tests.drivers import fuzz_targets
    target = fuzz_targets.BROKEN if name == BROKEN else fuzz_targets.TARGETS[name]
    scratch = Path(folders[0]).parent
    options = [f"-runs={runs}", "-seed=1", f"-max_len={_LONGEST}", "-timeout=10", "-rss_limit_mb=2000"]
    options.append(f"-artifact_prefix={scratch}/")
    if target.words:
        words = scratch / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words), encoding="ascii")
        options.append(f"-dict={words}")
    atheris.Setup([sys.argv[0], *options, *folders], target.run)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def fuzz(name: str, runs: int) -> Ended:
    """Fuzz one target in a process of its own, from its saved corpus on."""
    from tests.drivers.fuzz_targets import corpus

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        found, seeds = Path(scratch, "found"), Path(scratch, "seeds")
        for folder, inputs in ((found, ()), (seeds, corpus(CORPUS, name))):
            folder.mkdir()
            for number, data in enumerate(inputs):
                (folder / str(number)).write_bytes(data)
        command = [sys.executable, __file__, "--one", name, "--runs", str(runs), str(found), str(seeds)]
        try:
            ended = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=_SLOWEST_S, check=False)
            output = (ended.stdout + ended.stderr).decode(errors="replace")
            failed = ended.returncode != 0
        except subprocess.TimeoutExpired as exc:
            output, failed = f"not done within {_SLOWEST_S} s\n{(exc.stderr or b'').decode(errors='replace')}", True
        done = _DONE.search(output)
        crashes = [file.read_bytes() for file in sorted(Path(scratch).glob("*-*")) if file.is_file()]
        crash = (crashes[0] if crashes else b"") if failed else None
        learned = tuple(sorted({file.read_bytes() for file in found.iterdir()}, key=lambda data: (len(data), data)))
    return Ended(name, int(done[1]) if done else 0, time.monotonic() - began_s, crash, output, learned)


def told(ended: Ended) -> str:
    """Return what a person should know of a target that crashed."""
    assert ended.crash is not None
    said = [line for line in ended.output.splitlines() if not line.startswith(("#", "INFO:", "WARNING:", "0x"))]
    tail = "\n".join(said[-40:])
    where = f"python tools/fuzz.py --replay {ended.target} {ended.crash.hex() or repr('')}"
    return f"{tail}\n{ended.target} crashed on {ended.crash!r}\nreplay it: {where}"


def replay(name: str, what: str) -> None:
    """Give one input, in hexadecimal or from a file, to a target; its traceback is what this is for."""
    from tests.drivers.fuzz_targets import TARGETS

    file = Path(what)
    TARGETS[name].run(file.read_bytes() if what and file.is_file() else bytes.fromhex(what))
    print(f"{name} takes it")


def save(ended: Ended) -> None:
    """Add the shortest inputs that reached new code to the saved corpus, up to a few KB a target."""
    from tests.drivers.fuzz_targets import corpus

    kept = list(corpus(CORPUS, ended.target))
    size = sum(map(len, kept))
    for data in ended.corpus:
        if data not in kept and size + len(data) <= _KEPT_BYTES:
            kept.append(data)
            size += len(data)
    folder = CORPUS / ended.target
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{data.hex()}\n" for data in sorted(kept, key=lambda data: (len(data), data)) if data)
    (folder / "corpus.txt").write_text(text, encoding="ascii")


def controlled() -> bool:
    """Return whether the harness finds the mistake that was made on purpose."""
    ended = fuzz(BROKEN, _BROKEN_RUNS)
    found = ended.crash is not None and "IndexError" in ended.output
    print(f"{BROKEN}: {f'found, {ended.crash!r}' if found else 'NOT FOUND'} in {ended.took_s:.0f} s", flush=True)
    if not found:
        print(ended.output[-4000:])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    from tests.drivers.fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all of them by default")
    parser.add_argument("--runs", type=int, default=TOTAL, help="executions in all")
    parser.add_argument("--save", action="store_true", help="keep what reached new code in tests/data/fuzz")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "INPUT"))
    asked = parser.parse_args(arguments)
    if asked.replay:
        replay(*asked.replay)
        return 0
    names = asked.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if not controlled():
        return 1
    return fuzz_all(names, asked.runs, keep=asked.save)


def fuzz_all(names: Sequence[str], runs: int, *, keep: bool) -> int:
    """Fuzz the targets side by side, each by its share of `runs`; return the exit code."""
    from tests.drivers.fuzz_targets import TARGETS

    shares = sum(TARGETS[name].share for name in names)
    crashed, executed, began_s = 0, 0, time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs_by_name = {name: -(-runs * TARGETS[name].share // shares) for name in names}
        for ended in pool.map(lambda name: fuzz(name, runs_by_name[name]), names):
            executed += ended.runs
            if ended.crash is None and ended.runs >= runs_by_name[ended.target]:
                print(f"{ended.target}: {ended.runs} executions in {ended.took_s:.0f} s", flush=True)
            else:
                crashed += 1
                print(told(ended) if ended.crash is not None else f"{ended.output[-2000:]}\n{ended.target} ended early")
            if keep:
                save(ended)
    print(f"{executed} executions in {time.monotonic() - began_s:.0f} s, {crashed} of {len(names)} targets crashed")
    return 1 if crashed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz_here(sys.argv[2], int(sys.argv[4]), sys.argv[5:])
    sys.exit(main())
