"""Suspensions seen from outside: every confirmation that the line has answered, and lifting one for a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.clock import wall_ns
from linectl.errors import Refused
from linectl.lab.acts import SUSPENSION_LIFTED, with_act
from linectl.model.records import Event
from linectl.server.places import last_run, state_folder
from linectl.server.results.confirming import judged
from linectl.server.results.line_answers import lots_since, stores_in
from linectl.server.results.registration import registered
from linectl.store.reader import StoreReader
from linectl.store.store import open_store
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import ConfirmationVerdict
    from linectl.lab.monitoring.standing import LineAnswer

__all__ = ["Answered", "answers_in", "lift", "of_glue_on_recipe", "store_folder"]


@dataclass(frozen=True, slots=True)
class Answered:
    """One confirmation with what the line says of it, and the store that holds its register."""

    store: Path
    verdict: ConfirmationVerdict


def answers_in(folder: Path, glue: str = "") -> list[Answered]:
    """Return the confirmations (of `glue`, if named) in stores of `folder` of whose glue the line has washed lots.

    Those of one glue follow each other, the latest first. Slow: screenings are analysed; a line asks `in_child`.
    """
    found: list[tuple[int, Answered]] = []
    for virtual in (False, True):
        for file in stores_in(folder, virtual=virtual):
            reader = StoreReader(file)
            mine = [entry for entry in registered(reader) if glue in {"", entry.present.glue}]
            washed = {entry.present.glue for entry in mine if lots_since(reader, entry)}
            found += [
                (entry.first.registered_ns, Answered(file, judged(reader, entry.first.id)))
                for entry in mine
                if entry.present.glue in washed
            ]
    found.sort(key=lambda each: (each[1].verdict.confirmation.glue, -each[0]))
    return [each for _, each in found]


def of_glue_on_recipe(found: Iterable[Answered], glue: str, recipe: str) -> Answered | None:
    """Return the latest of `found` that was GO, still or once, for `glue` on `recipe`; None: the line said nothing."""
    from linectl.lab.results import VerdictWord

    for each in found:
        point = each.verdict.confirmation
        mine = point.glue == glue and recipe in {point.recipe, Path(point.recipe).stem}
        if mine and each.verdict.word in {VerdictWord.GO, VerdictWord.SUSPENDED}:
            return each
    return None


def store_folder(data: Path | None) -> Path:
    """Return the folder of the stores: `data`, else that of the last run, else the state folder."""
    if data is not None:
        return data
    try:
        return last_run(None).store.parent
    except Refused:
        return state_folder()


def lift(store: Path, name: str, *, by: str, reason: str) -> LineAnswer:
    """Lift the suspension of the confirmation `name`, and return what the line said of it; its chart begins anew.

    Raises:
        Refused: there is none of that name, it is not suspended, or no reason is given.
        StoreError: the store cannot be written.
    """
    from linectl.lab.report.confirmation import confirmation_title
    from linectl.lab.results import VerdictWord

    if not reason.strip():
        raise Refused(
            tr("a suspension is not lifted without a reason"),
            hint=tr("say what was wrong with these lots, or with the inspector: --reason ..."),
        )
    reader = StoreReader(store)
    verdict = judged(reader, name)
    if verdict.line is None or verdict.word is not VerdictWord.SUSPENDED:
        raise Refused(
            tr("{name} is not suspended: {word}").format(name=name, word=confirmation_title(verdict.word)),
            hint=tr("see it with: linectl confirm status {name}").format(name=name),
        )
    suspended = verdict.line.suspended
    assert suspended is not None, "a suspension has its disproof"
    data = {"by": by, "reason": reason.strip(), "glue": verdict.confirmation.glue, "lots": list(suspended.lots)}
    event = with_act(Event(max(wall_ns(), suspended.at_ns + 1), SUSPENSION_LIFTED, data, name))
    asyncio.run(_write(store, reader.line(), event))
    return verdict.line


async def _write(path: Path, line: str, event: Event) -> None:
    store = open_store(path, line=line, virtual=False)
    await store.open()
    try:
        await store.add_event(event)
    finally:
        await store.close()
