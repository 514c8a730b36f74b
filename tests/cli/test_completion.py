"""Completion at TAB, asked as shells ask it: names out of files, no device, nothing heavy, never an error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem

from linectl.cli import complete
from linectl.cli.main import run
from linectl.cli.verbs import VERBS
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.lines import LineDefinition
from linectl.store.store import Store
from tests.cli import stores

SHELLS = ("bash", "zsh", "fish", "powershell")
HEAVY = {"yaml", "pydantic", "numpy", "scipy", "pymodbus", "aiomqtt", "serial", "textual", "asyncio", "socket"}
TRIALS = "bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s\n" + "".join(
    f"{bath}-{n},{bath},starch,{degrees},1.0,{60 * n},{60 * n + 60}\n"
    for bath, degrees in (("a", 50), ("b", 62))
    for n in range(1, 9)
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of its own: cache, state and folder are empty, and `linectl` is the first of the path."""
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", str(Path(complete.__file__).parents[2]))  # this linectl, in each process
    program = tmp_path / "bin" / "linectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m linectl "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return here


def asked(*words: str, shell: str = "bash") -> list[str]:
    """Return what linectl answers to a shell whose line is `words`, the last of them being typed."""
    env = {**os.environ, "_LINECTL_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(("linectl", *words))}
    env["COMP_CWORD"] = words[-1] if shell == "fish" else str(len(words))
    done = subprocess.run(
        [sys.executable, "-m", "linectl"], env=env, capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def names(*words: str) -> list[str]:
    return [line.removeprefix("plain,") for line in asked(*words)]


def in_bash(*words: str) -> list[str]:
    """Return what bash itself would offer: its own variables, the printed script, its array of answers."""
    line = " ".join(("linectl", *(word or "''" for word in words)))
    code = (
        f'eval "$(linectl completion bash)"\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words)}\n'
        '_linectl_completion linectl\nprintf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_offers_verbs_tags_and_files_by_the_printed_script(home: Path) -> None:
    assert in_bash("re") == ["resume", "reset", "recipe", "report", "record"]
    tags = in_bash("tags", "read", "simulated", "bath.temp")
    assert tags == [name for name in load_line(find_file("simulated")).tags if name.startswith("bath.temp")]
    assert tags
    (home / "mine.yaml").write_text("# of this folder\nkind: line\nname: mine\n")
    assert {"mine.yaml", "simulated", "simulated_washer"} <= set(in_bash("tags", "ls", ""))


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_really_completes_a_line_at_tab(home: Path) -> None:
    """An interactive bash with a terminal: TAB is typed, and the line is run as it was completed."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    (home / "rc").write_text('PS1="> "\neval "$(linectl completion bash)"\necho ready\n')
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", str(home / "rc"), "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "dumb", "LINECTL_LANG": "en"},
        start_new_session=True,
    )
    os.close(slave)
    try:
        said = heard(master, "ready")
        os.write(master, b"linectl expl\tE-DE\t\r")
        said += heard(master, "what to do")
        assert "linectl explain E-DEV-001" in said
    finally:
        shell.kill()
        shell.wait()
        os.close(master)


def heard(master: int, wanted: str) -> str:
    """Return what a terminal said until `wanted` came; pytest's own limit ends a wait for nothing."""
    said = ""
    while wanted not in said:
        said += os.read(master, 4096).decode("utf-8", "replace")
    return said


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_that_asks_linectl(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capfd.readouterr().out
    assert "_LINECTL_COMPLETE" in script
    assert f"{shell}_complete" in script
    assert run(["completion", shell, "--json"]) == 0
    data = json.loads(capfd.readouterr().out)["data"]
    assert data["script"].strip() == script.strip()
    assert f"linectl completion {shell}" in data["install"]


def test_a_shell_that_is_not_known_is_a_wrong_use(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == 2
    assert "powershell" in capfd.readouterr().err


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_the_script_of_bash_is_sound() -> None:
    script = subprocess.run([sys.executable, "-m", "linectl", "completion", "bash"], capture_output=True, check=True)
    assert subprocess.run(["bash", "-n"], input=script.stdout, capture_output=True, check=True).stderr == b""


@pytest.mark.usefixtures("home")
def test_each_shell_is_answered_in_its_own_form() -> None:
    assert asked("verd") == ["plain,verdict"]
    assert asked("verd", shell="fish")[0].startswith("plain,verdict\t")
    for shell in ("zsh", "powershell"):
        kind, name, text = asked("verd", shell=shell)
        assert (kind, name) == ("plain", "verdict")
        assert text


@pytest.mark.usefixtures("home")
def test_all_verbs_are_offered_and_options_too() -> None:
    assert names("") == list(VERBS)
    assert "--sim" in names("run", "x", "--s")
    assert names("sim", "sc") == ["scenario"]


@pytest.mark.usefixtures("home")
def test_runs_are_offered_with_last_and_from_the_folder_that_is_named(home: Path) -> None:
    (home / "past.csv").write_text(TRIALS)
    assert names("runs", "show", "") == ["last"]
    assert run(["import", "past.csv", "--data", "elsewhere"]) == 0
    assert names("runs", "show", "") == ["last"]
    for words in (("runs", "show", "--data", "elsewhere", ""), ("--data", "elsewhere", "fit", "")):
        last, imported = names(*words)
        assert last == "last"
        assert (home / "elsewhere" / "imports.db").exists()
        assert names(*words[:-1], imported[:8]) == [imported]


def test_recorded_tags_and_words_of_runs_are_offered_from_the_folder_that_is_named(home: Path) -> None:
    assert names("history", "--data", "data", "") == []

    async def act(store: Store) -> None:
        await stores.with_run(store)
        await stores.finish(store)

    stores.made(home / "data", stores.recorded, act)
    assert run(["runs", "tag", "last", "night", "--data", "data"]) == 0
    assert names("history", "--data", "data", "bath.l") == ["bath.level", "bath.lid_closed"]
    assert names("plot", "--data", "data", "last", "bath.t") == ["bath.temperature"]
    assert names("plot", "--data", "data", "last", "bath.level", "bath.le") == []
    assert names("runs", "ls", "--data", "data", "--tag", "") == ["night"]
    assert names("runs", "compare", "--data", "data", "2026") == [stores.RUN]
    assert names("log", "--data", "data", "--run", "la") == ["last"]


def test_files_are_offered_by_their_kind(home: Path) -> None:
    for name, text in {
        "soak.yaml": "kind: experiment\n",
        "hall.yaml": "# a line\nkind: line\n",
        "jam.yaml": "kind: scenario\n",
        "other.yaml": "answers: {}\n",
        "script.py": "",
    }.items():
        (home / name).write_text(text)
    own = {"soak.yaml", "hall.yaml", "jam.yaml", "other.yaml", "script.py"}
    for words, expected in {
        ("run",): {"soak.yaml", "script.py"},
        ("experiment", "check"): {"soak.yaml"},
        ("doctor",): {"hall.yaml"},
        ("run", "x", "--line"): {"hall.yaml"},
        ("sim", "scenario"): {"jam.yaml"},
        ("config", "check"): {"soak.yaml", "hall.yaml", "jam.yaml"},
    }.items():
        assert set(names(*words, "")) & own == expected, words
    assert "glue_screening" in names("run", "gl")
    assert names("run", "glue_screening", "--line", "simulated_w") == ["simulated_washer"]


@pytest.mark.usefixtures("home")
def test_a_folder_and_what_is_not_known_are_left_to_the_shell() -> None:
    assert asked("run", "sub/fi") == ["file,sub/fi"]
    assert asked("run", "zzz") == ["file,zzz"]


@pytest.mark.usefixtures("home")
def test_codes_and_faults_are_offered() -> None:
    assert names("explain", "e-dev") == ["E-DEV-001"]
    assert len(names("sim", "fault", "add", "")) > 30


def context(line: Path) -> tuple[click.Context, click.Parameter]:
    context = click.Context(click.Command("read"))
    context.params["line"] = line
    return context, click.Argument(["tag"])


def values(items: Sequence[CompletionItem[str]]) -> list[str]:
    return [each.value for each in items]


@pytest.fixture
def line(home: Path) -> Path:
    """A line of our own, as the simulated one."""
    file = home / "mine.yaml"
    file.write_text(find_file("simulated").read_text("utf-8"), encoding="utf-8")
    for other in ("simulated_calibration.yaml",):
        (home / other).write_text(find_file(other).read_text("utf-8"), encoding="utf-8")
    return file


def test_tags_are_kept_until_a_file_changes(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = values(complete.tags(*context(line), "bath."))
    assert "bath.temperature" in first

    read = []

    def counted(path: Path) -> LineDefinition:
        read.append(path)
        return load_line(path)

    monkeypatch.setattr("linectl.config.load.load_line", counted)
    assert values(complete.tags(*context(line), "bath.")) == first
    assert read == []
    (line.parent / "beside.yaml").write_text("kind: device\n")  # it may be one of the line's devices
    assert values(complete.tags(*context(line), "bath.")) == first
    assert read == [line]
    line.write_text(line.read_text("utf-8") + "# changed\n", encoding="utf-8")
    assert values(complete.tags(*context(line), "bath.")) == first
    assert read == [line, line]


def test_a_damaged_cache_is_made_again(line: Path) -> None:
    first = values(complete.tags(*context(line), ""))
    (kept,) = (Path(os.environ["XDG_CACHE_HOME"]) / "linectl" / "names").iterdir()
    kept.write_text("{")
    assert values(complete.tags(*context(line), "")) == first
    assert json.loads(kept.read_text("utf-8"))["tags"] == first


def test_a_cache_that_cannot_be_written_costs_nothing_else(line: Path) -> None:
    Path(os.environ["XDG_CACHE_HOME"]).write_text("a file, no folder")
    assert "bath.temperature" in values(complete.tags(*context(line), "bath."))


@pytest.mark.parametrize("text", ["kind: line\nname: [", "kind: line\n", "\x00\xff"])
def test_a_wrong_or_missing_line_offers_nothing_and_says_nothing(home: Path, text: str) -> None:
    (home / "wrong.yaml").write_text(text)
    assert asked("tags", "read", "wrong.yaml", "") == []
    assert asked("tags", "read", "nowhere.yaml", "") == []
    assert asked("nonsense", "read", "") != []


def test_what_was_said_is_not_offered_again(line: Path) -> None:
    assert "bath.temperature" in names("tags", "read", str(line), "bath.temp")
    assert "bath.temperature" not in names("tags", "read", str(line), "bath.temperature", "bath.temp")


@pytest.mark.parametrize(
    "words",
    [
        ("",),
        ("run", ""),
        ("runs", "show", ""),
        ("explain", ""),
        ("log", "--run", ""),
        ("plot", "last", ""),
        ("history", ""),
        ("tags", "read", "simulated", ""),
    ],
)
@pytest.mark.usefixtures("home")
def test_nothing_heavy_is_loaded_to_complete(words: tuple[str, ...]) -> None:
    names(*words)  # the first time a line is read as a whole
    code = (
        "import sys\nfrom linectl.cli.main import run\n"
        "try:\n    run([])\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    )
    env = {**os.environ, "_LINECTL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("linectl", *words))}
    env["COMP_CWORD"] = str(len(words))
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    allowed = {"asyncio", "socket"} if words[0] == "tags" else set()  # the verb's own
    assert set(done.stderr.split()) & HEAVY <= allowed
