"""TAB answered without click: the same words as click says, fast, and from the names that a server keeps."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from linectl.cli import kept
from linectl.cli.kept import kept_items
from linectl.cli.main import run
from linectl.cli.tab import table_file
from linectl.server.kept_names import keep_names, names_file, served_file
from linectl.server.name_keeper import NameKeeper
from tests.cli.test_completion import TRIALS, asked
from tests.server.lines import up

LINES = [
    ("",),
    ("re",),
    ("-",),
    ("sim", ""),
    ("sim", "fault", ""),
    ("export", "--f"),
    ("export", "last", "--format", ""),
    ("export", "last", "--format", "p"),
    ("export", "last", "--to", "some"),
    ("export", "last", "--format", "csv", "-"),
    ("--json", "export", "--"),
    ("runs", "show", ""),
    ("runs", "show", "la"),
    ("--data", "elsewhere", "runs", "show", ""),
    ("report", "last", ""),
    ("run", ""),
    ("run", "gl"),
    ("run", "x", "--line", "sim"),
    ("run", "sub/fi"),
    ("doctor", "simulated", ""),
    ("tags", "read", "simulated", "bath.l"),
    ("tags", "read", "simulated", "bath.level", "bath.l"),
    ("explain", "e-dev"),
    ("lot", "show", ""),
    ("recipe", "select", "ref"),
    ("completion", ""),
    ("cal", "show", "--line", "simulated", ""),
    ("nonsense", "re"),
    ("answer", ""),
    ("alarms", "ack", ""),
    ("config", "schema", "l"),
    ("run", "--nonsense", ""),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", str(Path(kept.__file__).parents[2]))
    return here


def loaded(*words: str) -> set[str]:
    """Return the modules that a TAB loads."""
    code = (
        "import sys, atexit\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from linectl.__main__ import main\nmain()"
    )
    env = {**os.environ, "_LINECTL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("linectl", *words))}
    env["COMP_CWORD"] = str(len(words))
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_second_tab_says_what_click_said_at_the_first(home: Path, shell: str) -> None:
    (home / "mine.yaml").write_text("kind: experiment\n")
    (home / "past.csv").write_text(TRIALS)
    assert run(["import", "past.csv", "--data", "elsewhere"]) == 0
    lines = LINES if shell == "bash" else LINES[::3]
    first = {words: asked(*words, shell=shell) for words in lines}
    again = {words: asked(*words, shell=shell) for words in lines}
    assert again == first
    assert any(first.values())


@pytest.mark.parametrize("words", [("re",), ("export", "--f"), ("runs", "show", ""), ("export", "--format", "")])
def test_the_second_tab_loads_neither_click_nor_anything_slow(home: Path, words: tuple[str, ...]) -> None:
    (home / "past.csv").write_text(TRIALS)
    assert run(["import", "past.csv"]) == 0
    assert "click" in loaded(*words), "the control: at first it is click that answers"
    slow = {"click", "pathlib", "gettext", "typing", "dataclasses", "inspect", "sqlite3", "socket", "asyncio"}
    assert not slow & loaded(*words)


def test_a_table_that_is_damaged_or_old_is_made_again(home: Path) -> None:
    expected = asked("export", "--f")
    (table,) = (Path(os.environ["XDG_CACHE_HOME"]) / "linectl").glob("tab-*.json")
    good = json.loads(table.read_text("utf-8"))
    for text in (
        "{",
        "[]",
        '{"stamp": 1}',
        json.dumps({**good, "stamp": "other"}),
        json.dumps({"stamp": good["stamp"]}),
    ):
        table.write_text(text, encoding="utf-8")
        assert asked("export", "--f") == expected
        assert json.loads(table.read_text("utf-8"))["commands"]["export"]
    assert Path(table_file()).suffix == ".json"


@pytest.mark.parametrize("place", [None, "", "x"])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_that_does_not_say_which_word_gets_no_answer_and_no_traceback(
    home: Path, shell: str, place: str | None
) -> None:
    env = {**os.environ, "_LINECTL_COMPLETE": f"{shell}_complete", "COMP_WORDS": "linectl re"}
    env.pop("COMP_CWORD", None)
    if place is not None:
        env["COMP_CWORD"] = place
    done = subprocess.run([sys.executable, "-m", "linectl"], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_cache_that_cannot_be_written_costs_nothing_else(home: Path) -> None:
    Path(os.environ["XDG_CACHE_HOME"]).write_text("a file, no folder")
    assert asked("export", "--f") == asked("export", "--f") != []


def test_names_are_read_from_the_store_where_the_file_is_old_and_kept_then(home: Path) -> None:
    (home / "past.csv").write_text(TRIALS)
    assert run(["import", "past.csv", "--data", "d"]) == 0
    assert kept_items("runs", {"data": "d"}) is None
    last, imported = asked("runs", "show", "--data", "d", "")
    assert last == "plain,last"
    file = names_file(home / "d" / "imports.db")
    assert [name for name, _ in kept_items("runs", {"data": "d"}) or ()] == ["last", imported.removeprefix("plain,")]
    for text in ("{", "[]", '{"runs": 7}', '{"runs": [["x"]]}', '{"runs": [["another", ""]]}'):
        file.write_text(text, encoding="utf-8")
        assert asked("runs", "show", "--data", "d", "") == [last, imported]
    (home / "d" / "imports.db").unlink()
    file.unlink()
    assert asked("runs", "show", "--data", "d", "") == ["plain,last"]
    assert asked("predict", "--data", "d", "--glue", "") == []


def test_glues_of_past_trials_are_offered(home: Path) -> None:
    (home / "past.csv").write_text(TRIALS)
    assert run(["import", "past.csv", "--data", "d"]) == 0
    for _ in range(2):
        assert asked("predict", "--data", "d", "--glue", "s") == ["plain,starch"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_name_that_a_shell_would_obey_is_not_offered(home: Path, shell: str) -> None:
    bad = (
        "starch;touch${IFS}pwn",
        "sta$(touch pwn)",
        "starch\x1b]0;x\x07",
        "star ch",
        "st`x`",
        "st'x",
        "st|x",
        "st\tx",
    )
    rows = TRIALS + "".join(
        f'{n}-{at},{bath},"{glue}",50,1.0,{60 * at},{60 * at + 60}\n'
        for n, glue in enumerate((*bad, "starch-é.2"))
        for bath in ("a",)
        for at in range(1, 3)
    )
    (home / "past.csv").write_text(rows, encoding="utf-8")
    for name in ("ok.yaml", "st;touch pwn.yaml"):
        (home / name).write_text("kind: experiment\n")
    assert run(["import", "past.csv", "--data", "d"]) == 0
    said = [asked("predict", "--data", "d", "--glue", "st", shell=shell) for _ in range(2)]
    for lines in said:  # as click says it, and out of the table
        words = {word for line in lines for word in line.replace("\t", ",").split(",")}
        assert words - {"plain", "_"} == {"starch", "starch-é.2"}
    assert {line for _ in range(2) for line in asked("run", "st", shell=shell) if "touch" in line} == set()
    assert any("ok.yaml" in line for line in asked("run", "ok", shell=shell))


def test_what_is_told_of_a_name_stays_on_its_line(home: Path) -> None:
    (home / "d").mkdir()
    (home / "d" / "some.served.json").write_text(json.dumps({"tags": [["a.b", "x\nplain,evil\x1b[2J"], ["-x", ""]]}))
    assert kept_items("served_tags", {"data": "d"}) == [("a.b", "x plain,evil [2J")]


def test_a_tab_without_its_variables_says_nothing(home: Path) -> None:
    for more in ({}, {"COMP_WORDS": "linectl re"}, {"COMP_WORDS": "linectl re", "COMP_CWORD": "x"}):
        for _ in range(2):
            asked("re")  # the table is there
            env = {**os.environ, "_LINECTL_COMPLETE": "bash_complete", **more}
            done = subprocess.run(
                [sys.executable, "-m", "linectl"], env=env, capture_output=True, text=True, check=False
            )
            assert (done.stdout.strip(), done.stderr) == ("", "")


async def test_a_tab_meanwhile_does_not_put_old_tags_back(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    async with up(folder) as (server, _found):
        keep_names(server.store_file, server.definition)
        served, names = served_file(server.store_file), names_file(server.store_file)
        told = served.read_text("utf-8")
        names.unlink()
        keep_names(server.store_file)  # as a TAB does
        assert served.read_text("utf-8") == told
        assert {"tags", "alarms"}.isdisjoint(json.loads(names.read_text("utf-8")))
        assert ("bath.level", "%") in (kept_items("served_tags", {"data": str(folder)}) or ())


async def test_a_server_keeps_the_names_of_its_line(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    async with up(folder) as (server, found):
        file = names_file(server.store_file)
        async with NameKeeper(server), asyncio.timeout(20.0):
            while not file.exists():
                await asyncio.sleep(0.02)
        assert json.loads(file.read_text("utf-8"))["line"] == "simulated"  # a small file of a test
        told = json.loads(served_file(server.store_file).read_text("utf-8"))
        assert ["bath.level", "%"] in told["tags"]
        assert server.definition.alarms is not None
        assert told["alarms"] == list(server.definition.alarms.alarms)
        assert Path(found.endpoint.store) == server.store_file.absolute()  # the same
        params = {"data": str(folder)}
        assert ("bath.level", "%") in (kept_items("served_tags", params) or ())
        assert ("bath.level", "%") in (kept_items("tags", {**params, "line": "simulated"}) or ())
        assert kept_items("tags", {**params, "line": "other"}) is None
        assert kept_items("served_lines", params) == [("simulated", "")]
        alarm = told["alarms"][0]
        for words, expected in (
            (("alarms", "ack", "--data", str(folder), alarm[:4]), f"plain,{alarm}"),
            (("set", "--data", str(folder), "bath.le"), "plain,bath.level"),
            (("status", "--data", str(folder), "--line", ""), "plain,simulated"),
        ):
            for _ in range(2):
                assert expected in await asyncio.to_thread(asked, *words)
