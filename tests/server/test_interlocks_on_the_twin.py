"""The shipped interlocks of the washer, judged on the scans of the twin: a calm shift trips nothing, a jam its own."""

from __future__ import annotations

import pytest

from linectl.config.files import SourceText
from linectl.config.interlock_file import find_interlocks
from linectl.config.load import load_interlocks
from linectl.config.scenario_file import load_scenario_text
from linectl.line.interlocks import State, evaluate, tripped
from linectl.model.readings import Reading, Scan
from linectl.server.scenario.play import play_in_virtual_time
from linectl.server.scenario.witness import Witness

SHIFT = """kind: scenario
line: simulated_washer
duration: 20 min
recipe: reference_80c
initial: {washer.recipe: 1}
lots: [{name: a, count: 600, glue: casein, inlet_c: 15}]
"""
JAM = "faults: [{at: 10 min, fault: chain_jam, for: 60}]\n"


class Follower:
    """Judges the interlocks at each scan, and keeps what changed."""

    def __init__(self) -> None:
        self.rules = load_interlocks(find_interlocks("washer"))
        self.state = State()
        self.trips: list[tuple[str, ...]] = []
        self.may_feed = 0
        self._readings: dict[str, Reading] = {}

    def see(self, scan: Scan) -> None:
        self._readings.update({each.tag: each for each in scan.readings})
        self.state = evaluate(self.rules, self.state, self._readings, max(scan.t_ns / 1e9, self.state.now_s))
        acting = tuple(name for name in tripped(self.state) if not self.rules.interlocks[name].reason)
        if acting != (self.trips[-1] if self.trips else ()):
            self.trips.append(acting)
        self.may_feed += all(each.holds for each in self.state.permissives.values())


def played(text: str, monkeypatch: pytest.MonkeyPatch) -> Follower:
    follower = Follower()
    witnessed = Witness.scan

    def scan(witness: Witness, scan: Scan) -> None:
        witnessed(witness, scan)
        follower.see(scan)

    monkeypatch.setattr(Witness, "scan", scan)
    scenario = load_scenario_text(SourceText("shift.yaml", text, "0" * 64))
    play_in_virtual_time(scenario, seed=1, wires=False, tell=lambda _happening: None)
    return follower


def test_a_calm_shift_trips_nothing_and_may_feed_throughout(monkeypatch: pytest.MonkeyPatch) -> None:
    follower = played(SHIFT, monkeypatch)
    assert follower.trips == []
    assert follower.state.first_out == ()
    assert follower.may_feed > 1200  # scans: one a second, and those of contacts


def test_a_jam_trips_on_the_torque(monkeypatch: pytest.MonkeyPatch) -> None:
    follower = played(SHIFT + JAM, monkeypatch)
    assert follower.trips[0] == ("chain_torque",)
    assert follower.state.first_out == ("chain_torque",)
