"""Simulated heating circulators, LAUDA and JULABO: what they answer, without I/O, over a bath of their own.

After the manuals named in `drivers.frames.circulator`. A LAUDA answers each command, writes too; a JULABO answers
questions only, its first not at all, and obeys in remote mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from drivers.frames.circulator import COMMAND_END
from linectl.sim.wires.instrument import Said

__all__ = ["Circulator", "Julabo", "Lauda", "Thermal"]

_LINE_END = "\r\n"


@dataclass(frozen=True, slots=True)
class Thermal:
    """How a circulator's bath warms and cools: 10 L of water, 2 kW, and the room it stands in."""

    heats_k_s: float = 2000.0 / (10.0 * 4186.0)
    cools_s: float = 3.0 * 3600.0  # time constant against the room
    room_c: float = 20.0

    def after(self, bath_c: float, setpoint_c: float | None, dt_s: float) -> float:
        """Return the temperature, °C, after `dt_s` at a setpoint (None: standby). It heats, and has no cooling."""
        cooled_c = self.room_c + (bath_c - self.room_c) * math.exp(-dt_s / self.cools_s)
        if setpoint_c is None or cooled_c >= setpoint_c:
            return cooled_c
        return min(setpoint_c, max(bath_c, cooled_c) + self.heats_k_s * dt_s)


class Circulator:
    """What both dialects have: a bath, a setpoint, a switch.

    With `thermal` the bath follows its setpoint over process time, which `process_s` tells; without, it stays as it is.
    """

    hears = COMMAND_END

    def __init__(self, *, thermal: Thermal | None = None, process_s: Callable[[], float] = lambda: 0.0) -> None:
        self.bath_c = 61.25 if thermal is None else thermal.room_c
        self.setpoint_c = 60.0 if thermal is None else 20.0
        self.running = False
        self.highest_c = 95.0
        self._thermal = thermal
        self._process_s = process_s
        self._seen_s = process_s() if thermal is not None else 0.0

    def __repr__(self) -> str:
        """Return the bath and what it is told."""
        return f"<{type(self).__name__} {self.bath_c:.2f} °C, {'on' if self.running else 'off'} {self.setpoint_c:g} °C>"

    def advance(self) -> None:
        """Bring the bath to the present."""
        if self._thermal is not None:
            now_s = self._process_s()
            setpoint_c = self.setpoint_c if self.running else None
            self.bath_c = self._thermal.after(self.bath_c, setpoint_c, now_s - self._seen_s)
            self._seen_s = now_s

    def answer(self, line: bytes, now_s: float = 0.0) -> Said:  # noqa: ARG002  # it answers at once
        """Return the reply to a command, perhaps none."""
        self.advance()
        return Said(self.obey(line.decode("ascii", "replace").strip()).encode("ascii"))

    def obey(self, command: str) -> str:
        """Return what the dialect says to `command`, with its end; empty for nothing."""
        raise NotImplementedError

    def due_s(self) -> float | None:
        """Return None: a circulator never speaks by itself."""
        return None

    def speak(self, now_s: float) -> bytes:  # noqa: ARG002  # see above
        """Return nothing."""
        return b""

    def boot(self, now_s: float) -> bytes:  # noqa: ARG002  # it says nothing of it
        """Switch on again: in standby, with the setpoint that it had."""
        self.advance()
        self.running = False
        return b""

    def foreign(self) -> bytes:
        """Return the answer to a question that nobody asked."""
        return b"ERR_3\r\n"


class Lauda(Circulator):
    """Answers each command; keeps a setpoint within its limits or refuses it.

    `clamps` lets it take the highest setpoint in place of one that is too high. `fault` are the flags of STAT.
    """

    clamps = False
    fault = "0000000"

    def obey(self, command: str) -> str:
        """Answer a command."""
        return self._answered(command.replace(" ", "_")) + _LINE_END

    def _answered(self, command: str) -> str:
        answers = {
            "IN_PV_00": f"{self.bath_c:06.2f}",
            "IN_SP_00": f"{self.setpoint_c:06.2f}",
            "IN_MODE_02": "0" if self.running else "1",
            "TYPE": "ECO",
            "STATUS": "0" if "1" not in self.fault else "-1",
            "STAT": self.fault,
        }
        if command in answers:
            return answers[command]
        if command in {"START", "STOP"}:
            self.running = command == "START"
            return "OK"
        if command.startswith("OUT_SP_00_"):
            return self._taken(command.removeprefix("OUT_SP_00_"))
        return "ERR_3"

    def _taken(self, text: str) -> str:
        try:
            setpoint_c = float(text)
        except ValueError:
            return "ERR_5"
        if not setpoint_c <= self.highest_c and not self.clamps:  # also what is no number
            return "ERR_6"
        self.setpoint_c = min(setpoint_c, self.highest_c)
        return "OK"


class Julabo(Circulator):
    """Answers questions only, its first not at all; obeys in remote mode.

    `error` is what the next STATUS tells, `asleep` whether the first question is still to come, `end` what ends a line.
    """

    remote = True
    error = ""
    asleep = True
    end = _LINE_END

    def obey(self, command: str) -> str:
        """Answer a question, or do what is told."""
        if self.asleep:
            self.asleep = False
            return ""
        name, _, value = command.lower().partition(" ")
        if name.startswith("out_"):
            self._take(name, value)
            return ""
        text = self._answered(name)
        return "" if text is None else text + self.end

    def boot(self, now_s: float) -> bytes:
        """Switch on again; the first question is not answered."""
        self.asleep = True
        return super().boot(now_s)

    def _answered(self, name: str) -> str | None:
        match name:
            case "in_pv_00":
                return f"{self.bath_c:.2f}"
            case "in_sp_00":
                return f"{self.setpoint_c:.2f}"
            case "in_mode_05":
                return str(int(self.running))
            case "version":
                return "JULABO HIGHTECH FL HL/SL VERSION 4.0"
            case "status":
                said, self.error = self.error, self.error if self.error.startswith("-0") else ""
                return said or f"0{2 * self.remote + self.running} {'REMOTE' if self.remote else 'MANUAL'} " + (
                    "START" if self.running else "STOP"
                )
            case _:
                self.error = "-08 INVALID COMMAND"
                return None

    def _take(self, name: str, value: str) -> None:
        if not self.remote:
            return
        if name == "out_mode_05":
            self.running = value == "1"
        elif name == "out_sp_00":
            try:
                setpoint_c = float(value)
            except ValueError:
                self.error = "-08 INVALID COMMAND"
                return
            if setpoint_c <= self.highest_c:
                self.setpoint_c = setpoint_c
            else:
                self.error = "-11 VALUE TOO LARGE"
