"""A person with wet gloves at the observation sheet: a scripted operator on a real pseudo-terminal loses nothing.

20 bottles, a look every minute and a half, a second to find each label, one key in fifty wrong and taken back. What
the operator saw is a script, so that every check in the store can be compared with it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S

pytestmark = pytest.mark.timeout(300)

SPEED = 20
BOTTLES = 20
CHECK_S = 90
CHECKS = 4
REACTION_S = 1.0
WRONG = 0.02
EXPERIMENT = f"""\
kind: experiment
name: sheet
question: does a person keep up?
factors: {{temperature_c: [47], naoh_pct: [0], glue: [permanent]}}
replicates: 1
bottles_per_glue: {BOTTLES}
order: {{seed: 3}}
soak: {{cap_s: {CHECK_S * CHECKS - 30}, check_s: {CHECK_S}}}
stabilisation: {{band_c: 1.5, hold_s: 30, within_s: 7200}}
observation: operator
decision: {{removal: 0.99, confidence: 0.95, soak_s: 120, temperatures_c: [47], naoh_pct: [0]}}
line: simulated
"""
OPEN_CHECK = re.compile(r"Look at the labels: (\d+) of (\d+) left")


@dataclass
class Operator:
    """Sits at the terminal, sees what is written there, and presses keys."""

    master: int
    falls_at: dict[int, int]  # position -> number of the check that sees its label off, beyond the last: never
    not_looked: tuple[int, frozenset[int]]  # in that check these positions are left out
    shown: str = ""
    check: int = 0
    asked: int = 0
    wrong: int = 0
    pressed: int = 0
    draw: random.Random = field(default_factory=lambda: random.Random(11))

    def work(self, process: subprocess.Popen[bytes], positions: list[int]) -> None:
        """Answer checks until the run is over."""
        while process.poll() is None:
            self._read(0.02)
            found = list(OPEN_CHECK.finditer(self.shown))
            if found and found[-1][1] == found[-1][2]:
                self.shown = ""
                self.check += 1
                self._look([p for p in sorted(positions) if self.falls_at[p] >= self.check])
        while self._read(0.2):
            pass

    def _look(self, due: list[int]) -> None:
        left_out = self.not_looked[1] if self.not_looked[0] == self.check else frozenset()
        for position in due:
            self.asked += 1
            if position in left_out:
                continue
            key = "-" if self.falls_at[position] == self.check else "+"
            self._wait()
            if self.draw.random() < WRONG:
                self.wrong += 1
                self._press(f"{position}{'+' if key == '-' else '-'}")
                self._wait()
                self._press("/")
                self._wait()
            self._press(f"{position}{key}" if left_out or self.check == 1 else key)  # at first some are not in yet
        if not left_out:
            self._press("\r")

    def _wait(self) -> None:
        end_s = time.monotonic() + REACTION_S / SPEED
        while (left := end_s - time.monotonic()) > 0:
            self._read(left)

    def _press(self, keys: str) -> None:
        self.pressed += 1
        os.write(self.master, keys.encode())

    def _read(self, within_s: float) -> bool:
        if not select.select([self.master], [], [], within_s)[0]:
            return False
        try:
            self.shown += os.read(self.master, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            return False
        return True


def start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    (folder / "sheet.yaml").write_text(EXPERIMENT, encoding="utf-8")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 34, 100, 0, 0))
    environment = {**os.environ, "LINECTL_LANG": "en", "LINECTL_OPERATOR": "anne", "TERM": "xterm-256color"}
    environment["XDG_STATE_HOME"] = str(folder / "state")
    words = ["run", "sheet.yaml", "--sim", "--memory", "--speed", str(SPEED), "--sheet", "--data", "data"]
    process = subprocess.Popen(
        [sys.executable, "-m", "linectl", *words],
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    return process, master


def test_a_scripted_operator_at_the_sheet_loses_nothing(tmp_path: Path) -> None:
    draw = random.Random(5)
    positions = list(range(1, 25))
    falls_at = {position: draw.randint(2, CHECKS + 3) for position in positions}
    left_out = frozenset({draw.choice(positions) for _ in range(6)})
    falls_at |= {position: 4 for position in left_out if falls_at[position] == 3}  # nobody looks there in check 3
    process, master = start(tmp_path)
    operator = Operator(master, falls_at, (3, left_out))
    try:
        operator.work(process, _loaded(tmp_path, positions))
        assert process.wait(20) == 0, operator.shown[-3000:]
    finally:
        process.kill()
        process.wait(10)
        os.close(master)
    _compare(tmp_path, operator)


def _loaded(folder: Path, positions: list[int]) -> list[int]:
    """Return the positions that this experiment's design fills: known from its seed, as the operator knows the bath."""
    from linectl.config.load import load_experiment
    from linectl.lab.design.baths import trials

    (bath,) = trials(load_experiment(folder / "sheet.yaml"), len(positions))
    return [bottle.position for bottle in bath.bottles]


def _compare(folder: Path, operator: Operator) -> None:
    reader = StoreReader(folder / "data" / "simulated.db")
    run = reader.run("last")
    bottles = {bottle.label: bottle for bottle in reader.bottles(run.id)}
    assert len(bottles) == BOTTLES
    start_ns = min(bottle.inserted_ns for bottle in bottles.values())
    seen: dict[tuple[int, int], bool | None] = {}
    times: list[int] = []
    for check in reader.checks(run.id):
        number = round((check.planned_ns - start_ns) / (CHECK_S * NS_PER_S))
        seen[bottles[check.bottle].position, number] = check.attached
        times += [check.done_ns] if check.done_ns is not None else []
    wanted = {
        (bottle.position, number): None
        if number == operator.not_looked[0] and bottle.position in operator.not_looked[1]
        else operator.falls_at[bottle.position] != number
        for bottle in bottles.values()
        for number in range(1, operator.check + 1)
        if operator.falls_at[bottle.position] >= number
        and bottle.inserted_ns + 2 * NS_PER_S <= start_ns + number * CHECK_S * NS_PER_S
    }
    assert operator.check >= CHECKS - 1
    assert seen == wanted
    assert len(set(times)) == len(times), "each label has a time of its own"
    corrections = [event for event in reader.events(run.id) if event.kind == "correction"]
    assert len(corrections) == operator.wrong > 0
    for bottle in bottles.values():
        off = operator.falls_at[bottle.position] <= operator.check
        assert (bottle.first_detached_ns is not None) == off
