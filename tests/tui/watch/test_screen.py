"""The dashboard under somebody's hands: what leaves for the server, what does not, and what a dead server does."""

from __future__ import annotations

import random

import pytest

from linectl import words
from linectl.errors import Refused, Unreachable
from linectl.tui.styled import Mood
from linectl.tui.watch.app import Watch
from linectl.tui.watch.orders import ARMED_S
from linectl.tui.watch.sight import Page
from tests.tui.watch.feeds import QUESTION, ScriptedFeed, ago, busy, calm, reading
from tests.tui.watch.shots import dump, settle, shown

SAID, SAFE = {"answer", "ack", "note", "comment"}, {"hold", "abort"}
TYPED = (*"?/aeznwsHpc:q0123456789", "up", "down", "enter", "escape", "backspace", "space", ",", "ctrl+x")


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if name in line)


# read-only first


def hit(watch: Watch, *keys: str) -> None:
    """Press keys without waiting for the screen between them."""
    for key in keys:
        if key == "ctrl+x":
            watch.action_abort_key()
        else:
            watch.controls.key(key)


async def test_no_write_leaves_while_read_only() -> None:
    dice = random.Random(5)
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        for _ in range(4000):
            hit(watch, dice.choice([each for each in TYPED if each not in {"q", "w"}]))
        for typed in ("set bath.setpoint 62", "start", "undo", "stop", "cancel", "next too slow", "set bath.level 3"):
            hit(watch, "escape", "escape", ":", *typed, "enter", "y", "enter")
        await settle(watch, pilot)
    assert set(feed.ops) == SAID | SAFE  # the dice have tried them all, and more


async def test_the_same_keys_write_once_armed() -> None:
    feed = ScriptedFeed(busy())
    feed.answers["set"] = {"outcome": "confirmed"}
    async with shown(feed) as (watch, pilot):
        await pilot.press("w")
        await settle(watch, pilot)
        assert "WRITES ARMED 5:00" in dump(watch)
        await pilot.press(*":set bath.setpoint 62,5", "enter")
        await settle(watch, pilot)
        assert "bath.setpoint = 62.5 °C: confirmed" in dump(watch)
    assert feed.calls == [("arm", {"minutes": 5.0}), ("set", {"tag": "bath.setpoint", "value": 62.5})]


async def test_arming_runs_out_and_is_counted_down() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("w")
        await settle(watch, pilot)
        feed.later(ARMED_S - 1.0)
        await settle(watch, pilot)
        assert "WRITES ARMED 0:01" in dump(watch)
        feed.later(1.0)
        await settle(watch, pilot)
        assert "[READ-ONLY]" in dump(watch)
        await pilot.press(*":start", "enter")
    assert feed.ops == ["arm"]


async def test_arming_ends_with_the_key_the_server_and_the_connection() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        for end in ("key", "server", "connection"):
            await pilot.press("w")
            feed.tell("armed", {"who": "op1", "face": "watch", "until": ago(-300)})
            await settle(watch, pilot)
            assert "WRITES ARMED" in dump(watch), end
            if end == "key":
                await pilot.press("w")
            elif end == "server":
                feed.tell("armed", None)
            else:
                feed.later(3.0, alive=False)
                await settle(watch, pilot)
                feed.later(0.1)
            feed.tell("armed", None)
            await settle(watch, pilot)
            assert "[READ-ONLY]" in dump(watch), end
    assert feed.ops == ["arm", "disarm", "arm", "arm"]


async def test_refused_arming_arms_nothing_and_another_face_is_named() -> None:
    feed = ScriptedFeed(busy())
    feed.answers["arm"] = Refused("op2 holds the lease since 14:10", hint="ask op2 to disarm")
    async with shown(feed) as (watch, pilot):
        feed.tell("armed", {"who": "op2", "face": "cli", "until": ago(-120)})
        await pilot.press("w")
        await settle(watch, pilot)
        text = dump(watch)
    assert "op2 holds the lease since 14:10 ask op2 to disarm" in text
    assert "[READ-ONLY; op2 writes 2:00]" in text


async def test_write_arms_at_once_when_asked_for() -> None:
    feed = ScriptedFeed(calm())
    async with shown(feed, write=True) as (watch, pilot):
        await settle(watch, pilot)
        assert "WRITES ARMED" in dump(watch)
    assert feed.ops == ["arm"]


# abort


async def test_the_chord_aborts_read_only_without_a_question() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("ctrl+x")
        assert feed.ops == []
        assert "This is not the emergency stop." in dump(watch)
        await pilot.press("ctrl+x")
        await settle(watch, pilot)
        assert "ABORT: accepted" in dump(watch)
    assert feed.ops == ["abort"]


