"""Somebody who runs the twin's washer from its registers as a host program would: for studies and tests without wires.

Everything goes through the bank of unit 1: the lease, the heartbeat, the handshake, the releases.
"""

from __future__ import annotations

from linectl.sim.plc.handshake import Result
from linectl.sim.plc.host import LEASE_S
from linectl.sim.washer.banks import WasherBank
from linectl.sim.washer.registers import Coil, Holding, Input
from linectl.sim.washer.states import Command, State
from linectl.sim.washer.twin import WasherTwin

__all__ = ["Operator"]

_RELEASES = (Coil.FEED_ENABLE, Coil.CAUSTIC_DOSE_ENABLE, Coil.FRESH_VALVE, Coil.HEATER_ENABLE)


class Operator:
    """A host in miniature for one washer; `now_s` is its wire time, and time passes in `run` alone."""

    def __init__(self, twin: WasherTwin, *, token: int = 7) -> None:
        self.twin = twin
        self.bank = WasherBank(twin)
        self.token = token
        self.now_s = 0.0
        self._beats = 0
        self._beat_s = min(0.5 * twin.plc.host.watchdog_s, 0.9 * LEASE_S)
        self._seq = 0
        self.write(Holding.OWNER, token)

    def __repr__(self) -> str:
        """Return the time and the washer."""
        return f"<Operator at {self.now_s:g} s of {self.twin!r}>"

    def write(self, address: int, *words: int) -> None:
        """Write holding registers from `address` on, in one request."""
        self.twin.advance(self.now_s)
        self.bank.write("hr", address, list(words))

    def set(self, coil: int, *, on: bool = True) -> bool:
        """Write a coil; return what it reads back."""
        self.twin.advance(self.now_s)
        self.bank.write("co", coil, [int(on)])
        return bool(self.bank.read("co", coil, 1)[0])

    def ir(self, address: int, count: int = 1) -> int:
        """Return an input register, or `count` of them as one number, the high word first."""
        self.twin.advance(self.now_s)
        value = 0
        for word in self.bank.read("ir", address, count):
            value = value << 16 | word
        return value

    def state(self) -> State:
        """Return the machine's state."""
        return State(self.ir(Input.MACHINE_STATE))

    def alarms(self) -> tuple[int, int]:
        """Return alarm words 1 and 2."""
        words = self.ir(Input.ALARM_WORD_1, 2)
        return words >> 16, words & 0xFFFF

    def run(self, seconds: float, *, beating: bool = True) -> None:
        """Let wire time pass, with heartbeats that keep watchdog and lease content."""
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s = min(end_s, self.now_s + self._beat_s) if beating else end_s
            if beating:
                self._beats = (self._beats + 1) & 0xFFFF
                self.write(Holding.HOST_HEARTBEAT, self._beats)
        self.twin.advance(self.now_s)

    def command(self, code: int, argument: int | None = None, *, seq: int | None = None) -> Result:
        """Give a command and return its first answer, half a second of wire time later."""
        if argument is not None:
            self.write(Holding.CMD_ARGUMENT, argument)
        seq = self._seq + 1 if seq is None else seq
        self._seq = max(self._seq, seq)
        self.write(Holding.CMD_CODE, code, seq, self.token)
        self.run(0.5)
        return Result(self.ir(Input.ACK_RESULT)) if self.ir(Input.ACK_SEQ) == seq else Result.PENDING

    def until(self, state: State, within_s: float = 60.0) -> bool:
        """Wait for a state; return whether it came."""
        end_s = self.now_s + within_s
        while self.state() is not state and self.now_s < end_s:
            self.run(0.5)
        return self.state() is state

    def start(self, recipe: int) -> bool:
        """Select a recipe, start, and release everything; return whether the washer executes."""
        done = [self.command(Command.SELECT_RECIPE, recipe), self.command(Command.RESET)]
        ready = self.until(State.IDLE)
        done.append(self.command(Command.START))
        for coil in _RELEASES:
            self.set(coil)
        return ready and all(each is Result.DONE for each in done) and self.until(State.EXECUTE)
