"""3,000 mutated command lines in this process: no traceback, a documented exit code, and a code for every refusal.

What would open a wire, serve, wait or work for long is called with a word too many, so that nothing of it begins. All
others get whatever people may type. A deeper look: `make mutants`, or LINECTL_MUTATIONS=100000 LINECTL_MUTATION_SEED=7.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
from pathlib import Path

import click
import pytest

from linectl.cli.codes.catalogue import explanation
from linectl.cli.main import run
from linectl.cli.verbs import group
from linectl.server.api import endpoint
from tests.cli.test_flags import leaves
from tests.config.mutants import BASES, CASES, SEED, mutant

pytestmark = pytest.mark.timeout(3600)
COUNT = CASES * 3 // 10
NEVER_BEGUN = frozenset(
    {
        *("run", "resume", "serve", "watch", "record", "doctor", "scan modbus", "scan mqtt", "scan serial"),
        *("tags read", "tags trace", "tags watch", "tags write", "sim up", "sim replay", "sim scenario", "sim feed"),
        "cal run",
        *("sim show", "sim stop", "sim fault add", "sim fault clear", "sim fault ls"),
        *(
            "fit",
            "compare",
            "verdict",
            "report",
            "predict",
            "value",
            "next-soak",
            "experiment plan",
            "confirm register",
        ),
    }
)
"""Wires, servers, and analyses that take seconds each."""
ENDS = frozenset({0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
TYPED = (
    *("", "0", "-1", "1e999", "nan", "12", "1.5", "60,5", "last", "no-such-run", "é", "\u202e", "a b", "-", "--"),
    *("---", "-x", "--nonsense", "-h", "--help", "--json", "--lang", "fr", "de", "--data", "empty", "=", "a=b", "'"),
    *("\\", "*", "line", "E-CFG-001", "e-cfg", "bash", "exit-codes", "simulated", "2026-01-01", "9" * 60, "x" * 2000),
    *("\t", "\udcff", "."),
)
CODE = re.compile(r"linectl explain (E-[A-Z]+-[0-9A-Z_]+)")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and working folder with a few files, sound, wrong, missing and none at all."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(endpoint, "_SYSTEM", tmp_path / "run")  # a line that this computer serves is not commanded
    for name in ("VISUAL", "EDITOR", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    here = tmp_path / "here"
    here.mkdir()
    (here / "empty").mkdir()
    for kind, text in BASES.items():
        (here / f"{kind}.yaml").write_text(text, encoding="utf-8")
        (here / f"{kind}-wrong.yaml").write_text(mutant(kind, 3), encoding="utf-8", newline="")
    (here / "bytes.bin").write_bytes(bytes(range(256)) * 8)
    (here / "trials.csv").write_text("run;glue\n1;x\n", encoding="utf-8")
    monkeypatch.chdir(here)
    return here


class Typing:
    """Somebody who types command lines: verbs as they are, and anything behind them."""

    def __init__(self, here: Path) -> None:
        self._verbs = [(path.split(), command) for path, command in leaves(group)]
        self._begun = [each for each in self._verbs if " ".join(each[0]) not in NEVER_BEGUN]
        self._files = [path.name for path in sorted(here.iterdir())]

    def line(self, number: int) -> list[str]:
        rng = random.Random(f"{SEED} commands {number}")
        path, command = rng.choice(self._verbs if rng.random() < 0.15 else self._begun)
        words = [*path, *self._rest(command, rng)]
        if rng.random() < 0.1:
            at = rng.randrange(len(words))
            words[at : at + rng.choice((0, 1))] = [self._word(rng)]
        path_is_whole = words[: len(path)] == path
        if not path_is_whole or " ".join(path) in NEVER_BEGUN:
            words = [*[word for word in words if word not in {"--", "--help"}], "--no-such-option"]
        return words

    def _rest(self, command: click.Command, rng: random.Random) -> list[str]:
        words: list[str] = []
        for parameter in command.params:
            if isinstance(parameter, click.Argument) and rng.random() < 0.95:
                most = 3 if parameter.nargs == -1 or rng.random() < 0.05 else 1
                words += [self._value(parameter, rng) for _ in range(rng.randint(1, most))]
            elif isinstance(parameter, click.Option) and rng.random() < 0.15:
                words.append(rng.choice(parameter.opts))
                words += [] if parameter.is_flag else [self._value(parameter, rng)]
        return words

    def _value(self, parameter: click.Parameter, rng: random.Random) -> str:
        """Return a value that fits the parameter's type as often as not."""
        if isinstance(parameter.type, click.Choice) and rng.random() < 0.7:
            return str(rng.choice(parameter.type.choices))
        if isinstance(parameter.type, click.types.IntParamType | click.types.FloatParamType) and rng.random() < 0.7:
            return rng.choice(("0", "1", "2", "12", "0.5", "1.5", "1000000"))
        if isinstance(parameter.type, click.Path) and parameter.type.dir_okay and not parameter.type.file_okay:
            return rng.choice(("empty", "new", self._word(rng)))
        return self._word(rng)

    def _word(self, rng: random.Random) -> str:
        return rng.choice(TYPED if rng.random() < 0.3 else self._files)


def typed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    return code, out.getvalue(), err.getvalue()


def faults(words: list[str], code: int, out: str, err: str) -> list[str]:
    """Return what is wrong with how a command line ended."""
    found = [] if code in ENDS else [f"ended with {code}, which no page documents"]
    if "Traceback" in out + err:
        found.append("a traceback")
    if code in {0, 10}:
        return found
    told = CODE.findall(err)
    help_alone = code == 2 and "--help" in err  # a group without a verb
    if not told and not help_alone:
        found.append("a refusal without a code")
    known = explanation(told[-1]) if told else None
    if told and (known is None or known.exit_code not in {code, 0}):
        found.append(f"{told[-1]} is not explained, or ends otherwise")
    if out.startswith('{"schema"') and told:
        body = json.loads(out.splitlines()[-1])
        if body["ok"] or body["error"]["code"] != told[-1]:
            found.append("an envelope that says otherwise")
    return found


def test_whatever_is_typed_is_done_or_refused_with_a_code(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typing, ended = Typing(place), dict.fromkeys(sorted(ENDS), 0)
    for number in range(COUNT):
        words = [*typing.line(number), "--lang", "fr" if number % 2 else "en"] if number % 3 else typing.line(number)
        try:
            code, out, err = typed(words, monkeypatch)
        except Exception as trouble:  # noqa: BLE001  # with the words that made it
            pytest.fail(f"command line {number} of seed {SEED}: {trouble!r}\n{words}")
        wrong = faults(words, code, out, err)
        assert not wrong, f"command line {number} of seed {SEED}: {wrong}\n{words}\n{out}\n{err}"
        ended[code] += 1
    assert ended[0] > COUNT / 50, "hardly anything was done"
    assert min(ended[2], ended[3], ended[6]) > COUNT / 100, f"too few refusals of a kind: {ended}"


def test_what_must_not_begin_is_known_by_its_name() -> None:
    assert {path for path, _ in leaves(group)} >= NEVER_BEGUN


def test_the_checks_can_fail() -> None:
    assert faults([], 1, "", "Traceback (most recent call last)") == [
        "ended with 1, which no page documents",
        "a traceback",
        "a refusal without a code",
    ]
    assert faults([], 3, "", "more: linectl explain E-USE-003")
    assert not faults([], 3, "", "more: linectl explain E-CFG-001")
