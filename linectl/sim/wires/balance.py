"""A simulated laboratory balance that speaks MT-SICS: what it answers, without I/O.

After Mettler Toledo's MT-SICS manuals (see `drivers.frames.sics`): `S` waits for rest and gives up by itself, `SI`
gives the weight as it is, `SIR` sends weights until another command, `T` and `Z` need rest, `@` cancels what is under
way and answers like `I4`. Switched on, the balance tells its serial number without being asked.
"""

from __future__ import annotations

import math

from drivers.frames.sics import CANCEL, NOW, STABLE, STREAM, TARE, TERMINATOR, ZERO, Weight, encode_weight
from linectl.sim.wires.instrument import Said

__all__ = ["Balance"]

LOOK_S = 0.05  # how often the display, and what waits for rest, is looked at
SETTLING_S = 0.4  # time constant of the pan
_SERIAL_NUMBER = "B021002593"
_LEAST_G = -100.0
_ZERO_WITHIN_G = 50.0


class Balance:
    """A balance of 4 kg with 0.01 g: `load_g` lies on it, `load` puts something else on and lets it come to rest.

    `moving` keeps it from coming to rest; `patience_s` is how long a command waits for that, `stream_s` the time
    between two weights of a stream, `unit` what it shows.
    """

    hears = TERMINATOR

    def __init__(self) -> None:
        self.load_g = 0.0
        self.tare_g = 0.0
        self.moving = False
        self.patience_s = 10.0
        self.unit = "g"
        self.most_g = 4000.0
        self.stream_s = 0.1
        self._swing_g = 0.0  # how far it was from its load when that was put on
        self._loaded_s = -math.inf
        self._waits: tuple[str, float] | None = None  # a command, and when it gives up
        self._next_s = 0.0  # the next look, or the next weight of a stream
        self._streams = False

    def __repr__(self) -> str:
        """Return what lies on it."""
        return f"<Balance {self.load_g:.2f} g, tare {self.tare_g:.2f} g>"

    def load(self, grams: float, now_s: float) -> None:
        """Put `grams` on the pan in place of what was there; it comes to rest in two seconds or so."""
        self._swing_g = self.shown(now_s) - grams
        self.load_g, self._loaded_s = grams, now_s

    def shown(self, now_s: float) -> float:
        """Return the gross weight that the pan shows, g."""
        return self.load_g + self._swing_g * math.exp(-(now_s - self._loaded_s) / SETTLING_S)

    def at_rest(self, now_s: float) -> bool:
        """Return whether the display stands still."""
        return not self.moving and abs(self.shown(now_s) - self.load_g) < 0.005

    def weight(self, now_s: float) -> Weight | str:
        """Return the net weight, or the sign of an overload (`+`) or underload (`-`)."""
        gross_g = self.shown(now_s)
        if not _LEAST_G <= gross_g <= self.most_g:
            return "+" if gross_g > 0 else "-"
        at_rest = self.at_rest(now_s)
        return Weight((self.load_g if at_rest else gross_g) - self.tare_g, stable=at_rest)

    def answer(self, line: bytes, now_s: float = 0.0) -> Said:
        """Return the reply to a command; of one that waits for rest perhaps nothing yet."""
        command = line.decode("ascii", "replace").strip()
        waits, self._streams = self._waits, False
        if waits is not None and command not in {CANCEL, NOW, STREAM}:
            return Said(_line(f"{command} I"))
        self._waits = None
        if command in {CANCEL, "I4"}:
            return Said(self._name())
        if command == NOW:
            return Said(self._line(now_s))
        if command in {STABLE, TARE, ZERO}:
            self._waits = (command, now_s + self.patience_s)
            return Said(self.speak(now_s))
        if command == STREAM:
            self._streams = True
            return Said(self.speak(now_s))
        return Said(_line("ES"))

    def due_s(self) -> float | None:
        """Return when it looks again whether it has come to rest, or sends the next weight of a stream."""
        return self._next_s if self._streams or self._waits is not None else None

    def speak(self, now_s: float) -> bytes:
        """Return a weight of a stream, or the answer to the command that waited for rest."""
        if self._streams:
            self._next_s = now_s + self.stream_s
            return self._line(now_s)
        if self._waits is None:
            return b""
        command, until_s = self._waits
        if not self.at_rest(now_s):
            if now_s < until_s:
                self._next_s = min(now_s + LOOK_S, until_s)
                return b""
            self._waits = None
            return _line(f"{command} I")
        self._waits = None
        return {STABLE: self._line, TARE: self._tared, ZERO: self._zeroed}[command](now_s)

    def boot(self, now_s: float) -> bytes:
        """Switch on again: what lies on it is its zero now, as long as that is little, and nothing is tared."""
        self._waits, self._streams, self.tare_g = None, False, 0.0
        self._loaded_s = min(self._loaded_s, now_s)
        return self._name()

    def foreign(self) -> bytes:
        """Return the answer to a question that nobody asked."""
        return _line('I2 A "ML4002 Standard 4200.00 g"')

    def _line(self, now_s: float) -> bytes:
        weight = self.weight(now_s)
        return _line(f"S {weight}") if isinstance(weight, str) else encode_weight(weight, 2, unit=self.unit)

    def _tared(self, now_s: float) -> bytes:
        weight = self.weight(now_s)
        if isinstance(weight, str):
            return _line(f"T {weight}")
        self.tare_g = self.load_g
        return encode_weight(Weight(self.tare_g, stable=True), 2, unit=self.unit, name="T")

    def _zeroed(self, now_s: float) -> bytes:
        weight = self.weight(now_s)
        if isinstance(weight, str) or self.load_g > _ZERO_WITHIN_G:
            return _line(f"Z {weight if isinstance(weight, str) else '+'}")
        self.load_g = self.tare_g = self._swing_g = 0.0
        return _line("Z A")

    def _name(self) -> bytes:
        return _line(f'I4 A "{_SERIAL_NUMBER}"')


def _line(text: str) -> bytes:
    return text.encode("ascii") + TERMINATOR
