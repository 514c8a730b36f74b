"""The parts of the dashboard by themselves: what each makes of a line's state."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from linectl import words
from linectl.tui.styled import Mood, cells_of, cut, fit, plain, printable
from linectl.tui.watch import trend, values
from linectl.tui.watch.alarm_bar import bar
from linectl.tui.watch.alarm_words import condition_words, listed, newest, state_words, what
from linectl.tui.watch.arming import Arming
from linectl.tui.watch.braille import Canvas
from linectl.tui.watch.canvas import changed
from linectl.tui.watch.commands import seconds_of, value_of
from linectl.tui.watch.header import head
from linectl.tui.watch.header import state_words as machine_words
from linectl.tui.watch.history import History
from linectl.tui.watch.line_clock import LineClock
from linectl.tui.watch.run_block import block
from linectl.tui.watch.sight import Sight, clock_text, hours, short
from tests.tui.watch.feeds import HIGH, NOW, QUESTION, RUN, ago, busy, calm, counts, reading, tag


def seen(state: dict[str, Any], **more: Any) -> Sight:
    return replace(Sight(state, NOW, ages=dict.fromkeys(state["values"], 0.4), chosen="bath.temperature"), **more)


# the alarm bar


def alarm(name: str, **changes: Any) -> dict[str, Any]:
    return {**HIGH, "id": name, **changes}


def test_the_bar_tells_the_newest_of_the_highest_priority_that_nobody_has_seen() -> None:
    state = busy()
    state["alarms"]["list"] = [
        alarm("old_low", priority=3, since=ago(5)),
        alarm("seen_high", priority=1, state="acknowledged", since=ago(1)),
        alarm("older", priority=2, since=ago(100)),
        alarm("newer", priority=2, since=ago(50)),
        alarm("aside", priority=1, state="shelved", since=ago(2)),
        alarm("diagnostic", priority=4, since=ago(1)),
    ]
    assert [each["id"] for each in listed(state)][:2] == ["newer", "older"]
    first = newest(state)
    assert first is not None
    assert first["id"] == "newer"
    state["alarms"]["list"] = [alarm("aside", priority=1, state="shelved"), alarm("diagnostic", priority=4)]
    assert newest(state) is None


def test_a_flood_tells_what_came_first_and_how_many() -> None:
    state = busy()
    many = [alarm(f"a{k}", since=ago(k), tag=f"z{k}.temperature") for k in range(1, 15)]
    state["alarms"] = {
        "counts": {**counts(unacknowledged=14), "2": 14},
        "flood": True,
        "first_out": "a14",
        "list": many,
    }
    text = plain(bar(seen(state), 110))
    assert "FLOOD" in text
    assert "first: 14:17:52 z14.temperature HIGH" in text
    assert "14 alarms" in text


def test_an_alarm_without_a_limit_is_told_by_its_message_and_nothing_below_the_bar_jumps() -> None:
    state = calm()
    heights = {len(bar(seen(state), width)) for width in (80, 110)}
    state["alarms"]["list"] = [alarm("lid", condition="CONTACT", message="the lid is open", limit=None)]
    text = plain(bar(seen(state), 110))
    assert "◆2 14:18:02 the lid is open" in text
    heights |= {len(bar(seen(state, **dead), width)) for width in (80, 110) for dead in ({}, {"silent_s": 3.0})}
    assert heights == {3}


def test_an_interlock_stands_in_the_bar_and_what_a_start_lacks_only_while_nothing_runs() -> None:
    state = calm()
    state["interlocks"]["missing"] = [{"name": "level", "message": "too little water", "allows": ["heat"]}]
    assert "a start lacks: too little water" in plain(bar(seen(state), 110))
    state["run"] = dict(RUN)
    assert "a start lacks" not in plain(bar(seen(state), 110))
    state["interlocks"]["tripped"] = [
        {"name": "late", "message": "second", "since": ago(1), "first_out": False},
        {"name": "lid_open", "message": "the lid is open", "since": ago(3), "first_out": True},
    ]
    assert "INTERLOCK lid_open: the lid is open" in plain(bar(seen(state), 110))


def test_a_go_that_the_line_disproved_stands_above_all_else() -> None:
    state = calm()
    state["glues"] = [
        {"glue": "casein", "suspended": None},
        {"glue": "psa", "suspended": {"rejects": 12, "bottles": 300}},
    ]
    text = plain(bar(seen(state), 110))
    assert "◆ GO SUSPENDED psa: 12 of 300 with label" in text
    assert "casein" not in text


def test_every_word_of_alarms_and_machine_is_french_on_a_french_screen() -> None:
    states = ("unacknowledged", "acknowledged", "rtn_unacknowledged", "latched_unacknowledged", "latched_acknowledged",
              "shelved", "suppressed", "out_of_service", "normal")  # fmt: skip
    conditions = ("HIHI", "HI", "LO", "LOLO", "DEV", "BAD_PV")
    packml = (
        *("idle", "starting", "execute", "holding", "held", "unholding", "suspending", "suspended", "unsuspending"),
        *("completing", "complete", "stopping", "stopped", "aborting", "aborted", "clearing", "resetting"),
    )
    english = [*map(state_words, states), *map(condition_words, conditions), *map(machine_words, packml)]
    words.use("fr")
    french = [*map(state_words, states), *map(condition_words, conditions), *map(machine_words, packml)]
    assert all(french)
    assert not set(english) & set(french)
    assert machine_words("of_tomorrow") == "OF_TOMORROW"


def test_an_alarm_of_an_unknown_tag_is_told_all_the_same() -> None:
    assert what(alarm("x", tag="gone.tag", unit=""), {}) == "gone.tag HIGH 64.2 (limit 64)"
    assert what(alarm("x", tag="", message=""), {}) == "x"


# values


def row(state: dict[str, Any], name: str, width: int = 60, **more: Any) -> str:
    lines = plain(values.table(seen(state, **more), width, 40)).splitlines()
    return next(line for line in lines if name in line)


def test_the_bar_puts_the_normal_band_in_the_middle_and_clips_at_its_ends() -> None:
    state = calm()
    found = {}
    for value in (-50.0, 60.1, 62.0, 63.9, 64.1, 900.0):
        state["values"]["bath.temperature"] = reading(value)
        found[value] = row(state, "bath.temperature").split("▕")[1].split("▏")[0]
    assert found[-50.0].startswith("█··┃")
    assert found[62.0] == "···┃·█·┃···"
    assert found[900.0].endswith("┃··█")
    assert found[64.1].index("█") > found[63.9].index("█") - 1 >= found[60.1].index("█")


def test_an_instrument_without_a_band_has_its_range_and_a_state_its_name() -> None:
    state = calm()
    assert "▕····█······▏" in row(state, "chain.speed")
    assert "execute" in row(state, "bath.state")
    assert "▕" not in row(state, "bath.state")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (reading(None, quality="BAD", reason="sensor_failure"), "sensor failure"),
        (reading(80.0, quality="BAD", reason="stale"), "too old"),  # never the last value as if it were fresh
        (reading(None), "not connected"),
    ],
)
def test_what_cannot_be_trusted_is_hatched_with_its_reason(told: dict[str, Any], shown: str) -> None:
    state = calm()
    state["values"]["bath.level"] = told
    found = row(state, "bath.level")
    assert f"▒ {shown} ▒" in found
    assert "?" in found
    assert "80" not in found
    uncertain = reading(80.0, quality="UNCERTAIN", reason="out_of_range")
    state["values"]["bath.level"] = uncertain
    assert "80 % ?" in row(state, "bath.level")


def test_many_tags_scroll_with_the_cursor_and_hidden_trouble_is_counted() -> None:
    state = calm()
    state["tags"] = {f"z.t{k:03}x": tag("°C", 0, 100) for k in range(100)}
    state["values"] = {name: reading(20.0) for name in state["tags"]}
    state["values"]["z.t050x"] = reading(None, quality="BAD", reason="timeout")
    for chosen in ("z.t000x", "z.t049x", "z.t099x"):
        lines = plain(values.table(seen(state, chosen=chosen), 60, 12)).splitlines()
        assert len(lines) == 12
        assert any(f"▶{chosen}" in line for line in lines)
        assert "89 more  1 of them abnormal" in lines[-1]


def test_numbered_contacts_share_a_row_of_marks() -> None:
    state = calm()
    names = [f"label.p{k:02}" for k in range(1, 25)]
    state["tags"] |= {name: tag(dtype="bool") for name in names}
    told = {1: reading(True), 2: reading(False), 3: reading(None, quality="BAD", reason="out_of_service")}
    state["values"] |= {name: told.get(k, told[3]) for k, name in enumerate(names, 1)}
    assert row(state, "label.p01…24").strip().endswith("▮▯" + 22 * "·")
    assert row(state, "label.p01…24", silent_s=3.0).strip().endswith(24 * "·")
    assert "abnormal" not in plain(values.table(seen(state), 60, 5))  # a place without a bottle is no trouble


# the trend


def test_history_keeps_ten_minutes_a_point_a_second_with_its_gaps() -> None:
    history = History()
    for tenth in range(7000):
        history.hear({"t": {**reading(float(tenth), age_s=0.0), "sequence": tenth}}, tenth / 10)
    points = history.trend("t", 699.9)
    assert 600 <= len(points) <= 607
    assert points[0][0] >= -606.0
    assert points[-1] == (0.0, points[-2][1])
    history.hear({"t": {**reading(None, quality="BAD"), "sequence": 7001}}, 700.0)
    assert history.trend("t", 700.0)[-1] == (0.0, None)
    assert history.ages(703.0) == {"t": pytest.approx(3.4)}
    history.hear({}, 704.0)
    assert history.ages(704.0) == {}


def test_a_curve_ends_at_its_gap_and_shows_its_limits() -> None:
    state = calm()
    points = [(-600.0, 62.0), (-400.0, None), *((float(at), 63.0) for at in range(-300, 1, 30))]
    lines = plain(trend.plot(seen(state, trend=points), 60, 14)).splitlines()
    assert sum("╌" in line for line in lines) == 2
    assert any("60.0" in line and "limit" in line for line in lines)
    assert "14:08" in lines[-1]
    assert "14:18" in lines[-1]
    drawn = [{at for at, char in enumerate(line) if 0x2800 < ord(char) < 0x2900} for line in lines]
    columns = set().union(*drawn)
    assert min(columns) == 9  # the one point before the gap, at the left end
    assert not columns & set(range(12, 32))  # nothing is made up in the gap
    assert set(range(36, 58)) <= columns


def test_a_limit_far_away_does_not_flatten_the_curve() -> None:
    state = calm()
    state["tags"]["bath.temperature"] |= {"normal_low": None, "normal_high": 85.0}
    for value, shown in ((20.0, False), (78.0, True)):
        points = [(float(at), value + 0.01 * (at % 7)) for at in range(-600, 1, 5)]
        assert ("85.0" in plain(trend.plot(seen(state, trend=points), 60, 14))) is shown


def test_a_console_without_braille_has_points() -> None:
    points = [(-600.0, 62.0), (0.0, 63.0)]
    text = plain(trend.plot(seen(calm(), trend=points, braille=False), 60, 14))
    assert "•" in text
    assert not any(0x2800 < ord(char) < 0x2900 for char in text)


def test_dots_stand_where_they_are_put_and_nowhere_else() -> None:
    canvas = Canvas(2, 1)
    canvas.line([(0, 0), (3, 3)])
    canvas.dot(-1, 0)
    canvas.dot(4, 4)
    assert canvas.row(0) == "⠑⢄"


# the run


def test_the_end_is_a_range_and_never_one_false_number() -> None:
    state = busy()
    text = plain(block(seen(state), 110))
    assert "end 14:32 (14:30–14:36)" in text
    state["run"] |= {"eta_low_s": None, "eta_high_s": None}
    assert "end about 14:32" in plain(block(seen(state), 110))
    state["run"] |= {"eta_s": 80_000.0}
    assert "end about 23/11 12:31" in plain(block(seen(state), 110))
    assert "end about 14:22" in plain(
        block(seen({**state, "run": {**state["run"], "eta_s": 240.0}}, silent_s=3.0), 110)
    )


def test_a_pause_is_a_state_and_the_time_to_answer_is_counted() -> None:
    state = busy()
    state["run"]["state"] = "paused"
    state["prompts"] = [{**QUESTION, "timeout_s": 22.0}, {**QUESTION, "id": "second"}]
    text = plain(block(seen(state), 110))
    assert "PAUSED" in text
    assert "0:12 left" in text
    assert "1 more" in text


def test_a_run_to_come_is_told_with_its_time_and_one_that_did_not_start_with_why() -> None:
    due = {"experiment": "glue_b3", "at": ago(-3600), "state": "waiting", "why": ""}
    assert "glue_b3 starts at 15:18" in plain(block(seen({**calm(), "scheduled": due}), 80))
    tomorrow = {**due, "at": ago(-86_400)}
    assert "glue_b3 starts at 23/11 14:18" in plain(block(seen({**calm(), "scheduled": tomorrow}), 80))
    refused = {**due, "state": "refused", "why": "a run is under way"}
    text = plain(block(seen({**calm(), "scheduled": refused}), 80))
    assert "glue_b3 NOT STARTED at 15:18: a run is under way" in text
    both = plain(block(seen({**busy(), "scheduled": due}), 140))
    assert "glue_b3 starts at 15:18" in both
    assert "61 %" in both
    assert "no run" in plain(block(seen({**calm(), "scheduled": None}), 80))


def test_a_run_that_was_interrupted_is_told_until_it_is_taken_up() -> None:
    state = calm()
    state["line"] = {**state["line"], "interrupted": {"run": "20260101T000000-abcd", "experiment": "glue_b3"}}
    assert "RUN INTERRUPTED 20260101T000000-abcd: linectl resume" in plain(block(seen(state), 80))


def test_a_machine_without_a_run_shows_its_recipe_and_what_a_bottle_takes() -> None:
    state = calm()
    state["machine"] |= {
        "recipe": "reference_80c",
        "lot": {"name": "L7"},
        "recipe_left": ["z3.setpoint"],
        "counters": {"bottles_in": 1234, "bottles_out": None, "since": ago(9)},
        "per_bottle": {"water_l": 0.312, "energy_wh": None, "naoh_g": 1.2},
    }
    text = plain(block(seen(state), 110))
    assert "recipe reference_80c" in text
    assert "lot L7" in text
    assert "in 1234   0.31 L a bottle" in text
    assert "◆ not as the recipe says: z3.setpoint" in text


# header and times


def test_links_that_are_lost_come_first_and_the_rest_is_counted_where_there_is_no_room() -> None:
    state = busy()
    assert plain([head(seen(state), 110)]).index("probe2 LOST 3 s") < plain([head(seen(state), 110)]).index(
        "plc ok 42 ms"
    )
    assert "2 links ok" in plain([head(seen(state), 90)])
    assert "probe2 LOST" in plain([head(seen(state), 72)])


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.9, "59 s"), (60, "1:00"), (3600, "1:00:00")])
def test_durations(seconds: float, text: str) -> None:
    assert short(seconds) == text


def test_times_of_another_day_have_their_date() -> None:
    assert clock_text(ago(60), NOW) == "14:17:06"
    assert clock_text(ago(86_400), NOW) == "21/11 14:18"
    assert clock_text("nonsense", NOW) == clock_text(None, NOW) == "–"
    assert hours(-3) == "0:00"


def test_a_fast_line_has_its_own_time() -> None:
    now_s = [10.0]
    clock = LineClock(lambda: NOW, lambda: now_s[0])
    told = {"x": {"received_time": ago(-3600), "age_s": 20.0}}
    clock.hear({"line": {"speed": 30.0}, "values": told})
    now_s[0] += 2.0
    assert clock.now() == NOW + timedelta(seconds=3600 + 20 + 60)
    clock.hear({"line": {"speed": 1.0}, "values": told})
    assert clock.now() == NOW


# what is typed


@pytest.mark.parametrize(
    ("typed", "value"),
    [("62,5", 62.5), ("62.5", 62.5), (" -5 ", -5.0), ("oui", True), ("off", False), ("1.500,0", None), ("inf", None),
     ("nan", None), ("", None), ("1e400", None), ("²", None)],
)  # fmt: skip
def test_a_value_has_a_comma_or_a_point(typed: str, value: object) -> None:
    assert value_of(typed) == value


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("30m", 1800.0), ("45s", 45.0), ("1,5h", 5400.0), ("90 min", 5400.0), ("30", None), ("-3m", None), ("m", None)],
)
def test_a_time_has_its_unit(typed: str, seconds: float | None) -> None:
    assert seconds_of(typed) == seconds


# arming and cells


def test_arming_counts_by_the_loop_and_ends_for_good() -> None:
    arming = Arming()
    assert arming.left_s(0.0) is None
    arming.begin(10.0, 300.0)
    arming.hear({})  # the server's state has not told of it yet
    assert arming.left_s(309.9) == pytest.approx(0.1)
    assert arming.left_s(310.0) is None
    assert arming.left_s(300.0) is None
    arming.begin(10.0, 300.0)
    arming.hear({"who": "op1"})
    arming.hear({})
    assert arming.left_s(11.0) is None


def test_only_the_span_that_differs_is_told() -> None:
    old = (("abc", Mood.NORMAL), ("def", Mood.STRONG))
    assert changed(old, (("ab", Mood.NORMAL), ("cdef", Mood.STRONG))) == (2, 3)
    assert changed(old, (("abcdef", Mood.NORMAL),)) == (3, 6)
    assert changed(old, (("abc", Mood.NORMAL),)) == (3, 6)
    assert changed((), ()) is None
    assert changed((("日x", Mood.NORMAL),), (("日y", Mood.NORMAL),)) == (0, 3)


def test_text_keeps_to_its_cells() -> None:
    assert [cells_of(text) for text in ("abc", "日本", "e\u0301")] == [3, 4, 1]
    assert fit("日本語", 5) == "日本…"
    assert cells_of(fit("日本語", 4)) == 4
    assert plain([cut((("ab", Mood.NORMAL), ("日本", Mood.STRONG)), 5)]) == "ab日"
    assert printable("a\x1b[2Jb\n") == "a [2Jb "


def test_a_list_of_changes_needs_no_textual() -> None:
    barred = "import sys; sys.modules.update(textual=None, rich=None)"
    code = f"{barred}; import linectl.cli.watch, linectl.tui.watch.plain, linectl.tui.watch.served"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