async def test_one_key_alone_or_twice_too_slowly_aborts_nothing() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (_, pilot):
        await pilot.press("ctrl+x")
        feed.later(2.5)
        await pilot.press("ctrl+x")
    assert feed.ops == []


async def test_the_chord_works_while_something_is_being_typed_and_pasted_text_is_no_key() -> None:
    from textual.events import Paste

    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        watch.post_message(Paste("Hw:start\n"))
        await pilot.pause()
        assert feed.ops == []
        await pilot.press("n", *"half a n")
        watch.post_message(Paste("ote\x1b"))
        await pilot.press("ctrl+x", "ctrl+x", "enter")
    assert feed.calls == [("abort", {}), ("note", {"text": "half a note"})]


async def test_an_abort_that_does_not_arrive_says_what_helps() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed, (160, 32)) as (watch, pilot):
        feed.lost_why = "connection refused"
        await pilot.press("ctrl+x", "ctrl+x")
        await settle(watch, pilot)
        assert "ABORT NOT DELIVERED: connection refused. Stop the line at its own panel" in dump(watch)
        assert watch.controls.said_mood is Mood.ALARM
    assert feed.ops == ["abort"]


# a dead server


@pytest.mark.parametrize("why", ["connection refused", ""])  # the second: it hangs, and the connection stands
async def test_a_dead_server_is_told_greyed_and_recovers(why: str) -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        feed.later(1.5, alive=False)
        await settle(watch, pilot)
        assert "SERVER LOST" not in dump(watch)  # a busy computer is no dead server
        feed.lost_why = why
        feed.later(0.4, alive=False)
        await settle(watch, pilot)
        text = dump(watch)
        assert "SERVER LOST for 1 s: values of before 14:18:06, commands disabled" in text
        assert "NO SERVER" in text
        assert all("▒ too old ▒" in row(text, name) for name in ("bath.level", "chain.speed", "bath.state"))
        assert "80 %" not in row(text, "bath.level")
        middle = watch._canvas.lines[4:-3]
        assert {mood for line in middle for _, mood in line} == {Mood.QUIET}
        await pilot.press("H")
        assert "no server: nothing was sent" in dump(watch)
        feed.lost_why = ""
        feed.later(0.2)
        feed.value("bath.level", 81.0)
        await settle(watch, pilot)
        text = dump(watch)
        assert "SERVER LOST" not in text
        assert "81 %" in row(text, "bath.level")
    assert feed.ops == []


async def test_the_trend_has_a_gap_where_nothing_was_heard() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        feed.later(30.0, alive=False)
        await settle(watch, pilot)
        feed.later(1.0)
        feed.value("bath.temperature", 63.0)
        await settle(watch, pilot)
        assert [value for _, value in watch._history.trend("bath.temperature", feed.now_s)] == [64.2, None, 63.0, 63.0]


# values


async def test_a_value_that_grows_old_is_hatched() -> None:
    feed = ScriptedFeed(calm())
    async with shown(feed) as (watch, pilot):
        feed.later(2.0)
        await settle(watch, pilot)
        assert "80 %" in row(dump(watch), "bath.level")
        feed.later(1.0)
        feed.value("bath.temperature", 62.0, age_s=0.0)
        await settle(watch, pilot)
        text = dump(watch)
        assert "▒ too old ▒" in row(text, "bath.level")
        assert "80 %" not in row(text, "bath.level")
        assert "62.0 °C" in row(text, "▶bath.temperature")
        assert "48 %RH" in row(text, "room.humidity")  # this one may be older


async def test_only_cells_that_change_are_sent() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await settle(watch, pilot)
        sent = watch._canvas.cells
        watch._tick()
        assert watch._canvas.cells == sent
        feed.told["values"]["bath.level"] = {**reading(81.0), "sequence": 2}
        feed.tell("values", feed.told["values"])
        await settle(watch, pilot)
        assert 1 <= watch._canvas.cells - sent <= 3


async def test_the_filter_narrows_and_escape_widens() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("/", *"rinse")
        assert "bath.level" not in dump(watch)
        assert "▶rinse.temperature" in dump(watch)
        await pilot.press("enter")
        assert "bath.level" not in dump(watch)
        await pilot.press("escape")
        assert "bath.level" in dump(watch)


async def test_the_plot_is_turned_and_follows_the_cursor() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("down")
        assert "bath.level %  10 min" in dump(watch)
        await pilot.press("p")
        assert "chain.speed" not in dump(watch)
        await pilot.press("p")
        assert "10 min" not in dump(watch)


