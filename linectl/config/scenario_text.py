"""What a scenario file may say: a timeline of faults on a simulated line; its checks, and its way into the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from linectl.config.documents import parsed, stop_on_problems
from linectl.config.files import SourceText, find_file
from linectl.config.nodes import Document, Loc, where
from linectl.config.schema import FileModel, Finite, nearest, validate
from linectl.config.times import seconds
from linectl.errors import ConfigError
from linectl.model.fault_checks import figure_of, mistakes
from linectl.model.faults import KINDS, FaultKind, FaultOrder, Scenario
from linectl.model.lines import LineDefinition
from linectl.words import tr

__all__ = ["LineOf", "absent", "machines_of", "scenario", "write_out"]

LineOf = Callable[[Path], LineDefinition]
"""Reads the line file to which a scenario belongs."""

_ORDER_KEYS = ("at", "fault", "target", "for", "count", "when")
_NO_END_S = 1e12  # stands for a duration that cannot be read: nothing lies after it
_WASHER_ZONE = re.compile(r"z\d+")

Text = Annotated[str, Field(min_length=1)]


class OrderFile(FileModel):
    """One fault; its figures were gathered in `values` before."""

    fault: Text
    at: Finite = 0.0
    target: str = ""
    for_: Annotated[Finite | None, Field(alias="for")] = None
    count: int | None = None
    when: str = ""
    values: dict[str, str | Finite] = Field(default_factory=dict)


class ScenarioFile(FileModel):
    """A whole scenario."""

    kind: Literal["scenario"]
    line: Text
    duration: Annotated[Finite, Field(gt=0)]
    name: str = ""
    description: str = ""
    seed: Annotated[int, Field(ge=0)] = 1
    initial: dict[str, Finite] = Field(default_factory=dict)
    recipe: str = ""
    lots: tuple[dict[str, str | Finite | bool], ...] = ()
    faults: tuple[OrderFile, ...] = ()


def scenario(source: SourceText, line_of: LineOf) -> Scenario:
    """Return the scenario that the text of a file describes, checked against the line that it names.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = parsed(source, "scenario")
    write_out(document)
    file = validate(document, ScenarioFile)
    if file is None:
        stop_on_problems(document)
    assert file is not None
    line = _line(file, document, line_of)
    orders = tuple(_order(each, number, document) for number, each in enumerate(file.faults))
    for number, order in enumerate(orders):
        _check(order, number, file.duration, line, document)
    if line is not None:
        _check_start(file, line, document)
    _check_feed(file, line, document)
    stop_on_problems(document)
    return Scenario(
        name=file.name or Path(source.path).stem,
        line=file.line,
        duration_s=file.duration,
        faults=orders,
        seed=file.seed,
        initial=file.initial,
        lots=file.lots,
        recipe=file.recipe,
        description=file.description,
        source=source.path,
        file_hash=source.sha256,
        places={where(loc): (source.path, *mark) for loc, mark in document.marks.items()},
    )


# short forms, written out before the schema looks


def write_out(document: Document) -> None:
    """Turn times into seconds, and gather what is said of a fault beside the keys of every order in `values`."""
    data = document.data
    if "duration" in data:
        data["duration"] = seconds(data["duration"], ("duration",), document, _NO_END_S)
    lots = data.get("lots")
    if isinstance(lots, tuple):
        data["lots"] = tuple(
            _plain(each, ("lots", k), document, in_lot=True) if isinstance(each, Mapping) else each
            for k, each in enumerate(lots)
        )
    faults = data.get("faults")
    if isinstance(faults, tuple):
        data["faults"] = tuple(_gathered(each, ("faults", k), document) for k, each in enumerate(faults))


def _gathered(order: Any, loc: Loc, document: Document) -> Any:
    if not isinstance(order, Mapping):
        return order
    found: dict[str, Any] = {key: order[key] for key in order if key in _ORDER_KEYS}
    for key in ("at", "for"):
        if key in found:
            found[key] = seconds(found[key], (*loc, key), document)
    values = _plain({key: order[key] for key in order if key not in _ORDER_KEYS}, loc, document)
    for key in values:
        document.marks[(*loc, "values", key)] = document.marks.get((*loc, key), (1, 1))
    return {**found, "values": values} if values else found


