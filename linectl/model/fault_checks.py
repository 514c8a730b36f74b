"""Whether an order of a fault can be carried out: what is wrong with it, key by key, and what is allowed there.

The same checks serve a scenario's file and a fault that is ordered while the simulator runs.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from linectl.model.faults import KINDS, SENSORS, FaultKind, FaultOrder, machine_of
from linectl.words import number, tr

__all__ = ["Condition", "Mistake", "condition", "figure_of", "figures_text", "mistakes", "with_defaults"]

MACHINES = ("bath", "washer")

_CONDITION = re.compile(r"\s*([a-z0-9_.]+)\s*(<=|>=|<|>)\s*([+-]?\d+(?:\.\d+)?)\s*")
_COMPARES: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A reading compared with a number: what an order's `when` says."""

    reading: str
    compare: str
    value: float

    def holds(self, shown: float | None) -> bool:
        """Return whether it is met by what the sensor shows; a sensor that shows nothing meets no condition."""
        return shown is not None and _COMPARES[self.compare](shown, self.value)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one key of an order: `fault`, `target`, `at`, `for`, `count`, `when` or a figure's name."""

    key: str
    message: str


def condition(text: str) -> Condition | None:
    """Return the condition that `text` writes, such as `z3.temperature > 70`, None when it is none."""
    match = _CONDITION.fullmatch(text)
    return Condition(match[1], match[2], float(match[3])) if match else None


def figure_of(kind: FaultKind, name: str, said: float | str) -> float | None:
    """Return the number that `said` stands for as the figure `name` of `kind`; None for a word unknown to it."""
    parameter = kind.parameter(name)
    if isinstance(said, str):
        return None if parameter is None else parameter.words.get(said)
    return float(said)


def figures_text(kind: str, values: Mapping[str, float]) -> str:
    """Return the figures of a fault of `kind` as people write them: `per_h=0.5`, `glue=psa`."""
    known = KINDS.get(kind)
    told = []
    for name, value in values.items():
        parameter = None if known is None else known.parameter(name)
        words = {} if parameter is None else {code: word for word, code in parameter.words.items()}
        told.append(f"{name}={words.get(value) or number(value)}")
    return " ".join(told)


def with_defaults(order: FaultOrder) -> Mapping[str, float]:
    """Return all figures of an order without mistakes: those that it gives, and the defaults of the rest."""
    given = order.values
    parameters = KINDS[order.kind].parameters
    return {each.name: given.get(each.name, each.default or 0.0) for each in parameters}


def mistakes(order: FaultOrder, machines: Collection[str] = MACHINES) -> list[Mistake]:
    """Return all that is wrong with `order` on a line that has `machines` (`bath`, `washer`); none: it can be done."""
    kind = KINDS.get(order.kind)
    if kind is None:
        return [
            Mistake(
                "fault", tr("unknown fault {name}; {nearest}").format(name=order.kind, nearest=_list(order.kind, KINDS))
            )
        ]
    found = [*_of_target(order, kind, machines), *_of_figures(order, kind), *_of_times(order, kind)]
    if order.when:
        found += _of_condition(order.when, machines)
    return found


def _of_target(order: FaultOrder, kind: FaultKind, machines: Collection[str]) -> Iterable[Mistake]:
    if machine_of(kind.name) not in {"", *machines}:
        yield Mistake("fault", tr("{fault} is about a washer, and this line has none").format(fault=kind.name))
        return
    allowed = [each for each in kind.targets if machine_of(kind.name, each) in {"", *machines}]
    if order.target in allowed or not (kind.targets or order.target):
        return
    if not kind.targets:
        yield Mistake("target", tr("{fault} has no target").format(fault=kind.name))
    elif not order.target:
        text = tr("missing: {fault} needs one of {allowed}")
        yield Mistake("target", text.format(fault=kind.name, allowed=", ".join(allowed)))
    else:
        text = tr("{target} is nothing that {fault} can strike on this line; {nearest}")
        near = _list(order.target, allowed)
        yield Mistake("target", text.format(target=order.target, fault=kind.name, nearest=near))


def _of_figures(order: FaultOrder, kind: FaultKind) -> Iterable[Mistake]:
    names = [each.name for each in kind.parameters]
    for name in order.values:
        if name not in names:
            text = tr("{fault} takes no {name}; {nearest}")
            yield Mistake(name, text.format(fault=kind.name, name=name, nearest=_list(name, names)))
    for each in kind.parameters:
        value = order.values.get(each.name)
        if value is None and each.default is None:
            text = tr("missing: {name}, {low} to {high}{unit} ({meaning})")
            yield Mistake("fault", _filled(text, each.name, each.low, each.high, each.unit, meaning=each.meaning))
        elif value is not None and not each.low <= value <= each.high:
            text = tr("{name} = {value} is out of its range {low} to {high}{unit}")
            yield Mistake(each.name, _filled(text, each.name, each.low, each.high, each.unit, value=number(value)))


def _filled(text: str, name: str, low: float, high: float, unit: str, **more: str) -> str:
    shown = f" {unit}" if unit else ""
    return text.format(name=name, low=number(low), high=number(high), unit=shown, **more)


def _of_times(order: FaultOrder, kind: FaultKind) -> Iterable[Mistake]:
    if not 0.0 <= order.at_s < float("inf"):
        text = tr("expected a time from the start on, 0 s or later, not {time} s")
        yield Mistake("at", text.format(time=number(order.at_s)))
    if order.for_s is not None and not 0.0 < order.for_s < float("inf"):
        text = tr("expected a duration above 0 s, not {time} s")
        yield Mistake("for", text.format(time=number(order.for_s)))
    if order.count is None:
        return
    if not kind.counts:
        yield Mistake("count", tr("{fault} is not counted; end it by `for`, or let it stand").format(fault=kind.name))
    elif order.count < 1:
        text = tr("expected how many {things} it strikes, 1 or more, not {count}")
        yield Mistake("count", text.format(things=kind.counted, count=order.count))


def _of_condition(text: str, machines: Collection[str]) -> Iterable[Mistake]:
    found = condition(text)
    known = [each for each in SENSORS if machine_of("", each) in machines]
    if found is None:
        form = tr("expected `reading > number` or `reading < number`, such as `{example}`, not {text}")
        yield Mistake("when", form.format(example=f"{known[0]} > 70" if known else "z3.temperature > 70", text=text))
    elif found.reading not in known:
        unknown = tr("this line has no reading {name}; {nearest}")
        yield Mistake("when", unknown.format(name=found.reading, nearest=_list(found.reading, known)))


def _list(word: str, known: Iterable[str]) -> str:
    """Return what was probably meant, and all that is allowed."""
    words = list(known)
    if not words:
        return tr("there are none")
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    every = tr("expected one of {words}").format(words=", ".join(words))
    return tr("did you mean `{word}`? ({all})").format(word=near[0], all=every) if near else every