# what is said: prompts, notes, alarms


async def test_a_number_is_answered_with_a_comma() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("e", *"99", "enter")
        assert "expected a number from 5 to 40 g/m2" in dump(watch)
        await pilot.press("backspace", "backspace", *"1.500,0", "enter")
        assert "not understood" in dump(watch)
        for _ in range(7):
            await pilot.press("backspace")
        await pilot.press(*"22,5", "enter")
    assert feed.calls == [("answer", {"prompt": "gsm", "value": 22.5})]


KINDS = (
    ({"kind": "confirm", "task": "lid"}, "o", True),
    ({"kind": "confirm", "task": "lid"}, "non", False),
    ({"kind": "choice", "options": ["PARTIAL", "OFF"]}, "2", "OFF"),
    ({"kind": "choice", "options": ["0", "1", "2"]}, "1", "1"),  # the word itself, not the first option
    ({"kind": "text"}, "blue", "blue"),
    ({"kind": "positions", "task": "check", "facts": {"positions": [3, 7, 12]}}, "3 12", (3, 12)),
    ({"kind": "positions", "task": "check", "facts": {"positions": [3, 7]}}, "", ()),
)


@pytest.mark.parametrize(("changes", "typed", "value"), KINDS)
async def test_each_kind_of_question_is_answered(changes: dict[str, object], typed: str, value: object) -> None:
    state = busy()
    state["prompts"] = [{**QUESTION, "low": None, "high": None, "unit": "", **changes}]
    feed = ScriptedFeed(state)
    async with shown(feed) as (_, pilot):
        await pilot.press("e", *(each if each != " " else "space" for each in typed), "enter")
    assert feed.calls == [("answer", {"prompt": "gsm", "value": value})]


async def test_an_empty_line_is_no_yes_and_a_closed_question_takes_nothing() -> None:
    state = busy()
    state["prompts"] = [{**QUESTION, "kind": "confirm", "task": "lid"}]
    feed = ScriptedFeed(state)
    async with shown(feed) as (watch, pilot):
        await pilot.press("e", "enter")
        assert "not understood" in dump(watch)
        feed.tell("prompts", [])
        await pilot.press("y", "enter")
        assert "somebody else was first" in dump(watch)
        await pilot.press("e")
        assert "no question is open" in dump(watch)
    assert feed.ops == []


async def test_an_alarm_is_read_before_it_is_acknowledged() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("a")
        assert feed.ops == []
        assert "lower the setpoint, look at TT-101" in dump(watch).split("to do")[1]
        await pilot.press("a")
        await pilot.press("c", *"again", "enter")
        await pilot.press("z")
        assert "read-only" in dump(watch)
        await pilot.press("w", "z", *"30m", "enter")
        assert "give a time and a reason" in dump(watch)
        await pilot.press("space", *"new", "space", *"probe", "enter", "r", "down", "z", "escape")
        assert "chain.speed" in dump(watch)
    assert feed.calls == [
        ("ack", {"ids": ["bath_hot"]}),
        ("comment", {"id": "bath_hot", "text": "again"}),
        ("arm", {"minutes": 5.0}),
        ("shelve", {"ids": ["bath_hot"], "for_s": 1800.0, "reason": "new probe"}),
        ("alarm_reset", {"ids": ["bath_hot"]}),
        ("unshelve", {"ids": ["room_dry"]}),
    ]


async def test_the_page_of_alarms_is_at_home_in_its_table() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed, page=Page.ALARMS) as (watch, pilot):
        assert "acknowledge this one" in dump(watch)
        await pilot.press("?", "escape", "down", "c", *"dry", "enter", "up", "a")
    assert feed.calls == [("comment", {"id": "room_dry", "text": "dry"}), ("ack", {"ids": ["bath_hot"]})]


async def test_it_rings_at_what_is_new_and_again_until_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = ScriptedFeed(calm())
    rung: list[float] = []
    async with shown(feed) as (watch, pilot):
        monkeypatch.setattr(watch, "bell", lambda: rung.append(feed.now_s))
        await settle(watch, pilot)
        assert rung == []
        feed.tell("prompts", [dict(QUESTION)])
        for _ in range(35):
            feed.later(1.0)
            await settle(watch, pilot)
        assert rung == [1001.0, 1031.0]
        feed.tell("prompts", [])
        feed.later(60.0)
        await settle(watch, pilot)
        assert len(rung) == 2


# what becomes of an order