def _plain(said: Mapping[str, Any], loc: Loc, document: Document, *, in_lot: bool = False) -> dict[str, Any]:
    """Return what is a number or a word of `said` (a lot also has yes and no); anything else is told."""
    odd = [key for key, value in said.items() if not _is_plain(value) or (isinstance(value, bool) and not in_lot)]
    for key in odd:
        document.complain((*loc, key), tr("expected a number or a word"))
    return {key: value for key, value in said.items() if key not in odd}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


# checks across the file


def _line(file: ScenarioFile, document: Document, line_of: LineOf) -> LineDefinition | None:
    """Return the line that the scenario is about, None when it cannot be read."""
    try:
        definition = line_of(find_file(file.line, beside=document.source.path, folder="config"))
    except ConfigError as error:
        document.complain(("line",), error.message)
        return None
    if not definition.simulated:
        message = tr("{line} is a real line; faults are made on a simulated one (`simulated: true`)")
        document.complain(("line",), message.format(line=file.line))
    return definition


def _order(file: OrderFile, number: int, document: Document) -> FaultOrder:
    loc: Loc = ("faults", number)
    kind = KINDS.get(file.fault)
    values = {} if kind is None else dict(_figures(file, kind, loc, document))
    at = document.problem(loc, "")
    return FaultOrder(
        kind=file.fault,
        target=file.target,
        at_s=file.at,
        for_s=file.for_,
        count=file.count,
        when=file.when,
        values=values,
        place=(at.file, at.line, at.column),
    )


def _figures(file: OrderFile, kind: FaultKind, loc: Loc, document: Document) -> Iterator[tuple[str, float]]:
    names = [each.name for each in kind.parameters]
    for name, said in file.values.items():
        parameter = kind.parameter(name)
        if parameter is None:
            message = tr("{fault} takes no {name}; {nearest}")
            known = nearest(name, [*names, *_ORDER_KEYS])
            document.complain((*loc, name), message.format(fault=kind.name, name=name, nearest=known))
            continue
        value = figure_of(kind, name, said)
        if value is None:
            message = (
                tr("{said} is not known here; {nearest}") if parameter.words else tr("expected a number, not {said}")
            )
            near = nearest(str(said), list(parameter.words))
            document.complain((*loc, name), message.format(said=f"`{said}`", nearest=near))
        else:
            yield name, value


def _check(order: FaultOrder, number: int, duration_s: float, line: LineDefinition | None, document: Document) -> None:
    loc: Loc = ("faults", number)
    machines = ("bath", "washer") if line is None else machines_of(line)
    for mistake in mistakes(order, machines):
        document.complain((*loc, mistake.key), mistake.message)
    if order.at_s >= duration_s:
        message = tr("{at:g} s is after the scenario's end ({end:g} s)").format(at=order.at_s, end=duration_s)
        document.complain((*loc, "at"), message)


def _check_start(file: ScenarioFile, line: LineDefinition, document: Document) -> None:
    """A start of a machine that the line has not would be taken, and nobody would see it."""
    machines = machines_of(line)
    for name in file.initial:
        if absent(name, machines):
            message = tr("{line} cannot start with {name}: it has: {machines}")
            told = message.format(line=line.name, name=name, machines=", ".join(machines))
            document.complain(("initial", name), told)


def _check_feed(file: ScenarioFile, line: LineDefinition | None, document: Document) -> None:
    """Bottles and a recipe are a washer's; the recipe is there."""
    if line is not None and "washer" not in machines_of(line):
        for key in ("lots", "recipe"):
            if getattr(file, key):
                message = tr("{line} has no washer: nothing is fed to it").format(line=file.line)
                document.complain((key,), message)
    if file.recipe:
        try:
            find_file(file.recipe, beside=document.source.path, folder="config/recipes")
        except ConfigError as error:
            document.complain(("recipe",), error.message)


def absent(start: str, machines: Collection[str]) -> bool:
    """Return whether what `start` names (`bath.temperature`, `z3.temperature`) is of a machine not among `machines`."""
    zone = start.partition(".")[0]
    machine = "washer" if zone == "washer" or _WASHER_ZONE.fullmatch(zone) else zone
    return machine in ("bath", "washer") and machine not in machines


def machines_of(line: LineDefinition) -> tuple[str, ...]:
    """Return which machines of the simulator a line has: `bath`, `washer`."""
    zones = line.zones
    has = {"bath": "bath" in zones, "washer": any(_WASHER_ZONE.fullmatch(name) for name in zones)}
    return tuple(name for name, there in has.items() if there)
