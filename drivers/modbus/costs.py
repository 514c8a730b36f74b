"""What a Modbus request costs in time, learned from the round trips of each unit; nobody tunes a number."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.settings import ModbusRtuSettings, ModbusTcpSettings

__all__ = ["BITS_A_REGISTER", "Costs", "Learner", "first_guess"]

BITS_A_REGISTER = 16
_TCP = (0.005, 2e-6)  # s: a PLC answers in 2 to 20 ms, and a register is two bytes of one packet
_FRAME_CHARACTERS = 8 + 5  # of a read request, and of its reply without the registers
_GAP_CHARACTERS = 3.5  # MODBUS over serial line V1.02, 2.5.1.1: silence between frames, 1.75 ms at least
_GAP_S = 0.001_75
_USUAL_TURNAROUND = 0.1  # of the longest: what a unit takes as a rule
_FORGET = 0.98  # a round trip counts half after 34 more
_SLOPE_WEIGHT = 2e3  # registers^2: how firmly the first guess of the slope stands against what is measured
_JUDGED_EVERY = 8  # round trips
_OUTLIER = 3.0  # times what was expected; more is believed only when it comes again and again
_LEAST_REQUEST_S = 1e-5
_LONGEST = 125  # registers in a request: no hole is longer
_MATERIAL = 1.5  # a change of the hole that is worth reading along, by so much, asks for new plans


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds for a request, and for each register that it reads (16 bits cost as much as a register)."""

    request_s: float
    register_s: float

    def of(self, span: float) -> float:
        """Return the seconds that a request for `span` registers takes."""
        return self.request_s + self.register_s * span

    @property
    def hole(self) -> float:
        """How many registers are as dear as a request of their own: smaller holes are read along."""
        return self.request_s / self.register_s


def first_guess(settings: ModbusTcpSettings | ModbusRtuSettings) -> Costs:
    """Return what a request costs by the wire alone, before any was made.

    On a serial line of character time t: 13 t + two gaps of max(3.5 t, 1.75 ms) + the turnaround, and 2 t a register.
    """
    if isinstance(settings, ModbusTcpSettings):
        return Costs(*_TCP)
    character_s = settings.serial.character_s
    gap_s = max(_GAP_CHARACTERS * character_s, _GAP_S)
    request_s = _FRAME_CHARACTERS * character_s + 2 * gap_s + _USUAL_TURNAROUND * settings.turnaround_s
    return Costs(request_s, 2 * character_s)


class Learner:
    """Least squares of the round trip on the registers read, old ones forgotten; the slope leans on the first guess.

    A line whose requests are all of one length says nothing about the slope: there the first guess stands. `version`
    counts the material changes: plans made before one may be worth making again.
    """

    def __init__(self, guess: Costs) -> None:
        self.guess = guess
        self.costs = guess
        self.version = 0
        self._planned = guess
        self._weight = 1.0
        self._x = 1.0
        self._y = guess.of(1.0)
        self._xx = 0.0
        self._xy = 0.0
        self._news = 0

    def __repr__(self) -> str:
        """Return the costs in ms and us."""
        return f"<Learner {self.costs.request_s * 1e3:.3g} ms + {self.costs.register_s * 1e6:.3g} us a register>"

    def saw(self, span: float, took_s: float) -> None:
        """Learn from a request for `span` registers that took `took_s` (none, in a jumping clock: nothing learned)."""
        if took_s <= 0:
            return
        took_s = min(took_s, _OUTLIER * self.costs.of(span))
        # weighted means and centred moments, updated in place (West, Comm. ACM 22, 1979, 532)
        self._weight = _FORGET * self._weight + 1.0
        step_x, step_y = span - self._x, took_s - self._y
        part = 1.0 / self._weight
        self._x += part * step_x
        self._y += part * step_y
        self._xx = _FORGET * self._xx + (1.0 - part) * step_x * step_x
        self._xy = _FORGET * self._xy + (1.0 - part) * step_x * step_y
        self._news += 1
        if self._news == _JUDGED_EVERY:
            self._news = 0
            self._judge()

    def _judge(self) -> None:
        slope_s = (self._xy + _SLOPE_WEIGHT * self.guess.register_s) / (self._xx + _SLOPE_WEIGHT)
        slope_s = max(slope_s, 0.1 * self.guess.register_s)
        request_s = max(self._y - slope_s * self._x, 0.02 * self.guess.request_s, _LEAST_REQUEST_S)
        self.costs = Costs(request_s, slope_s)
        change = min(self.costs.hole, _LONGEST) / min(self._planned.hole, _LONGEST)
        if not 1 / _MATERIAL < change < _MATERIAL:
            self._planned = self.costs
            self.version += 1
