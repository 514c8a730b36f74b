"""What a failed test prints of its line: the seed, what happened, and how to see it again."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from linectl.clock import VIRTUAL_START_NS
from linectl.config.scenario_file import machines_of
from linectl.errors import LinectlError
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import decimal, tr

if TYPE_CHECKING:
    import pytest

    from linectl.sim.faults.events import FaultEvent
    from linectl.testing.line import LineInTest

__all__ = ["replay_command", "told"]

_EVENTS_SHOWN = 20
_DATA_SHOWN = 90


def replay_command(item: pytest.Item, seed: int) -> str:
    """Return the command that runs the test `item` again with `seed`, from the folder where it was run."""
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    _, _, rest = item.nodeid.partition("::")
    return f"python -m pytest {shlex.quote(f'{path}::{rest}' if rest else path)} --line-seed {seed}"


def told(line: LineInTest) -> str:
    """Return what is known of `line` at the end of a test: where it stands, its faults, and its last events."""
    scenario = line.scenario.source or line.scenario.name if line.scenario is not None else "-"
    rows = [
        (tr("seed"), str(line.seed)),
        (tr("line"), f"{line.definition.name} ({line.line_source})"),
        (tr("scenario"), scenario),
        (tr("clock"), tr("{seconds} s of process time").format(seconds=decimal(line.time_s, 1))),
    ]
    rows += [(tr("devices"), state) for state in _states(line)]
    faults = line.faults_used
    rows += [(tr("fault"), _fault(event)) for event in (faults.log if faults is not None else ())]
    rows += [(tr("event"), event) for event in _events(line)]
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{wide}}  {text}" for name, text in rows)


def _states(line: LineInTest) -> Iterator[str]:
    """Yield the PLC of each machine of the line in one line: its state and its alarms."""
    plcs = {"bath": line.rig.plc, "washer": line.rig.washer.plc}
    return (repr(plcs[machine]) for machine in machines_of(line.definition))


def _fault(event: FaultEvent) -> str:
    """Return one entry of the fault log: `60.0 s  heater_weak bath began (ordered), power 0.5`."""
    words = {"began": tr("began"), "ended": tr("ended")}
    where = f" {event.target}" if event.target else ""
    figures = "".join(f", {name} {value:g}" for name, value in event.values.items())
    what = words.get(event.what, event.what)
    return f"{decimal(event.process_s, 1)} s {event.kind}{where} {what} ({event.why}){figures}"


def _events(line: LineInTest) -> list[str]:
    """Return the last events of the line's runs, each on one line."""
    if not line.store_file.is_file():
        return []
    try:
        reader = StoreReader(line.store_file)
        events = [event for run in reader.runs() for event in reader.events(run.id) if event.kind != "prompt"]
    except LinectlError as error:
        return [tr("the store cannot be read: {why}").format(why=error)]
    start_ns = VIRTUAL_START_NS if line.virtual else (events[0].ts_ns if events else 0)
    shown = events[-_EVENTS_SHOWN:]
    return [f"{decimal((event.ts_ns - start_ns) / NS_PER_S, 1)} s {event.kind} {_short(event.data)}" for event in shown]


def _short(data: Mapping[str, object]) -> str:
    """Return what an event says, without what it leaves empty, cut after 90 characters."""
    text = json.dumps(
        {key: value for key, value in data.items() if value is not None and value != ""}, ensure_ascii=False
    )
    return text if len(text) <= _DATA_SHOWN else f"{text[:_DATA_SHOWN]}..."
