"""The state of a served line as faces see it: plain data in sections, in the language of whoever asks."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from drivers.wire_tap import DeviceStats
from linectl.lab.desk import OpenPrompt
from linectl.lab.report.journal_words import in_words
from linectl.lab.report.told import text_of
from linectl.line.heating_guard import HeatingTrip
from linectl.line.links import address_of
from linectl.model.lines import LineDefinition, Tag
from linectl.model.records import Event
from linectl.server.api.feed import Sections
from linectl.server.as_data import iso, reading_as_data
from linectl.server.line_server import LineServer

__all__ = ["HEATING", "sections_of"]

HEATING = "heating."
"""What the names of trips begin with that are faults of a zone's heating."""

_SHOWN = 60  # entries of the journal


def sections_of(server: LineServer, *, operator: str, since_ns: int) -> Sections:
    """Return what makes the sections of `server`, held by `operator` since `since_ns` (UTC)."""
    state = _LineState(server, operator, since_ns)
    return Sections(
        {
            "line": state.line,
            "holder": state.holder,
            "armed": state.armed,
            "links": state.links,
            "tags": state.tags,
            "values": state.values,
            "run": state.run,
            "scheduled": state.scheduled,
            "prompts": state.prompts,
            "alarms": state.alarms,
            "interlocks": state.interlocks,
            "machine": state.machine,
            "glues": state.glues,
            "journal": state.journal,
        }
    )


def interrupted_as_data(server: LineServer) -> dict[str, Any] | None:
    """Return the run that waits to be taken up, since when and whose it is; None: none does."""
    run = server.interrupted
    if run is None or server.run_id:
        return None
    since = None if run.ended_ns is None else iso(run.ended_ns)
    return {"run": run.id, "experiment": run.ref, "who": run.operator, "since": since}


class _LineState:
    def __init__(self, server: LineServer, operator: str, since_ns: int) -> None:
        self._server = server
        self._operator = operator
        self._since_ns = since_ns
        self._tags = {name: _tag(tag, server.definition) for name, tag in server.definition.tags.items() if _shown(tag)}

    def line(self) -> dict[str, Any]:
        definition = self._server.definition
        return {
            "name": definition.name,
            "source": definition.source,
            "simulated": definition.simulated,
            "speed": definition.speed,
            "version": version("linectl"),
            "store": str(self._server.store_file),
            "boot": self._server.line.boot,
            "unrecorded": self._unrecorded(),
            "interrupted": interrupted_as_data(self._server),
        }

    def _unrecorded(self) -> dict[str, Any] | None:
        """Return since when nothing is recorded, why and what to do; None: all is."""
        if self._server.unrecorded is None:
            return None
        since_ns, failure = self._server.unrecorded
        return {"since": iso(since_ns), "why": failure.message, "hint": failure.hint, "code": failure.code}

    def holder(self) -> dict[str, Any]:
        return {"who": self._operator, "pid": os.getpid(), "since": iso(self._since_ns)}

    def armed(self) -> dict[str, Any] | None:
        return self._server.writer.armed_state()

    def links(self) -> dict[str, Any]:
        line, found = self._server.line, {}
        for name, tap in line.taps.items():
            settings = self._server.definition.links[name]
            lost = line.lost(name)
            found[name] = {
                "kind": type(settings).__name__.removesuffix("Settings").lower(),
                "address": address_of(settings),
                "state": "ok" if lost is None else "lost",
                "reason": lost or "",
                "round_trip_ms": _round_trip_ms(tap.devices.values()),
            }
        return found

    def tags(self) -> dict[str, Any]:
        return self._tags

    def values(self) -> dict[str, Any]:
        line = self._server.line
        found = {}
        for name in self._tags:
            reading = line.reading(name)
            data = reading_as_data(line.definition.tags[name], reading)
            found[name] = {**data, "age_s": round(line.age_s(name), 1)}
        return found

    def run(self) -> dict[str, Any] | None:
        server = self._server
        if not server.run_id:
            return None
        found: dict[str, Any] = {
            "id": server.run_id,
            "experiment": "" if server.experiment is None else server.experiment.name,
            "state": str(server.state),
            "operator": server.operator,
        }
        where = server.progress
        if where is not None:
            low_s, high_s = where.eta_range_s
            found |= {
                "bath": where.bath,
                "baths": where.baths,
                "treatment": str(where.treatment),
                "phase": where.phase,
                "elapsed_s": round(where.elapsed_s, 1),
                "fraction": round(where.fraction, 4),
                "eta_s": round(where.eta_s),
                "eta_low_s": round(low_s),
                "eta_high_s": round(high_s),
                "temperature_c": where.temperature_c,
            }
        return found

    def scheduled(self) -> dict[str, Any] | None:
        schedule = self._server.schedule
        return None if schedule is None else schedule.section()

    def prompts(self) -> list[dict[str, Any]]:
        return [_prompt(each) for each in self._server.desk.open]

    def alarms(self) -> dict[str, Any] | None:
        desk = self._server.alarms
        return None if desk is None else desk.section()

    def interlocks(self) -> dict[str, Any]:
        guard = self._server.guard
        found = {"tripped": [], "missing": []} if guard is None else guard.section()
        heating = [_heating(trip) for trip in self._server.line.heating_trips.values()]
        return {**found, "tripped": [*found["tripped"], *heating]}

    def machine(self) -> dict[str, Any] | None:
        machine = self._server.machine
        return None if machine is None else machine.section()

    def glues(self) -> list[dict[str, object]]:
        standings = self._server.glues
        return [] if standings is None else standings.section

    def journal(self) -> list[dict[str, Any]]:
        entries = [_entry(number, event) for number, event in self._server.diary if event.kind not in _SILENT]
        return entries[-_SHOWN:]


