"""`linectl history` and `plot`: recorded values as rows and curves, gaps told as gaps, wrong words refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.curves import Curve, dots_of, panel
from linectl.cli.history_rows import Bucket, Gap, bucketed, gaps_told, round_step_s
from linectl.cli.main import run
from linectl.model.readings import GOOD, Quality, bad
from linectl.store.history import Sample
from linectl.store.store import Store
from tests.cli import stores
from tests.cli.stores import RUN, S
from tests.cli.terminals import Typist

Say = Callable[..., tuple[int, str, str]]
FROM, TO = "2026-01-01T00:00:00", "2026-01-01T00:10:00"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stores.made(tmp_path / "data", stores.recorded)
    return tmp_path / "data"


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str], folder: Path) -> Say:
    def call(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*map(str, argv), "--data", str(folder), "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


# rows


def sample(at_s: float, value: float | None = 1.0, *, boot: str = "b", quality: Quality = GOOD) -> Sample:
    return Sample(round(at_s * S), value, quality, "°C", boot, round(2.5 * S))


def test_gaps_are_told_before_between_and_after() -> None:
    found = list(gaps_told([sample(10), sample(11), sample(20), sample(21, boot="c")], 0, 40 * S))
    assert [each for each in found if isinstance(each, Gap)] == [
        Gap(0, 10 * S),
        Gap(11 * S, 20 * S),
        Gap(21 * S, 40 * S),
    ]
    restarted = [each for each in gaps_told([sample(1), sample(9, boot="c")], 0, 10 * S) if isinstance(each, Gap)]
    assert restarted == [Gap(1 * S, 9 * S, restarted=True)]
    assert not [each for each in gaps_told([sample(1), sample(2)], 0, 3 * S) if isinstance(each, Gap)]
    assert list(gaps_told([], 0, 10 * S)) == []


def test_a_bucket_holds_least_most_and_what_was_not_good() -> None:
    told = [sample(0, 5.0), sample(1, None, quality=bad("timeout")), sample(2, 9.0), sample(3, 7.0), sample(10, 1.0)]
    first, second = bucketed(told, 10.0)
    assert first == Bucket(0, "°C", 7.0, 5.0, 9.0, 4, 1, bad("timeout"))
    assert second == Bucket(10 * S, "°C", 1.0, 1.0, 1.0, 1, 0, GOOD)
    (empty,) = bucketed([sample(0, None, quality=bad("timeout"))], 10.0)
    assert isinstance(empty, Bucket)
    assert (empty.last, empty.low, empty.high, empty.doubtful) == (None, None, None, 1)


def test_a_gap_within_a_bucket_is_counted_and_one_beyond_it_is_a_row() -> None:
    told = gaps_told([sample(0), sample(5), sample(25), sample(26)], 0, 27 * S)
    first, gap, second = bucketed(told, 10.0)
    assert isinstance(first, Bucket)
    assert first.missing_ns == 5 * S
    assert gap == Gap(5 * S, 25 * S)
    assert isinstance(second, Bucket)
    assert second.t_ns == 25 * S  # not 20: there nothing was recorded
    begins = [
        each.t_ns for each in bucketed([sample(3), sample(4), sample(5)], 2.0, zero_ns=S) if isinstance(each, Bucket)
    ]
    assert begins == [3 * S, 5 * S]


def test_steps_are_round_and_few_enough() -> None:
    assert [round_step_s(span, 20) for span in (10, 600, 3600, 86_400, 30 * 86_400)] == [1, 30, 300, 7200, 604_800]
    assert round_step_s(1e9, 20) == 5e7


# curves


def curve(
    points: Sequence[tuple[float, float | None]], dots: int = 100, span_s: float = 100.0, boot: str = "b"
) -> Curve:
    found = Curve("bath.temperature", "°C", 0, round(span_s * S), dots)
    for at_s, value in points:
        found.take(round(at_s * S), value, boot=boot, far_ns=round(2.5 * S))
    return found


def picture(found: Curve, width: int = 61) -> list[str]:
    return panel([found], width, 14)


def test_no_line_is_drawn_over_a_gap_and_one_is_without_it() -> None:
    whole = picture(curve([(k, 20.0 + k) for k in range(100)]))
    broken = picture(curve([(k, 20.0 + k) for k in range(100) if not 40 <= k < 60]))
    bad_values = picture(curve([(k, None if 40 <= k < 60 else 20.0 + k) for k in range(100)]))

    def empty_columns(lines: list[str]) -> set[int]:
        rows = [line.ljust(61)[11:61] for line in lines[1:-2]]
        return {at for at in range(50) if all(row[at] == " " for row in rows)}

    assert empty_columns(whole) == set()
    assert empty_columns(broken) == empty_columns(bad_values) == set(range(20, 30))


def test_a_single_peak_among_many_values_is_seen() -> None:
    flat = [(k / 100, 20.0) for k in range(10_000)]
    peaked = [(at, 90.0 if at == 50.0 else value) for at, value in flat]
    found = curve(peaked)
    assert len(found.columns) == 100
    assert max(each.high for each in found.columns.values()) == 90.0
    assert len(set(picture(found)[1])) > 2  # something stands in the top row
    assert found.digits() == 1


def test_an_axis_has_round_figures_its_unit_and_times() -> None:
    lines = picture(curve([(k, 20.0 + k * 0.6) for k in range(100)]), 78)
    assert lines[0].strip() == "°C  bath.temperature"
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ["60", "40", "20"]
    assert "00:00:30" in lines[-2]
    assert "1970-01-01" in lines[-1]
    assert "UTC+00:00" in lines[-1]
    assert all(len(line) <= 78 for line in lines)


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-9, 1e12, 1e300, float("nan"), float("inf")])
def test_any_steady_value_has_a_picture(value: float) -> None:
    lines = picture(curve([(k, value) for k in range(100)]))
    assert len(lines) == (2 if value - value else 14)
    assert all(len(line) <= 78 for line in lines)


def test_two_curves_of_one_unit_are_told_apart() -> None:
    first, second = curve([(k, 20.0) for k in range(100)]), curve([(k, 30.0) for k in range(100)])
    lines = panel([first, second], 78, 14)
    assert "━━━━ bath.temperature" in lines[0]
    assert "━ ━  bath.temperature" in lines[0]
    rows = [line[11:].strip() for line in lines[1:-2] if line[11:].strip()]
    assert len(rows) == 2
    assert dots_of(78) == 134


# the verb


def test_all_values_of_a_pipe_come_with_their_gaps_and_why(say: Say) -> None:
    words.use("en")
    code, out, err = say("history", "bath.temperature", "--since", FROM, "--until", TO)
    lines = [line.split("\t") for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[0] == ["time", "value", "unit", "quality"]
    assert lines[1] == ["2026-01-01T00:00:00.000+00:00", "20", "°C", "good"]
    assert lines[41] == ["2026-01-01T00:00:40.000+00:00", "–", "°C", "not connected"]
    assert lines[101][3] == "nothing recorded until 2026-01-01T00:05:00.000+00:00"
    assert lines[-1][3] == "nothing recorded until 2026-01-01T00:10:00.000+00:00"
    assert len(lines) == 1 + 150 + 2


def test_for_machines_it_is_one_envelope_whatever_the_language(say: Say) -> None:
    asked = ("history", "bath.temperature", "--since", FROM, "--until", TO, "--json")
    words.use("fr")
    french = say(*asked)
    words.use("en")
    code, out, err = say(*asked)
    assert (code, err) == (0, "")
    assert out == french[1]
    body = json.loads(out)
    assert (body["schema"], body["ok"], body["error"]) == ("linectl.history/1", True, None)
    data = body["data"]
    assert list(data) == ["tag", "unit", "store", "since", "until", "every_s", "values", "gaps"]
    assert data["values"][0] == {
        "time": "2026-01-01T00:00:00.000+00:00",
        "value": 20.0,
        "unit": "°C",
        "quality": "GOOD",
        "reason": "",
    }
    assert data["values"][40]["value"] is None
    assert (data["values"][40]["quality"], data["values"][40]["reason"]) == ("BAD", "not_connected")
    assert len(data["values"]) == 150
    assert data["gaps"][0] == {
        "from": "2026-01-01T00:01:39.000+00:00",
        "until": "2026-01-01T00:05:00.000+00:00",
        "restarted": True,
    }
    assert (data["since"], data["every_s"]) == ("2026-01-01T00:00:00.000+00:00", None)


def test_a_row_for_so_long(say: Say) -> None:
    code, out, _ = say("history", "bath.temperature", "--since", FROM, "--until", TO, "--every", "1m", "--json")
    data = json.loads(out)["data"]
    assert (code, data["every_s"]) == (0, 60.0)
    first = data["values"][0]
    assert (first["low"], first["high"], first["count"], first["doubtful"]) == (20.0, 25.9, 60, 10)
    assert len(say("--json", "history", "bath.lid_closed", "--every", "0", "--since", FROM)[1]) > 5000


def test_what_was_not_recorded_is_said_with_what_was(say: Say) -> None:
    words.use("en")
    code, out, err = say("history", "bath.temperature", "--since", "2026-02-01", "--until", "2026-02-02")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "nothing was recorded of bath.temperature from 2026-02-01 00:00:00 to 2026-02-02 00:00:00" in err
    assert "2026-01-01 00:05:49" in err
    assert json.loads(say("history", "bath.temperature", "--since", "2026-02-01", "--json")[1])["data"]["values"] == []


def test_without_a_time_the_last_minutes_that_were_recorded_are_shown(say: Say) -> None:
    data = json.loads(say("history", "bath.temperature", "--json")[1])["data"]
    assert len(data["values"]) == 150
    assert data["until"].startswith("2026-01-01T00:05:49")


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("history",), 2, "E-USE-003"),
        (("history", "bath.temprature"), 6, "E-HIS-001"),
        (("history", ""), 6, "E-HIS-001"),
        (("history", "bath.temperature", "--since", "tomorrow"), 2, "E-USE-003"),
        (("history", "bath.temperature", "--since", "2100-01-01"), 2, "E-USE-003"),
        (("history", "bath.temperature", "--since", "1h", "--until", "2h"), 2, "E-USE-003"),
        (("history", "bath.temperature", "--every", "often"), 2, "E-USE-003"),
        (("history", "bath.temperature", "--line", "no-such-line"), 3, "E-CFG-002"),
        (("plot", "no-such-run"), 6, "E-LIM-001"),
    ],
)
def test_wrong_words_are_refused_with_a_code(say: Say, argv: tuple[str, ...], code: int, told: str) -> None:
    ended, out, err = say(*argv)
    assert ended == code
    assert told in err
    assert out == "" or "usage" in out.lower()


def test_on_a_terminal_there_is_a_curve_and_rows_that_fit_it(folder: Path) -> None:
    argv = ("history", "bath.temperature", "--since", FROM, "--until", TO, "--data", str(folder))
    with Typist(folder, *argv, TZ="UTC", COLUMNS="80") as typist:
        typist.until("one row for 30 s; every value: --every 0")
        assert typist.process.wait(30) == 0
    assert "00:05" in typist.all
    assert "── 2026-01-01 00:01:39 to 2026-01-01 00:05:00: nothing recorded (3 min), then linectl was" in typist.all
    assert "10 of 30: not connected" in typist.all


def test_a_closed_pipe_ends_it_silently(folder: Path) -> None:
    env = {**os.environ, "LINECTL_LANG": "en"}
    words_ = [sys.executable, "-m", "linectl", "history", "bath.temperature", "--since", FROM, "--data", str(folder)]
    with subprocess.Popen(words_, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


# plot


def test_a_run_is_plotted_with_what_was_asked_for(say: Say, folder: Path) -> None:
    words.use("en")

    async def act(store: Store) -> None:
        await stores.with_run(store)
        for k in range(100):
            store.log_scan(stores.scan(k))
        await stores.finish(store)

    stores.made(folder, act, name="run.db")
    code, out, err = say("plot")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == f"run {RUN}: glue_screening on simulated, complete"
    assert "━━━━ bath.temperature   ━ ━  asked for" in lines[1]
    assert "\x1b" not in out
    assert all(len(line) <= 78 for line in lines)
    body = json.loads(say("plot", "last", "bath.level", "bath.temperature", "--last", "250s", "--json")[1])
    assert [each["tag"] for each in body["data"]["curves"]] == ["bath.level", "bath.temperature"]
    assert body["data"]["curves"][0]["since"] == "2026-01-01T00:00:50.000+00:00"
    code, _, err = say("plot", "last", "bath.nonsense")
    assert (code, "E-HIS-001" in err) == (6, True)


def test_a_run_without_values_says_so(say: Say, folder: Path) -> None:
    async def act(store: Store) -> None:
        await store.start_run(stores.run(kind="import"))
        await stores.finish(store)

    stores.made(folder, act, name="import.db")
    code, _, err = say("plot")
    assert (code, "E-HIS-002" in err) == (6, True)
