"""The recipe that a machine is set to: written through the line's safe writes, and watched afterwards."""

from __future__ import annotations

from typing import Any

from linectl.clock import Clock
from linectl.errors import DeviceError
from linectl.line.line import Line
from linectl.model.people import Who
from linectl.model.readings import Reading, Scan
from linectl.model.records import Act, Event
from linectl.server.washing.machine_args import RecipeArgs
from linectl.server.washing.recipe_setting import Setting, Write, Written, check, set_to, setting_of, settings
from linectl.server.washing.recipes import find_recipe
from linectl.store.reader import StoreReader
from linectl.store.store import Store
from linectl.words import tr

__all__ = ["RecipeDesk"]

_SELECTED = "recipe_selected"


class RecipeDesk:
    """Sets the machine in `zone` to recipes, and knows to which it is set."""

    def __init__(self, line: Line, clock: Clock, store: Store, zone: str, write: Write) -> None:
        self._line, self._clock, self._store, self._zone, self._write = line, clock, store, zone, write
        self._setting = Setting()
        self._left: frozenset[str] = frozenset()  # tags that hold something else by now
        self._last: dict[str, tuple[Any, ...]] = {}
        self._places: dict[str, list[tuple[str, int]]] = {}

    def __repr__(self) -> str:
        """Return the recipe and what has left it."""
        return f"<RecipeDesk {self._setting.recipe or '-'}{', left by ' if self._left else ''}{', '.join(self._left)}>"

    def open(self, reader: StoreReader) -> None:
        """Take up the recipe that was set last."""
        told = reader.events_of(_SELECTED)
        self._set(Setting.from_told(told[-1].data) if told else Setting())

    def standing(self) -> Setting:
        """Return what the machine is set to; one without a recipe when none was set, or values were changed since."""
        return self._setting.without_recipe() if self._left else self._setting

    def scan(self, scan: Scan) -> bool:
        """Take a scan; return whether the machine left its recipe or came back to it."""
        group = scan.layout.group
        places = self._places.get(group)
        if places is None:
            index = {tag: place for place, tag in enumerate(scan.layout.tags)}
            places = self._places[group] = [(tag, index[tag]) for tag in self._setting.values if tag in index]
        if not places:
            return False
        said = tuple([scan.readings[place].value for _, place in places])
        if said == self._last.get(group):
            return False
        readings: dict[str, Reading] = {tag: scan.readings[place] for tag, place in places}
        if all(reading.received_time_ns > self._setting.at_ns for reading in readings.values()):
            self._last[group] = said
        left = (self._left - readings.keys()) | set(self._setting.left_by(readings))
        changed, self._left = left != self._left, frozenset(left)
        if changed:
            data = {"recipe": self._setting.recipe, "left": sorted(left)}
            self._store.log_event(Event(self._clock.now_ns(), "recipe_left" if left else "recipe_back", data))
        return changed

    async def select(self, args: RecipeArgs, who: Who) -> dict[str, Any]:
        """Write all values of a recipe; a machine that took some of them alone is set to no recipe.

        Raises:
            ConfigError: no such recipe, or mistakes in its file or its washer's.
            Refused: the line has no such setpoints, or values are beyond its limits; nothing was written.
            DeviceError: a value was not taken; the message names it, those written before and those not tried
                (E-MCH-005).
        """
        definition = self._line.definition
        recipe, washer = find_recipe(args.recipe)
        values = settings(definition, self._zone, recipe, washer)
        check(definition, recipe, values)
        answer: dict[str, Any] = {"recipe": recipe.name, "recipe_hash": recipe.file_hash, "values": values}
        if args.dry_run:
            return {**answer, "outcome": "possible"}
        old = self.standing().recipe
        self._set(self._setting.without_recipe())
        done = await set_to(self._write, values, who=who.operator, why=args.reason or recipe.name)
        new = setting_of(recipe, washer, values, self._clock.now_ns())
        if done.failed is not None:
            new = new.without_recipe()
        await self._record(new, old, recipe.name, done, who, args.reason)
        self._set(new)
        if done.failed is not None:
            raise _not_taken(recipe.name, done)
        promoted = {"verdict": new.verdict, "verdict_hash": new.verdict_hash, "glue": new.glue}
        return {**answer, "outcome": "confirmed", "written": list(done.written), **promoted}

    async def _record(self, new: Setting, old: str, asked: str, done: Written, who: Who, why: str) -> None:
        now_ns, outcome = self._clock.now_ns(), "confirmed" if done.failed is None else str(done.failed.outcome)
        told = {"recipe": asked, "recipe_hash": new.recipe_hash, "outcome": outcome, "written": list(done.written)}
        if done.failed is not None:
            told |= {"failed": done.failed.tag, "untried": list(done.untried)}
        act = Act(now_ns, who.operator, "select_recipe", self._zone, old=old or None, new=told, reason=why)
        await self._store.add_event(Event(now_ns, _SELECTED, new.told(), act=act))

    def _set(self, setting: Setting) -> None:
        self._setting, self._left = setting, frozenset()
        self._places.clear()
        self._last.clear()

    def section(self) -> dict[str, Any]:
        """Return the recipe, the hash of its file and the verdict behind it, and the tags that have left it."""
        now = self._setting
        told = {"recipe": now.recipe, "recipe_hash": now.recipe_hash, "recipe_left": sorted(self._left)}
        return {**told, "verdict": now.verdict, "verdict_hash": now.verdict_hash}


def _not_taken(recipe: str, done: Written) -> DeviceError:
    report = done.failed
    assert report is not None
    lines = [
        tr("{recipe} is not set: {tag} = {asked} was not taken ({outcome}; it has {got}) {detail}")
        .format(
            recipe=recipe,
            tag=report.tag,
            asked=report.asked,
            outcome=report.outcome,
            got="?" if report.got is None else report.got,
            detail=report.detail,
        )
        .rstrip(),
        tr("written: {tags}").format(tags=", ".join(done.written) or "-"),
        tr("not tried: {tags}").format(tags=", ".join(done.untried) or "-"),
    ]
    hint = tr("the machine is set to parts of two recipes: put the cause right and select one again")
    return DeviceError("\n".join(lines), hint=hint, code="E-MCH-005")
