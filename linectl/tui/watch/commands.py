"""What can be typed after `:`, each a line of the table below; and how a value for a tag is read."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from linectl.lab.answers import yes_or_no
from linectl.tui.watch.feed import number, section, text
from linectl.tui.watch.figures import figure
from linectl.tui.watch.orders import Order
from linectl.tui.watch.sight import hours
from linectl.words import tr

__all__ = ["COMMANDS", "Typed", "command", "seconds_of", "set_order", "value_of"]

_UNITS_S = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a typed line means: an order, or why it is none; `ask` is the question to put before it is sent."""

    order: Order | None = None
    why: str = ""
    ask: str = ""


def command(line: str, state: Mapping[str, Any]) -> Typed:
    """Return what `line` (without its colon) asks for."""
    verb, _, rest = line.strip().partition(" ")
    made = COMMANDS.get(verb.lower())
    if made is None:
        near = difflib.get_close_matches(verb.lower(), COMMANDS, 1)
        hint = tr("did you mean {word}?").format(word=near[0]) if near else " ".join(COMMANDS)
        return Typed(why=tr("no command {word}: {hint}").format(word=verb, hint=hint))
    return made(verb.lower(), rest.strip(), state)


def _plain(verb: str, rest: str, _state: Mapping[str, Any]) -> Typed:
    if rest:
        return Typed(why=tr("{verb} takes nothing after it").format(verb=verb))
    return Typed(Order(verb, {}, verb, writes=verb != "hold"))


def _ending(verb: str, rest: str, state: Mapping[str, Any]) -> Typed:
    """Return an order that ends something: it is asked for again, with what would be lost."""
    typed = _plain(verb, rest, state)
    if typed.order is None:
        return typed
    if verb == "stop":  # whoever is asked here was told what it loses
        typed = Typed(replace(typed.order, args={"confirmed": True}))
        assert typed.order is not None
    run = section(state, "run")
    elapsed, left = number(run.get("elapsed_s")), number(run.get("eta_s"))
    if not run or elapsed is None:
        return Typed(typed.order, ask=tr("{verb}: sure? y/N").format(verb=verb))
    lost = tr("{verb}: run {id} has gone on for {elapsed}, {left} are left and would be lost. Sure? y/N").format(
        verb=verb, id=text(run.get("id")), elapsed=hours(elapsed), left=hours(left or 0.0)
    )
    return Typed(typed.order, ask=lost)


def _reasoned(verb: str, rest: str, _state: Mapping[str, Any]) -> Typed:
    """Return an order that is a deviation: it wants a reason."""
    if not rest:
        return Typed(why=tr("{verb} wants a reason: {verb} REASON").format(verb=verb))
    return Typed(Order(verb, {"why": rest}, verb))


def _note(verb: str, rest: str, _state: Mapping[str, Any]) -> Typed:
    if not rest:
        return Typed(why=tr("note TEXT"))
    return Typed(Order(verb, {"text": rest}, tr("note"), writes=False))


def _interlocks(_verb: str, rest: str, _state: Mapping[str, Any]) -> Typed:
    """Take back trips whose cause is gone: those named, else all."""
    return Typed(Order("interlock_reset", {"names": rest.split()}, tr("reset interlocks")))


def _set(_verb: str, rest: str, state: Mapping[str, Any]) -> Typed:
    name, _, value = rest.partition(" ")
    if not (name and value.strip()):
        return Typed(why=tr("set TAG VALUE"))
    return set_order(name, value, state)


def set_order(name: str, typed: str, state: Mapping[str, Any]) -> Typed:
    """Return the order that writes `typed` to the tag `name`."""
    tags = section(state, "tags")
    info = section(tags, name)
    if not info:
        near = difflib.get_close_matches(name, tags, 1)
        hint = tr("did you mean {word}?").format(word=near[0]) if near else ""
        return Typed(why=f"{tr('no tag {name}').format(name=name)} {hint}".strip())
    if not info.get("writable"):
        return Typed(why=tr("{name} cannot be written").format(name=name))
    value = value_of(typed)
    if value is None:
        return Typed(
            why=tr("`{typed}` is no value: give a number, such as 62,5, or yes or no").format(typed=typed.strip())
        )
    shown = f"{name} = {figure(value, info)} {text(info.get('unit'))}".rstrip()
    return Typed(Order("set", {"tag": name, "value": value}, shown))


def value_of(typed: str) -> float | bool | None:
    """Return a number, with comma or point, or yes or no; None for anything else, thousands like `1.500,0` too."""
    said = yes_or_no(typed)
    if said is not None:
        return said
    try:
        value = float(typed.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def seconds_of(typed: str) -> float | None:
    """Return a time such as `30m`, `45 s` or `1,5h` in s; None for anything else."""
    word = typed.strip().replace(" ", "").lower()
    unit = next((each for each in sorted(_UNITS_S, key=len, reverse=True) if word.endswith(each)), "")
    value = value_of(word.removesuffix(unit)) if unit else None
    known = number(value)
    return known * _UNITS_S[unit] if known is not None and known > 0 else None


COMMANDS: Mapping[str, Callable[[str, str, Mapping[str, Any]], Typed]] = {
    "start": _plain,
    "hold": _plain,
    "unhold": _plain,
    "suspend": _plain,
    "unsuspend": _plain,
    "stop": _ending,
    "clear": _plain,
    "reset": _plain,
    "set": _set,
    "undo": _plain,
    "pause": _plain,
    "resume": _plain,
    "next": _reasoned,
    "cancel": _ending,
    "note": _note,
    "interlock-reset": _interlocks,
}
