"""The guard: a line's interlocks judged at each scan, what a trip asks for carried out, and what may not start now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from linectl.clock import Clock
from linectl.errors import Refused
from linectl.line.interlocks import State, action, evaluate, refusing, reset, tripped
from linectl.line.line import Line
from linectl.model.conditions import tags_of
from linectl.model.interlocks import Interlocks, TripPolicy
from linectl.model.people import Who
from linectl.model.readings import Scan, Value
from linectl.model.records import Act, Event
from linectl.server.as_data import iso
from linectl.words import language, tr

__all__ = ["Guard"]

Acts = Callable[[TripPolicy, str], Awaitable[None]]
"""Carries out what a trip asks for, with its reason."""


class Guard:
    """Judges `rules` on `line` from its first scan on; `note` keeps what happens, `acts` does what a trip asks for.

    Ages and delays go by the loop's clock, as scans do: a computer clock that jumps trips nothing, and neither does one
    late scan of a simulated line that goes faster than real time.
    """

    def __init__(
        self,
        rules: Interlocks,
        line: Line,
        clock: Clock,
        *,
        note: Callable[[Event], None],
        start: Callable[[Awaitable[None]], None],
        acts: Acts,
    ) -> None:
        self.rules = replace(rules, stale_s={})
        self._tags = tuple(rules.stale_s)
        self._line = line
        self._clock = clock
        self._note = note
        self._start = start
        self._acts = acts
        self.state = State()
        self._since_ns: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()

    def watch(self) -> None:
        """Judge each scan from now on, and refuse what is not permitted."""
        self._look()
        self._line.on_scan(self._scanned)
        self._line.permit = self.refusal

    async def refusal(self, what: str, value: Value | None) -> str:
        """Return why the command or tag `what` may not be given or switched on now; empty when it may.

        Switching off (false, 0) is always allowed. What the last scans forbid is read anew from the wires: between
        two scans of a slow group a heater was perhaps switched off.
        """
        if value is not None and not value:
            return ""
        if not self._against(what):
            return ""
        asked = {tag for rule in self.rules.permissives.values() if what in rule.allows for tag in tags_of(rule.needs)}
        await asyncio.gather(*(self._line.read(tag) for tag in sorted(asked)))
        self._look()
        return self._against(what)

    def _against(self, what: str) -> str:
        lacking = refusing(self.rules, self.state, what)
        named = any(what in each.allows for each in self.rules.permissives.values())
        standing = self._standing() if named else ()
        told = [self._told_trip(name) for name in standing] + [self._told_lack(name) for name in lacking]
        return " ".join(told)

    def standing_text(self) -> str:
        """Return why the line is held by its interlocks, empty when it is not."""
        return " ".join(self._told_trip(name) for name in self._standing())

    def reset(self, names: Collection[str], who: Who) -> dict[str, Any]:
        """Take back the trips in `names` (none: all), for a person who has seen to their cause.

        Raises:
            Refused: there is no such interlock, nothing is tripped, or a cause still stands.
        """
        unknown = [name for name in names if name not in self.rules.interlocks]
        if unknown:
            text = tr("there is no interlock {name}")
            raise Refused(text.format(name=", ".join(unknown)), hint=", ".join(self.rules.interlocks), code="E-ILK-001")
        wanted = list(names) or list(tripped(self.state))
        self.state = reset(self.rules, self.state, wanted)
        left = [name for name in wanted if name in tripped(self.state)]
        done = [name for name in wanted if name not in left]
        now_ns = self._clock.now_ns()
        for name in done:
            self._since_ns.pop(name, None)
            act = Act(now_ns, who.operator, "interlock_reset", name, old="tripped", new="clear")
            self._note(Event(now_ns, "interlock_reset", {"name": name, "who": who.operator}, act=act))
        if left:
            raise Refused(
                tr("the cause still stands: {names}").format(names=", ".join(left)),
                hint=" ".join(self._told_trip(name) for name in left),
                code="E-ILK-002",
            )
        return {"reset": done}

    def section(self) -> dict[str, Any]:
        """Return what faces see: what is tripped, and which permissives are missing."""
        standing = [self._as_data(name) for name in tripped(self.state)]
        missing = [
            {"name": name, "message": self._told_lack(name), "allows": list(rule.allows)}
            for name, rule in self.rules.permissives.items()
            if name in self.state.permissives and not self.state.permissives[name].holds
        ]
        return {"tripped": standing, "missing": missing}

    # how

    def _scanned(self, _scan: Scan) -> None:
        self._look()

    def _look(self) -> None:
        before = self.state
        readings = {name: self._line.reading(name) for name in self._tags}
        self.state = evaluate(self.rules, before, readings, self._loop.time())
        new = [name for name in tripped(self.state) if not _is_tripped(before, name)]
        gone = [name for name in tripped(before) if not _is_tripped(self.state, name)]
        for name in gone:
            self._since_ns.pop(name, None)
            self._note(Event(self._clock.now_ns(), "interlock_clear", {"name": name}))
        if new:
            self._trip(new)

    def _trip(self, names: list[str]) -> None:
        now_ns = self._clock.now_ns()
        for name in names:
            self._since_ns[name] = now_ns
            trip = self.state.interlocks[name].trip
            blind = list(trip.blind) if trip is not None else []
            told: dict[str, object] = {"name": name, "action": str(self.rules.interlocks[name].action), "blind": blind}
            told |= {"first_out": name in self.state.first_out, "why": self._told_trip(name)}
            act = Act(now_ns, "linectl", "interlock_trip", name, old="clear", new="tripped", reason=str(told["why"]))
            self._note(Event(now_ns, "interlock_trip", told, act=act))
        asked = max((self.rules.interlocks[name].action for name in names), key=lambda each: each.rank)
        if asked is not TripPolicy.IGNORE:
            first = self.state.first_out or tuple(names)
            self._start(self._acts(asked, " ".join(self._told_trip(name) for name in first)))

    def _standing(self) -> tuple[str, ...]:
        """Return the trips that ask for an action."""
        if action(self.rules, self.state) is None:
            return ()
        wanted = [name for name in tripped(self.state) if self.rules.interlocks[name].action is not TripPolicy.IGNORE]
        return tuple(wanted)

    def _told_trip(self, name: str) -> str:
        rule, state = self.rules.interlocks[name], self.state.interlocks.get(name)
        text = self._message(rule.message) or tr("interlock {name}: {when}").format(name=name, when=rule.text)
        return text if state is None else _with_doubt(text, state.blind or (state.trip.blind if state.trip else ()))

    def _told_lack(self, name: str) -> str:
        rule, state = self.rules.permissives[name], self.state.permissives.get(name)
        text = self._message(rule.message) or tr("{name} is missing: {needs}").format(name=name, needs=rule.text)
        return text if state is None else _with_doubt(text, state.blind)

    @staticmethod
    def _message(message: Mapping[str, str]) -> str:
        return message.get(language()) or message.get("en", "")

    def _as_data(self, name: str) -> dict[str, Any]:
        state, rule = self.state.interlocks[name], self.rules.interlocks[name]
        return {
            "name": name,
            "message": self._told_trip(name),
            "since": iso(self._since_ns.get(name)),
            "blind": list(state.blind or (state.trip.blind if state.trip else ())),
            "action": str(rule.action),
            "stands": state.cause_s is not None,
            "first_out": name in self.state.first_out,
        }


def _with_doubt(text: str, blind: Collection[str]) -> str:
    """Return `text` with what is not known, where that alone speaks for it: a bath that is full is filled by nobody."""
    if not blind:
        return text
    return tr("NOT KNOWN ({tags}), so taken as: {text}").format(tags=", ".join(blind), text=text)


def _is_tripped(state: State, name: str) -> bool:
    found = state.interlocks.get(name)
    return found is not None and found.trip is not None
