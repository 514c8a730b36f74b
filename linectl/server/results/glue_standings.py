"""Where each GO stands today, for those who look at the line: worked out aside, told as a section of its state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.server.results.child import in_child
from linectl.server.results.glue_stamps import Stamp, differ, stamps_of
from linectl.units import NS_PER_S

if TYPE_CHECKING:
    from linectl.server.results.suspensions import Answered

__all__ = ["GlueStandings", "standings_of"]


class GlueStandings:
    """The confirmations that the line has answered, from the stores in `folder`; `refresh` it when a lot was washed.

    `section` is a list, by glue and the latest first, of {"glue", "confirmation", "recipe", "word" (go, suspended ...),
    "state" (in_control, watch, disproved), "lots", "bottles", "rejects", "stuck", "predicted", "statistic", "limit",
    "suspended": null or {"since", "at", "lots", "bottles", "rejects", "lower", "share"}}; shares are of 1.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps: dict[Path, Stamp] = {}
        self.section: list[dict[str, object]] = []

    @property
    def suspended(self) -> bool:
        """Whether the line disproves a GO."""
        return any(each["suspended"] is not None for each in self.section)

    async def refresh(self) -> bool:
        """Work it out again in a process of its own, at a lower priority; return whether it says something else now.

        Raises:
            LinectlError: a store or a recipe of a confirmation cannot be read; the section stays as it was.
        """
        # as of before: the next look sees what is written meanwhile, and tries again what was mended
        self._stamps = await asyncio.to_thread(stamps_of, self._folder, self._stamps)
        before, self.section = self.section, await in_child(standings_of, self._folder)
        return before != self.section

    async def is_behind(self) -> bool:
        """Return whether the stores hold something new about the glues since the last refresh, by whoever wrote it."""
        return differ(self._stamps, await asyncio.to_thread(stamps_of, self._folder, self._stamps))


def standings_of(folder: Path) -> list[dict[str, object]]:
    """Return the section for the stores in `folder`. Slow: screenings are analysed."""
    from linectl.server.results.suspensions import answers_in

    return list(_told(answers_in(folder)))


def _told(answers: Iterable[Answered]) -> Iterable[dict[str, object]]:
    for each in answers:
        point, line = each.verdict.confirmation, each.verdict.line
        if line is None:
            continue
        chart, found = line.chart, line.suspended
        last = chart.points[-1] if chart.points else None
        yield {
            "glue": point.glue,
            "confirmation": point.id,
            "recipe": point.recipe,
            "word": each.verdict.word.value,
            "state": line.state.value,
            "lots": len(chart.points),
            "bottles": chart.bottles,
            "rejects": chart.rejects,
            "stuck": chart.stuck,
            "predicted": chart.expected.stuck,
            "statistic": None if last is None else last.statistic,
            "limit": None if last is None else last.limit,
            "suspended": None
            if found is None
            else {
                "since": _stamp(found.since_ns),
                "at": _stamp(found.at_ns),
                "lots": list(found.lots),
                "bottles": found.bottles,
                "rejects": found.rejects,
                "lower": found.lower,
                "share": found.share,
            },
        }


def _stamp(ns: int) -> str:
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).isoformat()
