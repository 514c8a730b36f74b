"""`linectl runs`: list by word, set side by side, tag with or without a server, follow to the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linectl import words
from linectl.cli.main import run
from linectl.cli.status_text import interlock_lines, screen
from linectl.model.records import ExitStatus
from linectl.server.results.finished import find_run
from linectl.server.results.side_by_side import differing, facts_of
from linectl.store.reader import StoreReader
from linectl.store.store import Store
from tests.cli import stores
from tests.cli.stores import RUN
from tests.cli.terminals import Typist
from tests.server.lines import up

Say = Callable[..., tuple[int, str, str]]
OTHER = "20260101T000000-cd34"


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINECTL_OPERATOR", "Zoé")
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


async def two_runs(store: Store) -> None:
    await stores.with_run(store)
    await stores.finish(store)
    await stores.with_run(store, OTHER, off_s=(60, None, None), seed=8, operator="Max")
    await store.add_event(stores.event("deviation", 5.0, OTHER, text="lid"))
    await stores.finish(store, OTHER, ExitStatus.ABORT, "stopped on request")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stores.made(tmp_path / "data", two_runs)
    return tmp_path / "data"


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str], folder: Path) -> Say:
    def call(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*map(str, argv), "--data", str(folder), "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def data_of(said: tuple[int, str, str]) -> Any:
    body = json.loads(said[1])
    assert body["ok"]
    return body["data"]


# tag


def test_words_find_a_run_again(say: Say, folder: Path) -> None:
    words.use("en")
    assert "words" not in say("runs", "ls")[1].splitlines()[0]
    code, out, err = say("runs", "tag", "last", "night", "glue-B3", "--reason", "for the report")
    assert (code, out, err) == (0, f"{OTHER}: glue-B3, night\n", "")
    assert data_of(say("--json", "runs", "tag", RUN, "night")) == {"run": RUN, "tags": ["night"]}
    assert [each["run"] for each in data_of(say("runs", "ls", "--tag", "night", "--json"))] == [RUN, OTHER]
    assert [each["run"] for each in data_of(say("runs", "ls", "--tag", "night", "--tag", "glue-B3", "--json"))] == [
        OTHER
    ]
    assert say("runs", "ls", "--tag", "none")[1].splitlines()[1:] == []
    assert say("runs", "ls")[1].splitlines()[2].endswith("\tglue-B3, night")
    assert "words: glue-B3, night" in say("runs", "show", OTHER)[1]
    assert data_of(say("runs", "show", "last", "--json"))["tags"] == ["glue-B3", "night"]
    assert say("runs", "tag", "last", "night", "--remove")[1] == f"{OTHER}: glue-B3\n"
    reader = StoreReader(folder / "line.db")
    assert next((each.actor, each.action, each.target) for each in reader.audit()) == ("Zoé", "tag_run", OTHER)
    assert reader.audit_broken() is None
    assert say("audit", "verify")[0] == 0


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("runs", "tag"), 2, "E-USE-003"),
        (("runs", "tag", "last"), 2, "E-USE-003"),
        (("runs", "tag", "last", "two words"), 6, "E-RUN-013"),
        (("runs", "tag", "last", ""), 6, "E-RUN-013"),
        (("runs", "tag", "last", "nope", "--remove"), 6, "E-RUN-012"),
        (("runs", "tag", "no-such-run", "x"), 6, "E-LIM-001"),
        (("runs", "compare"), 2, "E-USE-003"),
        (("runs", "compare", "last", "last"), 2, "E-USE-003"),
        (("runs", "compare", "last", OTHER), 2, "E-USE-003"),
        (("runs", "compare", "last", "no-such-run"), 6, "E-LIM-001"),
        (("runs", "tail", "no-such-run"), 6, "E-LIM-001"),
    ],
)
def test_wrong_words_are_refused_with_a_code(say: Say, argv: tuple[str, ...], code: int, told: str) -> None:
    ended, out, err = say(*argv)
    assert (ended, out) == (code, "")
    assert told in err
    assert "tag_run" not in say("audit", "ls")[1]


async def test_a_run_is_tagged_through_whoever_holds_its_store(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, speed=50.0) as (server, _found):
        assert server.store is not None
        await server.store.start_run(stores.run())
        (tmp_path / "last_run.json").write_text(json.dumps({"run": RUN, "store": str(server.store_file)}))
        argv = ["runs", "tag", RUN[:12], "night", "--data", str(tmp_path), "--json", "--lang", "en"]
        assert await asyncio.to_thread(run, argv) == 0
        assert json.loads(capfd.readouterr().out)["data"] == {"run": RUN, "tags": ["night"]}
        assert await asyncio.to_thread(run, [*argv[:3], "nope", "--remove", *argv[4:]]) == 6
        assert json.loads(capfd.readouterr().out)["error"]["code"] == "E-RUN-012"
        (entry,) = StoreReader(server.store_file).audit()
        assert (entry.actor, entry.action, entry.new) == ("Zoé", "tag_run", '["night"]')


# words of people on a terminal

EVIL = "Ev\x1b]0;x\x07\til\x9b2J"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    async def made(store: Store) -> None:
        await stores.with_run(store, operator=EVIL, ref=EVIL)
        await stores.recorded(store)
        await stores.finish(store, RUN, ExitStatus.ABORT, EVIL)
        await stores.with_run(store, OTHER, operator=EVIL, ref=EVIL + "2")
        await stores.finish(store, OTHER, ExitStatus.ABORT, EVIL)

    stores.made(tmp_path / "data", made)
    return tmp_path / "data"


@pytest.mark.parametrize(
    "argv", [("ls",), ("show", "last"), ("compare", RUN, "last"), ("tail", "last"), ("status",), ("plot", RUN)]
)
def test_a_terminal_obeys_no_word_of_people(
    evil: Path, capfd: pytest.CaptureFixture[str], argv: tuple[str, ...]
) -> None:
    whole = argv if argv[0] in {"status", "plot"} else ("runs", *argv)
    assert run([*whole, "--data", str(evil), "--lang", "en"]) in {0, 8}
    out, err = capfd.readouterr()
    assert "Ev ]0;x  il 2J" in out
    assert not {"\x1b", "\x07", "\x9b"} & {*out, *err}


def test_the_screen_of_a_served_line_obeys_no_word_of_people() -> None:
    words.use("en")
    state: dict[str, Any] = {
        "line": {"name": EVIL, "simulated": False},
        "holder": {"who": EVIL, "pid": 1, "since": "2026-01-01T00:00:00"},
        "prompts": [{"id": 1, "text": EVIL}],
        "interlocks": {"missing": [{"allows": ["x"], "message": EVIL}]},
        "values": {"a": {"value": 1, "unit": EVIL, "quality": "GOOD", "age_s": 1.0}},
    }
    shown = screen(state)
    assert shown.count("Ev ]0;x  il 2J") == 5
    assert not {"\x1b", "\x07", "\x9b"} & {*shown}
    assert "\x1b" not in "".join(interlock_lines(state["interlocks"]))


# compare


def test_runs_stand_side_by_side_and_what_differs_is_marked(say: Say) -> None:
    words.use("en")
    code, out, err = say("runs", "compare", RUN, "last")
    told = {row[1]: row for row in (line.split("\t") for line in out.splitlines())}
    assert (code, err) == (0, "")
    assert told["run"] == ["", "run", RUN, OTHER]
    assert told["seed"] == ["≠", "seed", "7", "8"]
    assert told["line"] == ["", "line", "simulated", "simulated"]
    assert told["ended"] == ["≠", "ended", "complete", "aborted"]
    assert told["labels off"] == ["≠", "labels off", "casein 2/3", "casein 1/3"]
    assert told["half off within"] == ["≠", "half off within", "casein 90 s", "casein not half"]
    assert told["deviations"][2:] == ["0", "1"]
    assert told["treatments"][2] == "60 °C, 1.5 %"
    only = say("runs", "compare", RUN, "last", "--diff")[1]
    assert {line.split("\t")[0] for line in only.splitlines()[1:]} == {"≠"}
    assert len(only.splitlines()) < len(out.splitlines())


def test_a_comparison_for_machines_is_the_same_in_all_languages(say: Say, folder: Path) -> None:
    words.use("fr")
    french = say("runs", "compare", RUN, OTHER, "--json")[1]
    words.use("en")
    assert say("--json", "runs", "compare", RUN, OTHER)[1] == french
    data = json.loads(french)["data"]
    assert json.loads(french)["schema"] == "linectl.runs_compare/1"
    assert data["differ"] == [
        *("operator", "exit_status", "reason", "seed", "removed", "median_off_s", "deviation"),
    ]
    first = data["runs"][0]
    assert (first["removed"], first["median_off_s"]) == ({"casein": [2, 3]}, {"casein": 90.0})
    assert (first["config"], first["calibration"]) == ("c0ffeec0ffee", "ca11ca11ca11")
    facts = facts_of(find_run(RUN, folder))
    assert differing([facts, facts]) == []


def test_a_comparison_fits_a_terminal(folder: Path) -> None:
    with Typist(folder, "runs", "compare", RUN, OTHER, "--data", str(folder), COLUMNS="80") as typist:
        typist.until("program died")
        assert typist.process.wait(30) == 0
    assert max(map(len, typist.all.splitlines())) <= 80
    assert "≠ seed" in typist.all


# tail


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [(ExitStatus.SUCCESS, 0, "complete"), (ExitStatus.ABORT, 8, "aborted"), (ExitStatus.FAIL, 5, "failed")],
)
def test_what_has_ended_is_told_with_its_exit_code(
    say: Say, folder: Path, status: ExitStatus, code: int, told: str
) -> None:
    async def act(store: Store) -> None:
        await stores.with_run(store)
        await stores.finish(store, status=status, reason="why not")

    stores.made(folder, act, name="other.db")
    words.use("en")
    assert say("runs", "tail") == (code, f"run {RUN}: {told}, 1 baths\nwhy not\n", "")
    ended, out, _ = say("runs", "tail", "--json")
    assert (ended, json.loads(out)["data"]["exit_status"]) == (code, status)


def test_a_run_whose_program_died_is_told_as_interrupted(say: Say, folder: Path) -> None:
    stores.made(folder, stores.with_run, name="killed.db")  # closed, but never ended
    words.use("en")
    code, out, _ = say("runs", "tail")
    assert code == 5
    assert "interrupted" in out
    assert json.loads(say("runs", "tail", "--json")[1])["data"]["interrupted"] is True


async def test_a_run_is_followed_to_its_end_and_left_by_ctrl_c(tmp_path: Path) -> None:
    async with up(tmp_path, speed=50.0) as (server, _found):
        assert server.store is not None
        await stores.with_run(server.store)
        (tmp_path / "last_run.json").write_text(json.dumps({"run": RUN, "store": str(server.store_file)}))
        with Typist(tmp_path, "runs", "tail", "--data", str(tmp_path)) as leaver:
            await asyncio.to_thread(leaver.until, "1 of 1 baths done")
            leaver.interrupt()
            await asyncio.to_thread(leaver.until, f"left: the run {RUN} goes on")
            assert await asyncio.to_thread(leaver.process.wait, 30) == 130
        with Typist(tmp_path, "runs", "tail", "--data", str(tmp_path)) as typist:
            await asyncio.to_thread(typist.until, "1 of 1 baths done")
            await server.store.end_run(RUN, ExitStatus.ABORT, "stopped on request", stores.T0 + 300 * stores.S)
            await asyncio.to_thread(typist.until, "aborted, 1 baths")
            assert await asyncio.to_thread(typist.process.wait, 30) == 8


def test_where_no_line_is_served_the_last_run_stands_with_how_to_serve_it(say: Say) -> None:
    code, out, err = say("status")
    assert code == 0
    assert OTHER in out
    assert "no line is served" in err
    assert "linectl serve simulated" in err
