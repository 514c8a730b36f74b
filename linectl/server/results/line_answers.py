"""What the line has answered to each confirmation: wash lots of the stores beside it, charted against its GO.

A suspension is never written down: it follows from the lots each time that somebody asks. What is written is that a
person has lifted one, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.lab.acts import SUSPENSION_LIFTED
from linectl.model.confirmations import Confirmation
from linectl.model.lots import Lot
from linectl.model.records import Event
from linectl.server.results.registration import registered
from linectl.server.washing.recipes import find_recipe
from linectl.store.reader import StoreReader

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import ConfirmationVerdict, Evidence
    from linectl.lab.confirmation.registry import Register
    from linectl.lab.monitoring.counts import LotCount
    from linectl.lab.monitoring.standing import Lift, LineAnswer
    from linectl.model.washing import Inspector

__all__ = ["answered", "line_answer", "lots_beside", "lots_since", "stores_in"]

_VIRTUAL = "-virtual"  # ends the name of a store whose clock begins with 2026


def stores_in(folder: Path, *, virtual: bool) -> list[Path]:
    """Return the stores of `folder` by name: those of real time, or those of virtual time; the two never mix."""
    files = sorted(folder.glob("*.db"))
    return [file for file in files if file.stem.endswith(_VIRTUAL) is virtual and file.stat().st_size]


def lots_beside(store: Path) -> list[Lot]:
    """Return the lots that have been washed, of all stores of the folder of `store`; one in several counts once."""
    found: dict[tuple[object, ...], Lot] = {}
    for file in stores_in(store.absolute().parent, virtual=_is_virtual(store)):
        for lot in StoreReader(file).lots():
            if lot.washed_ns is not None:  # also those that have left the plant since
                found.setdefault((lot.name, lot.glue, lot.washed_ns, lot.bottles_seen), lot)
    return list(found.values())


def answered(
    reader: StoreReader, entry: Register, verdict: ConfirmationVerdict, figures: Evidence | None
) -> ConfirmationVerdict:
    """Return `verdict` with what the line says of it; a GO that it has disproved is SUSPENDED.

    `figures` are what the line recipe was computed to do.
    """
    from linectl.lab.monitoring.chart import ChartState
    from linectl.lab.results import VerdictWord

    answer = line_answer(reader, entry, None if figures is None else figures.corner_lower)
    if answer is None:
        return verdict
    disproved = verdict.word is VerdictWord.GO and answer.state is ChartState.DISPROVED
    return replace(verdict, line=answer, word=VerdictWord.SUSPENDED if disproved else verdict.word)


def lots_since(reader: StoreReader, entry: Register) -> list[Lot]:
    """Return the lots of a confirmation's glue that were washed since its glue and recipe were first registered.

    In a store of virtual time all lots count, whenever they were washed: its clock is not that of the register.
    """
    present = entry.present
    kin = [each.first.registered_ns for each in registered(reader) if _promise(each.present) == _promise(present)]
    since_ns = 0 if _is_virtual(reader.path) else min([entry.first.registered_ns, *kin])
    mine = [lot for lot in lots_beside(reader.path) if lot.glue == present.glue]
    return [lot for lot in mine if lot.bottles_seen and (lot.washed_ns or 0) > since_ns]


def line_answer(reader: StoreReader, entry: Register, corner_lower: float | None) -> LineAnswer | None:
    """Return what the line says of a confirmation; None when no lot of its glue has been washed since.

    `corner_lower` is the lower bound of the share released at its recipe's edge.
    """
    present = entry.present
    lots = lots_since(reader, entry)
    if not lots:
        return None
    from linectl.lab.confirmation.clusters import BathSpread
    from linectl.lab.monitoring.counts import Expected
    from linectl.lab.monitoring.standing import answer_of

    names, inspector = _of_recipe(present)
    virtual = _is_virtual(reader.path)
    kin = [e.first.registered_ns for e in registered(reader) if _promise(e.present) == _promise(present)]
    spread = BathSpread(present.sigma, present.bath_sd, 1)
    return answer_of(
        present.glue,
        [_count(lot) for lot in lots],
        Expected.of(present.removal, corner_lower, spread, inspector),
        recipes=names,
        registered_ns=0 if virtual else entry.first.registered_ns,
        kin_ns=() if virtual else kin,
        lifts=_lifts(reader, present.id),
    )


def _is_virtual(store: Path) -> bool:
    return store.stem.endswith(_VIRTUAL)


def _count(lot: Lot) -> LotCount:
    """Return a lot as it is charted: by what was thrown out for its label, where the inspector tells that apart."""
    from linectl.lab.monitoring.counts import LotCount

    assert lot.washed_ns is not None, "only washed lots are charted"
    rejects = lot.rejected if lot.label_rejects is None else lot.label_rejects
    return LotCount(lot.name, lot.glue, lot.bottles_seen, min(rejects, lot.bottles_seen), lot.washed_ns, lot.recipe)


def _lifts(reader: StoreReader, name: str) -> Sequence[Lift]:
    from linectl.lab.monitoring.standing import Lift

    events: Iterable[Event] = (event for event in reader.events(name) if event.kind == SUSPENSION_LIFTED)
    return [Lift(event.ts_ns, str(event.data.get("by")), str(event.data.get("reason"))) for event in events]


def _promise(confirmation: Confirmation) -> tuple[str, str]:
    return confirmation.glue, confirmation.recipe


def _of_recipe(confirmation: Confirmation) -> tuple[tuple[str, ...], Inspector | None]:
    """Return the names by which the confirmed recipe goes on the line, once promoted too, and its washer's camera."""
    if not confirmation.recipe:
        return (), None
    recipe, washer = find_recipe(confirmation.recipe)
    return (confirmation.recipe, recipe.name, f"{recipe.name}_{confirmation.glue}"), washer.inspector
