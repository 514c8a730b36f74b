"""What the dashboard looks like, at both sizes, in both languages; and that neither figure nor mark is lost."""

from __future__ import annotations

import pytest

from linectl import words
from tests.tui.watch.feeds import ScriptedFeed, busy
from tests.tui.watch.shots import SHOTS, SIZES, Shot, dump, path_of, settle, shown, text_of

BUSY = next(shot for shot in SHOTS if shot.name == "busy")
AGAIN = "look at it, and if it is meant: python -m tests.tui.watch.shots"


@pytest.mark.parametrize("lang", words.LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
async def test_the_screen_is_as_it_was(shot: Shot, size: tuple[int, int], lang: str) -> None:
    assert await text_of(shot, size, lang) == path_of(shot, size, lang).read_text(encoding="utf-8"), AGAIN


@pytest.mark.parametrize("size", [*SIZES, (60, 16), (40, 10), (200, 60)])
@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
async def test_no_size_is_too_small_or_too_large(shot: Shot, size: tuple[int, int]) -> None:
    lines = (await text_of(shot, size, "fr")).splitlines()
    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]


async def test_no_colour_leaves_shape_and_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    feed = ScriptedFeed(busy())
    async with shown(feed) as (watch, pilot):
        await settle(watch, pilot)
        text, picture = dump(watch), watch.export_screenshot()
    assert "◆2 14:18:02 bath.temperature HIGH 64.2 °C (limit 64.0)" in text
    assert "▒ sensor failure ▒" in text
    colours = {part[:7].lower() for part in picture.split('fill="')[1:] if part.startswith("#")}
    assert not {each for each in colours if len({each[1:3], each[3:5], each[5:7]}) > 1 and each not in CHROME}


CHROME = {"#ff5f57", "#febc2e", "#28c840", "#c5c8c6"}  # the frame that the picture of a terminal has


async def test_colour_is_for_the_abnormal_alone() -> None:
    for state, expected in (("calm", set()), ("busy", {"#e07000", "#7a4fa0", "#9ab8d8"})):
        feed = ScriptedFeed(next(shot for shot in SHOTS if shot.name == state).state())
        for name in ("bath.naoh",) if state == "calm" else ():  # put in by hand: blue
            feed.told["values"][name] |= {"quality": "GOOD", "reason": ""}
        async with shown(feed) as (watch, pilot):
            await settle(watch, pilot)
            picture = watch.export_screenshot().lower()
        alarm_colours = {"#d40000", "#e07000", "#d8b400", "#7a4fa0", "#9ab8d8"}
        assert {each for each in alarm_colours if each in picture} == expected, state


async def test_a_hostile_note_cannot_speak_to_the_terminal() -> None:
    state = busy()
    state["journal"].append({"time": None, "kind": "note", "text": "\x1b[2J\x07gone\n\x9b", "who": "\x1b]0;x"})
    feed = ScriptedFeed(state)
    async with shown(feed) as (watch, pilot):
        await settle(watch, pilot)
        text = dump(watch)
    assert "gone" in text
    assert not {char for char in text if not char.isprintable()} - {"\n"}


async def test_a_server_that_says_odd_things_breaks_nothing() -> None:
    odd: object
    for odd in (None, [], "x", 7, {"list": [None, 3], "counts": None}, {"a": None}):
        for name in ("line", "machine", "armed", "links", "run", "prompts", "alarms", "interlocks", "journal"):
            if name == "links" and isinstance(odd, dict):
                continue  # its entries are mappings by the contract
            state = busy()
            state[name] = odd
            feed = ScriptedFeed(state)
            async with shown(feed, (80, 24)) as (watch, _):
                assert "bath.temp" in dump(watch), (name, odd)
