"""One point of a calibration: the sensor's reading watched until it is stable, on the line or on a simulated rig."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.config.line_calibrations import can_be_calibrated
from linectl.errors import DeviceError, Refused
from linectl.line.line import Line
from linectl.line.stability import Criterion, Settled, Settling
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Reading
from linectl.server.commissioning import known_tag, looking, reopening, site
from linectl.words import number, tr

__all__ = ["Bench", "Progress", "Seen", "reader_of", "sensor_of", "settle", "step_of", "uncorrected"]

_EACH_S = 1.0  # process time between two looks
_SCAN_S = 1.0  # loop time: an instrument takes its time, however fast its simulated bath is
_WHOLE = frozenset({"u16", "i16", "u32", "i32", "u64", "i64"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be told while a reading is waited for: the time so far in s, what it says, why it is not good."""

    elapsed_s: float
    settled: Settled | None
    trouble: str = ""


Progress = Callable[[Seen], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a sensor is read: the line as it stands, or with `sim` a rig of its own that starts with `initial`."""

    definition: LineDefinition
    sim: bool = False
    data: Path | None = None
    seed: int = 1
    initial: Mapping[str, float] | None = None

    async def measure(self, name: str, criterion: Criterion, tell: Progress, *, reference: float | None) -> Settled:
        """Return the reading of `name`, before its own correction, once it is stable.

        A rig is brought to the `reference`, where it can start there.

        Raises:
            Refused: it was not stable in time (E-CAL-004), or another process has the line.
            Unreachable: the wire did not open.
            DeviceError: no good reading came (E-CAL-012).
        """
        initial = dict(self.initial or {})
        if self.sim and reference is not None and _can_start_with(name):
            initial[name] = reference
        bare = uncorrected(self.definition, name)
        async with site(bare, sim=self.sim, data=self.data, seed=self.seed, initial=initial) as at:
            known_tag(at.definition, name)
            async with looking(at, [name], period_s=_SCAN_S) as line, reopening(line):
                return await settle(reader_of(line, name), at.clock, criterion, tell, name)


def sensor_of(definition: LineDefinition, name: str) -> Tag:
    """Return the tag `name`, which can be calibrated.

    Raises:
        ConfigError: there is none.
        Refused: it is set or counted, or no number (E-CAL-005).
    """
    tag = known_tag(definition, name)
    if not can_be_calibrated(tag):
        raise Refused(
            tr("{tag} cannot be calibrated: it is set, counted, or no number that is measured").format(tag=name),
            hint=tr("see the tags: linectl tags ls {file}").format(file=definition.source),
            code="E-CAL-005",
        )
    return tag


def uncorrected(definition: LineDefinition, name: str) -> LineDefinition:
    """Return the line whose tag `name` is as the instrument says it; what it is computed from stays corrected."""
    return replace(definition, tags={**definition.tags, name: replace(definition.tags[name], correction=None)})


def step_of(tag: Tag) -> float | None:
    """Return the least step that a reading of `tag` can make by its register, None where it has none."""
    return abs(tag.scaling.gain) if tag.point is not None and tag.point.kind in _WHOLE else None


async def settle(
    read: Callable[[], Awaitable[Reading]], clock: Clock, criterion: Criterion, tell: Progress, name: str
) -> Settled:
    """Return what `read` says of `name` once it is stable; `tell` hears of each look.

    Raises:
        Refused: it was not stable in time (E-CAL-004).
        DeviceError: no good reading came (E-CAL-012).
    """
    settling, began_s, trouble = Settling(criterion), clock.process_s(), ""
    while True:
        reading = await read()
        if reading.value is None:
            settling.begin_anew()
            trouble = reading.quality.reason
        else:
            settling.add(reading.received_time_ns / 1e9, float(reading.value))
            trouble = ""
        found = settling.settled()
        elapsed_s = clock.process_s() - began_s
        tell(Seen(elapsed_s, found, trouble))
        if found is not None and found.stable:
            return found
        if elapsed_s >= criterion.within_s:
            raise _unsettled(name, criterion, found, trouble)
        await clock.sleep(_EACH_S)


def reader_of(line: Line, name: str) -> Callable[[], Awaitable[Reading]]:
    """Return what gives the present reading of `name` on an open line."""
    tag = line.definition.tags[name]
    inputs = tag.derived.inputs if tag.derived is not None else (name,)
    speak = [
        each for each in inputs if isinstance(line.definition.links.get(line.definition.tags[each].link), MqttSettings)
    ]

    async def read() -> Reading:
        for each in speak:  # what publishes by itself is in its link's memory, long before the next scan
            await line.read(each)
        return line.reading(name)

    return read


def _can_start_with(name: str) -> bool:
    from linectl.sim.start import INITIAL

    return name in INITIAL


def _unsettled(name: str, criterion: Criterion, found: Settled | None, trouble: str) -> Refused | DeviceError:
    within = number(criterion.within_s)
    if found is None:
        return DeviceError(
            tr("{tag}: no good reading in {s} s ({why})").format(tag=name, s=within, why=trouble or "-"),
            hint=tr("see why: linectl tags watch LINE {tag}").format(tag=name),
            code="E-CAL-012",
        )
    drift, scatter = criterion.limits(found.mean)
    text = tr(
        "{tag} was not stable in {s} s: it changes by {drift} in {span} s (at most {most}), scatters by {scatter} "
        "(at most {wide}), {count} readings"
    )
    shown = {"drift": found.drift, "most": drift, "scatter": found.scatter, "wide": scatter, "span": found.span_s}
    return Refused(
        text.format(
            tag=name, s=within, count=found.count, **{key: number(float(f"{each:.3g}")) for key, each in shown.items()}
        ),
        hint=tr("stir, wait and try again, with more time (--within) or wider limits (--drift, --scatter)"),
        code="E-CAL-004",
    )