@pytest.mark.parametrize(
    ("answer", "words_said", "mood"),
    [
        ({"outcome": "confirmed"}, "bath.setpoint = 62 °C: confirmed", Mood.NORMAL),
        ({"outcome": "clamped", "asked": 95.0, "got": 92.0}, "CLAMPED, asked 95, got 92", Mood.WARNING),
        ({"outcome": "refused", "detail": "lid open"}, "REFUSED, lid open", Mood.WARNING),
        ({"outcome": "unknown"}, "UNKNOWN whether it was done", Mood.ALARM),
        ({}, "bath.setpoint = 62 °C: accepted", Mood.NORMAL),
        (Refused("hard limit 92"), "not done. hard limit 92", Mood.WARNING),
        (Unreachable("cut off"), "not done. cut off", Mood.WARNING),
    ],
)
async def test_what_became_of_it_is_told_and_accepted_is_not_done(answer: object, words_said: str, mood: Mood) -> None:
    state = busy()
    state["tags"]["bath.setpoint"] = {**state["tags"]["bath.setpoint"], "decimals": 0}
    feed = ScriptedFeed(state)
    feed.answers["set"] = answer  # type: ignore[assignment]  # as the cases above give them
    async with shown(feed) as (watch, pilot):
        await pilot.press("w", "down", "down", "down", "down", "s", *"62", "enter")
        await settle(watch, pilot)
        assert words_said in dump(watch)
        assert watch.controls.said_mood is mood


async def test_an_unusual_value_is_asked_for_again_and_a_hard_limit_is_not() -> None:
    feed = ScriptedFeed(busy())
    feed.answers["set"] = {"outcome": "refused", "refused_by": "soft", "doubt": "86 °C is above 85 °C."}
    async with shown(feed) as (watch, pilot):
        await pilot.press("w")
        hit(watch, ":", *"set bath.setpoint 86", "enter")
        await settle(watch, pilot)
        assert "86 °C is above 85 °C. Meant so? y/N" in dump(watch)
        hit(watch, "enter")
        assert "not done" in watch.controls.said
        hit(watch, ":", *"set bath.setpoint 86", "enter")
        await settle(watch, pilot)
        hit(watch, "y", "enter")
        await settle(watch, pilot)
        assert "REFUSED" in dump(watch)  # this server does not mean it, and is not asked a third time
        feed.answers["set"] = {"outcome": "refused", "refused_by": "limit", "detail": "92 °C is the most"}
        hit(watch, ":", *"set bath.setpoint 99", "enter")
        await settle(watch, pilot)
        assert "REFUSED, 92 °C is the most" in dump(watch)
    sure = [args.get("sure", False) for op, args in feed.calls if op == "set"]
    assert sure == [False, False, True, False]


async def test_an_order_without_an_answer_is_not_passed_over() -> None:
    feed = ScriptedFeed(busy())
    feed.hangs = True
    async with shown(feed) as (watch, pilot):
        await pilot.press("H")
        await settle(watch, pilot)
        assert "hold the line: sent…" in dump(watch)
        feed.later(3.0)
        await settle(watch, pilot)
        assert "hold the line: sent, no answer for 3 s" in dump(watch)


async def test_what_ends_something_is_asked_for_again_with_what_would_be_lost() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("w", *":cancel", "enter")
        assert "run 0042 has gone on for 9:12, 13:54 are left and would be lost. Sure? y/N" in dump(watch)
        await pilot.press("enter")
        assert "cancel: not done" in dump(watch)
        assert feed.ops == ["arm"]
        await pilot.press(*":cancel", "enter", "o", "enter")
        await pilot.press(*":stop", "enter", "y", "enter")
    assert feed.calls[1:] == [("cancel", {}), ("stop", {"confirmed": True})]


async def test_a_slip_of_the_pen_is_told() -> None:
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("w")
        for typed, said in (
            ("strat", "did you mean start?"),
            ("set bath.setpiont 3", "did you mean bath.setpoint?"),
            ("set bath.level 3", "bath.level cannot be written"),
            ("set bath.setpoint 1.500,0", "is no value"),
            ("set bath.setpoint nan", "is no value"),
            ("next", "next wants a reason"),
            ("start now", "start takes nothing after it"),
        ):
            hit(watch, ":", *typed, "enter")
            await settle(watch, pilot)
            assert said in dump(watch), typed
            hit(watch, "escape")
    assert feed.ops == ["arm"]


async def test_leaving_sends_nothing() -> None:
    words.use("fr")
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await pilot.press("q")
    assert watch.return_code == 0
    assert feed.ops == []