_SILENT = frozenset({"checks_missed"})


def _shown(tag: Tag) -> bool:
    """Return whether people look at `tag`: what is scanned, and what may be set; not the words of a handshake."""
    return bool(tag.scan) or (tag.writable and tag.point is not None and tag.point.readback)


def _tag(tag: Tag, definition: LineDefinition) -> dict[str, Any]:
    zone = definition.zones.get(tag.name.partition(".")[0])
    limit = None if zone is None else zone.limits.get(tag.limit or tag.name.rpartition(".")[2])
    warned = [each for each in (tag.warn_high, None if limit is None else limit.warn) if each is not None]
    return {
        "unit": tag.unit,
        "description": tag.description,
        "label": tag.label,
        "low": tag.low,
        "high": tag.high,
        "normal_low": tag.warn_low,
        "normal_high": min(warned, default=None),
        "decimals": _decimals(tag),
        "writable": tag.writable,
        "states": {str(number): name for number, name in tag.states.items()},
        "dtype": tag.dtype,
        "period_s": definition.scans.get(tag.scan),
    }


def _heating(trip: HeatingTrip) -> dict[str, Any]:
    """Return a fault of a zone's heating as the trip that it is."""
    return {
        "name": f"{HEATING}{trip.zone}",
        "message": trip.text,
        "since": iso(trip.at_ns),
        "blind": [],
        "action": "safe",
        "stands": False,
        "first_out": False,
    }


def _decimals(tag: Tag) -> int:
    """Return how many decimals the tag's own resolution is worth."""
    if tag.dtype != "float":
        return 0
    gain = abs(tag.scaling.gain)
    return next((digits for digits in range(4) if gain >= 0.999 * 10**-digits), 3) if gain < 1.0 else 1


def _round_trip_ms(devices: Any) -> float | None:
    found = [bounds for each in devices if isinstance(each, DeviceStats) and (bounds := each.quantile_s(0.5))]
    return round(1000.0 * max(low_s for low_s, _ in found), 1) if found else None


def _prompt(waiting: OpenPrompt) -> dict[str, Any]:
    prompt = waiting.prompt
    return {
        "id": prompt.id,
        "kind": str(prompt.kind),
        "text": prompt.text,
        "task": prompt.task,
        "options": list(prompt.options),
        "low": prompt.low,
        "high": prompt.high,
        "unit": prompt.unit,
        "asked": iso(waiting.asked_ns),
        "default": list(prompt.default) if isinstance(prompt.default, tuple) else prompt.default,
        "timeout_s": prompt.timeout_s,
        "second": prompt.second,
        "facts": {key: list(fact) if isinstance(fact, tuple) else fact for key, fact in prompt.facts.items()},
    }


def _entry(number: int, event: Event) -> dict[str, Any]:
    return {
        "number": number,
        "time": iso(event.ts_ns),
        "kind": event.kind,
        "text": in_words(event),
        "who": text_of(event.data.get("who")),
        "run": event.run,
    }
