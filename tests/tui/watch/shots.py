"""Pictures of the dashboard as text; `python -m tests.tui.watch.shots` writes them anew."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from linectl import words
from linectl.tui.watch.app import Watch
from linectl.tui.watch.sight import Page
from tests.tui.watch.feeds import ScriptedFeed, busy, calm, reading

FOLDER = Path(__file__).parents[2] / "data" / "watch"


@dataclass(frozen=True)
class Shot:
    name: str
    state: Callable[[], dict[str, Any]]
    keys: tuple[str, ...] = ()
    silent_s: float = 0.0
    page: Page = Page.ALL


SHOTS = (
    Shot("calm", calm),
    Shot("busy", busy),
    Shot("alarms", busy, ("a",)),
    Shot("question", busy, ("e", "2", "2", ",", "5")),
    Shot("armed", busy, ("w", "down", "down", "down", "down")),
    Shot("dead", busy, silent_s=4.0),
    Shot("help", calm, ("?",)),
    Shot("values", busy, page=Page.VALUES),
)
SIZES = ((110, 32), (80, 24))


@asynccontextmanager
async def shown(
    feed: ScriptedFeed, size: tuple[int, int] = (110, 32), page: Page = Page.ALL, *, write: bool = False
) -> AsyncIterator[tuple[Watch, Pilot[None]]]:
    """Show `feed` on a screen without a terminal."""
    watch = Watch(feed, now=feed.now, loop_s=feed.loop_s, page=page, write=write)
    async with watch.run_test(size=size) as pilot:
        await pilot.pause()
        yield watch, pilot


async def settle(watch: Watch, pilot: Pilot[None]) -> None:
    """Let everything that was said be heard, and draw."""
    await pilot.pause()
    watch._tick()
    await pilot.pause()


def dump(watch: Watch) -> str:
    """Return what stands on the screen, as the terminal would get it."""
    strips = watch.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


async def text_of(shot: Shot, size: tuple[int, int], lang: str) -> str:
    words.use(lang)
    feed = ScriptedFeed(shot.state())
    feed.now_s = feed.heard_s = 400.0
    async with shown(feed, size, shot.page) as (watch, pilot):
        for k in range(120):  # ten minutes of a bath that swings, with a gap
            gap = 40 <= k < 50
            known = reading(None, quality="BAD", reason="timeout") if gap else reading(62.0 + 1.2 * math.sin(k / 12))
            watch._history.hear({"bath.temperature": {**known, "sequence": k}}, feed.now_s)
            feed.later(5.0)
        feed.tell("values", {name: {**each, "sequence": 999} for name, each in feed.told["values"].items()})
        await pilot.press(*shot.keys)
        if shot.silent_s:
            feed.lost_why = "127.0.0.1:5099: connection refused"
            feed.later(shot.silent_s, alive=False)
        await settle(watch, pilot)
        return dump(watch)


def path_of(shot: Shot, size: tuple[int, int], lang: str) -> Path:
    return FOLDER / f"{shot.name}_{lang}_{size[0]}x{size[1]}.txt"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for shot in SHOTS:
        for size in SIZES:
            for lang in words.LANGUAGES:
                path_of(shot, size, lang).write_text(asyncio.run(text_of(shot, size, lang)), encoding="utf-8")


if __name__ == "__main__":
    main()
