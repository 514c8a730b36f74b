"""A server that dies or hangs while it heats: the PLC makes itself safe in time, and nothing heats again by itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
WATCHDOG_S = 2.0
WITHIN_S = WATCHDOG_S + 0.6  # one heartbeat more, and the PLC's own scan
AT_ONCE = 5
SEED = 20

pytestmark = pytest.mark.timeout(300)


def started(file: str, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LINECTL_LANG": "en"}
    return subprocess.Popen(
        [sys.executable, str(HERE / file), *words], env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    )


@dataclass
class Plcs:
    """The PLCs' process, and what it said by its own clock: when each heater went on or off, and each last beat."""

    process: subprocess.Popen[str]
    ports: list[int] = field(default_factory=list)
    on: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    off: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    beat: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            kind, *rest = line.split()
            if kind == "ports":
                self.ports = list(map(int, rest))
            else:
                said = {"on": self.on, "off": self.off, "beat": self.beat}[kind]
                said[int(rest[0])].append(float(rest[1]))


@contextmanager
def plcs(count: int, watchdog_s: float) -> Iterator[Plcs]:
    with started("plcs.py", str(count), str(watchdog_s)) as process:
        found = Plcs(process)
        listener = threading.Thread(target=found.listen, daemon=True)
        listener.start()
        try:
            wait_for(lambda: len(found.ports) == count)
            yield found
        finally:
            process.kill()
            listener.join(10)


def wait_for(condition: object, within_s: float = 60.0) -> None:
    assert callable(condition)
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "waited too long"
        time.sleep(0.01)


@contextmanager
def holders(ports: list[int], folder: Path) -> Iterator[dict[int, subprocess.Popen[str]]]:
    """Hold the line of each PLC by a process of its own; all of them heat when the block begins."""
    running = {port: started("holder.py", str(port), str(folder)) for port in ports}
    try:
        for each in running.values():
            assert each.stdout is not None
            assert each.stdout.readline() == "heating\n"
        yield running
    finally:
        for each in running.values():
            each.kill()
            each.communicate(timeout=20)


def kill(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send the signal and return when, by the clock that all processes of this computer share."""
    at_s = time.monotonic()
    process.send_signal(number)
    return at_s


@pytest.mark.fault("F27")
@pytest.mark.fault("F35")
def test_twenty_servers_killed_or_frozen_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    took: list[float] = []
    with plcs(20, WATCHDOG_S) as rig:
        for first in range(0, 20, AT_ONCE):
            batch = rig.ports[first : first + AT_ONCE]
            with holders(batch, tmp_path) as running:
                killed: dict[int, float] = {}
                for place, port in enumerate(batch):
                    time.sleep(chance.uniform(0.05, 0.3))
                    assert not rig.off[port], "it was safe before anything was done to it"
                    number = signal.SIGSTOP if place % 2 else signal.SIGKILL
                    killed[port] = kill(running[port], number)
                wait_for(lambda off=rig.off, ports=batch: all(off[port] for port in ports), 20.0)
                took += [rig.off[port][0] - killed[port] for port in batch]
                for port in batch:
                    assert rig.off[port][0] - rig.beat[port][-1] <= WATCHDOG_S + 0.3  # by the PLC's clock alone
                for port in batch[1::2]:
                    running[port].send_signal(signal.SIGCONT)
                time.sleep(1.0)
                for port in batch:  # one that wakes up does not heat on
                    assert len(rig.on[port]) == 1
    assert len(took) == 20
    assert max(took) <= WITHIN_S, sorted(took)
    assert min(took) > 1.0, "what was measured is no watchdog"


@pytest.mark.fault("F35")
def test_without_a_watchdog_the_bath_stays_hot(tmp_path: Path) -> None:
    with plcs(1, 600.0) as rig, holders(rig.ports, tmp_path) as running:
        (port,) = rig.ports
        kill(running[port], signal.SIGKILL)
        time.sleep(WITHIN_S + 1.0)
        assert rig.on[port]
        assert not rig.off[port]
