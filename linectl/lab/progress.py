"""Where a run stands, for people: one line of text, and the time left as the run itself has shown it to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from linectl.clock import Clock
from linectl.lab.plan_text import treatment_text
from linectl.lab.schedule import PHASES, BathTimes
from linectl.model.records import Treatment
from linectl.words import decimal, tr
from linectl.words.durations import duration_text

__all__ = ["Progress", "Reporter", "line_text", "phase_text", "state_text"]

_SHOWN_PHASES = 3  # from which on a run has shown how much its phases differ from the plan
_EVERY_S = 1.0  # of the loop: a display is never fed faster


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run stands: bath `bath` of `baths` and its phase; times in s of process time.

    `eta_s` is the time left by the plan, stretched by what the run has taken against its plan so far; `eta_range_s`
    the same by the tenth that went best and the tenth that went worst of its phases (both ends alike until it has
    shown three).
    `temperature_c` is None when the bath's temperature is not known; `state` is that of the run (`phases.State`).
    """

    bath: int
    baths: int
    treatment: Treatment
    phase: str
    elapsed_s: float
    fraction: float
    eta_s: float
    temperature_c: float | None
    state: str = "running"
    eta_range_s: tuple[float, float] = (0.0, 0.0)

    def line(self) -> str:
        """Return one line for a terminal, in the language in use."""
        return line_text(
            self.bath,
            self.baths,
            treatment_text(self.treatment),
            self.phase,
            temperature_c=self.temperature_c,
            fraction=self.fraction,
            eta_s=self.eta_s,
            state=self.state,
        )


def line_text(
    bath: int,
    baths: int,
    treatment: str,
    phase: str,
    *,
    temperature_c: float | None,
    fraction: float,
    eta_s: float,
    state: str,
) -> str:
    """Return where a run stands on one line; `phase` and `state` are machine words, `treatment` is for people."""
    text = tr("bath {bath}/{baths} ({treatment}) {phase} {shown} °C, {percent} %, {left} left").format(
        bath=bath,
        baths=baths,
        treatment=treatment,
        phase=phase_text(phase),
        shown="--.-" if temperature_c is None else decimal(temperature_c),
        percent=round(100 * fraction),
        left=duration_text(eta_s),
    )
    return text if state == "running" else f"[{state_text(state)}] {text}"


def phase_text(phase: str) -> str:
    """Return the name of a phase (a machine word of `schedule.PHASES`) in the language in use."""
    names = {
        "drain": tr("draining"),
        "fill": tr("filling"),
        "dose": tr("dosing"),
        "heat": tr("heating"),
        "stabilise": tr("stabilising"),
        "load": tr("loading"),
        "soak": tr("soaking"),
        "unload": tr("unloading"),
    }
    return names.get(phase, phase)


def state_text(state: str) -> str:
    """Return the name of a run's state (a machine word of `phases.State`) in the language in use."""
    names = {
        "pausing": tr("pauses at the next step"),
        "paused": tr("PAUSED"),
        "holding": tr("holding"),
        "held": tr("HELD, heater off"),
        "restarting": tr("restarting"),
        "stopping": tr("stops at the next safe point"),
        "aborting": tr("aborting"),
    }
    return names.get(state, state)


class Reporter:
    """Follows the phases of a run against its plan and tells a listener, at most once a second of the loop."""

    def __init__(self, clock: Clock, plan: Sequence[BathTimes], listener: Callable[[Progress], None] | None) -> None:
        self._clock = clock
        self._plan = plan
        self._listener = listener
        self._began_s = clock.process_s()
        self._phase_s = self._began_s
        self._bath = 0
        self._phase = ""
        self._stretches: list[float] = []
        self.state = "running"
        self._told_s = float("-inf")

    def enter(self, bath: int, phase: str) -> None:
        """Note that `phase` of the bath with index `bath` (from 0) begins."""
        expected_s = self._planned_phase() if self._phase else 0.0
        if expected_s > 0.0:
            self._stretches.append((self._clock.process_s() - self._phase_s) / expected_s)
        self._bath, self._phase = bath, phase
        self._phase_s = self._clock.process_s()
        self._told_s = float("-inf")

    def stands(self, state: str, temperature_c: float | None) -> None:
        """Tell the listener at once that the run's state is now `state`."""
        self.state = state
        self._told_s = float("-inf")
        self.tell(temperature_c)

    def tell(self, temperature_c: float | None) -> None:
        """Tell the listener where the run stands, unless it was told less than a second ago."""
        now = asyncio.get_running_loop().time()
        if self._listener is None or not self._phase or now - self._told_s < _EVERY_S:
            return
        self._told_s = now
        self._listener(self.progress(temperature_c))

    def progress(self, temperature_c: float | None = None) -> Progress:
        """Return where the run stands now."""
        now_s = self._clock.process_s()
        elapsed = now_s - self._began_s
        total = sum(bath.total_s for bath in self._plan)
        planned_before = self._planned_before()
        expected = self._planned_phase()
        done = min(planned_before + min(now_s - self._phase_s, expected), total)
        stretch = self._stretch(planned_before)
        return Progress(
            bath=self._plan[self._bath].ord,
            baths=len(self._plan),
            treatment=self._plan[self._bath].treatment,
            phase=self._phase,
            elapsed_s=elapsed,
            fraction=done / total if total > 0 else 0.0,
            eta_s=(total - done) * stretch,
            temperature_c=temperature_c,
            state=self.state,
            eta_range_s=self._range(total - done, stretch),
        )

    def _range(self, left_s: float, stretch: float) -> tuple[float, float]:
        shown = sorted(self._stretches)
        if len(shown) < _SHOWN_PHASES:
            return left_s * stretch, left_s * stretch
        low, high = shown[len(shown) // 10], shown[-1 - len(shown) // 10]
        return left_s * min(low, stretch), left_s * max(high, stretch)

    def _planned_before(self) -> float:
        """Return the planned seconds of all phases before the present one."""
        before = sum(bath.total_s for bath in self._plan[: self._bath])
        phases = self._plan[self._bath].phases
        return before + sum(phases.get(name, 0.0) for name in PHASES[: PHASES.index(self._phase)])

    def _planned_phase(self) -> float:
        return self._plan[self._bath].phases.get(self._phase, 0.0)

    def _stretch(self, planned_before: float) -> float:
        """Return taken over planned time of the phases that are done; 1 until a tenth of an hour of them is."""
        if planned_before < 360.0:
            return 1.0
        return (self._phase_s - self._began_s) / planned_before
