"""`linectl cal run`: point by point, then the curve, then one question; nothing is kept before it is answered yes.

Questions are asked while no loop runs and no wire is open, so that Ctrl+C at any of them ends it at once.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from linectl.cli.cal_asking import asked, asked_number, one_thing
from linectl.cli.cal_points import Given, due_of, given_of
from linectl.cli.cal_text import record_as_data, record_text, short
from linectl.cli.cal_waiting import WaitLine, criterion_text
from linectl.cli.operator import operator_name
from linectl.cli.output import emit
from linectl.cli.questions import somebody_there
from linectl.clock import VirtualTimeLoop, wall_ns
from linectl.errors import NotConfirmed, Refused
from linectl.lab.answers import yes_or_no
from linectl.line.curve_fit import CannotFit, Fitted, fitted
from linectl.line.stability import Criterion, Settled
from linectl.model.calibrations import CalPoint, Curve, Record, TitratedSample
from linectl.model.lines import LineDefinition, Tag
from linectl.server.calibrating import Bench, step_of
from linectl.server.calibrating_served import served_line
from linectl.server.calibration_book import CalibrationBook
from linectl.server.calibration_dates import day_of
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["Request", "Wizard"]

_VALID = "365d"
_MUCH = 0.1  # of the instrument's range: a correction beyond it is worth a question


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; None: to be asked, or as usual."""

    criterion: Criterion
    points: tuple[Given, ...] = ()
    degree: int | None = None
    reference_u: float | None = None
    resolution: float | None = None
    certificate: str | None = None
    note: str = ""
    due: str | None = None
    sim: bool = False
    seed: int = 1
    initial: dict[str, float] = field(default_factory=dict)
    activate: bool = True
    yes: bool = False
    reason: str = ""
    data: Path | None = None
    as_json: bool = False


class Wizard:
    """One calibration of one sensor."""

    def __init__(self, definition: LineDefinition, tag: Tag, request: Request) -> None:
        self.definition = definition
        self.tag = tag
        self.request = request
        self.book = CalibrationBook(definition, request.data)
        self.served = None if request.sim else served_line(definition, request.data, operator_name())
        self.rehearses = request.sim and (not definition.simulated or self.book.came_with_linectl)
        self.is_asked = somebody_there()
        self._old: Curve | None = tag.correction
        self._steps: list[float] = []
        self._runner: asyncio.Runner | None = None

    def check(self) -> None:
        """See beforehand that what is measured can be kept.

        Raises:
            Refused: the line's file came with linectl, or another process holds the line.
            StoreError: the folder of calibrations cannot be written.
        """
        if self.served is not None:
            told = self.served.ready(self.tag.name)
            own = not self.definition.simulated or self.book.came_with_linectl
            self.rehearses = bool(told["simulated"]) and own  # a real line, served on a simulated plant
        if self.rehearses:
            click.echo(tr("a rehearsal on a simulated rig: nothing will be kept"), err=True)
        elif self.served is None:
            self.book.must_be_writable()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Have a loop to measure in; that of a simulated rig jumps through the waits."""
        with asyncio.Runner(loop_factory=VirtualTimeLoop if self.request.sim else None) as self._runner:
            yield
        self._runner = None

    # points

    def comparison(self) -> Record:
        """Return the record of the curve through the points given, or asked for one by one.

        Raises:
            NotConfirmed: nobody is there to ask, or to move the sensor from point to point (E-CAL-011).
            Refused: a point was not stable, or the points carry no curve.
        """
        points = tuple(self._point(n, given) for n, given in enumerate(self._given(), 1))
        degree = min(1, len(points) - 1) if self.request.degree is None else self.request.degree
        try:
            found = fitted(points, degree, resolution=self.resolution())
        except CannotFit as error:
            raise _cannot_fit(error.kind, degree, len(points)) from error
        return self.record(found, points, method="comparison")

    def _given(self) -> Iterator[Given]:
        if self.request.points:
            yield from self._those_of_the_command_line()
            return
        if not self.is_asked:
            raise NotConfirmed(
                tr("nobody is at the terminal to ask for reference values"),
                hint=tr("give them: --points '0±0,02; 60±0,02', or with the readings: '0±0,02=0,31'"),
                code="E-CAL-011",
            )
        self._tell_what_is_waited_for()
        least, count = (self.request.degree or 0) + 1, 0
        while True:
            enough = count >= least
            text = (
                tr("Point {n}, reference in {unit} (Enter: that was all): ")
                if enough
                else tr("Point {n}, reference in {unit}: ")
            )
            line = asked(text.format(n=count + 1, unit=self.tag.unit or "-"))
            if not line and enough:
                return
            try:
                given = given_of(line)
            except ValueError:
                click.echo(tr("{text} is no reference value: write 60, or 60±0,02").format(text=repr(line)), err=True)
                continue
            count += 1
            yield given

    def _those_of_the_command_line(self) -> Iterator[Given]:
        live = [each for each in self.request.points if each.reading is None]
        if len(live) > 1 and not self.request.sim and not self.is_asked:
            raise NotConfirmed(
                tr("between two points somebody must move the sensor, and nobody is at the terminal"),
                hint=tr("give what it read there: --points '0±0,02=0,31; 60±0,02=60,4'"),
                code="E-CAL-011",
            )
        for each in self.request.points:
            moves = len(live) > 1 or not self.request.yes  # a single point that was said to be right is taken as it is
            if each.reading is None and self.is_asked and not self.request.sim and moves:
                asked(
                    tr("Bring {tag} to {reference} {unit}, then press Enter: ").format(
                        tag=self.tag.name, reference=short(each.reference), unit=self.tag.unit
                    )
                )
            yield each

    def _point(self, count: int, given: Given) -> CalPoint:
        u = self._reference_u(given)
        if given.reading is not None:
            return self.given_reading(given.reading, given.reference, u)
        settled = self.settled(given.reference)
        self._say(
            tr("point {n}: {reading} {unit} ({count} readings, scatter {scatter})").format(
                n=count,
                reading=short(settled.mean),
                unit=self.tag.unit,
                count=settled.count,
                scatter=short(settled.scatter, 2),
            )
        )
        return self.point(given.reference, u, settled)

    def point(self, reference: float, u: float, settled: Settled) -> CalPoint:
        """Return the point at which the sensor settled."""
        found = settled.mean if self._old is None else self._old(settled.mean)
        return CalPoint(reference, u, settled.mean, settled.scatter, settled.count, settled.effective, found)

    def given_reading(self, reading: float, reference: float, u: float) -> CalPoint:
        """Return the point at which linectl showed `reading`, noted before."""
        before = reading if self._old is None else self._old.before(reading)
        return CalPoint(reference, u, before, found=reading)

    def _reference_u(self, given: Given) -> float:
        u = given.u if given.u is not None else self.request.reference_u
        if u is None and self.is_asked:
            text = tr("Its standard uncertainty (k = 1) in {unit}: ")
            u = asked_number(text.format(unit=self.tag.unit or "-"))
            self.request = replace(self.request, reference_u=u)  # one reference serves all points
        if u is None or u <= 0.0:
            raise Refused(
                tr("the reference needs a standard uncertainty above 0"),
                hint=tr("it stands in its certificate (U with k = 2: half of it): --reference-u 0,02, or '60±0,02'"),
                code="E-CAL-010",
            )
        return u

    def settled(self, reference: float | None) -> Settled:
        """Return what the sensor reads once it is stable; the wait is shown."""
        request, runner = self.request, self._runner
        assert runner is not None, "outside of `measuring`"
        seed = request.seed + len(self._steps)  # each point has a noise of its own
        bench = self.served or Bench(self.definition, request.sim, request.data, seed, request.initial)
        with WaitLine(request.criterion, self.tag) as line:
            found = runner.run(bench.measure(self.tag.name, request.criterion, line.show, reference=reference))
        self._steps.append(found.resolution)
        return found

    def resolution(self) -> float:
        """Return the least step of a reading: as given, that of its register, else the least that was seen."""
        given = self.request.resolution
        step = step_of(self.tag) if given is None else given
        return step if step is not None else min((each for each in self._steps if each > 0.0), default=0.0)

    def _tell_what_is_waited_for(self) -> None:
        self._say(criterion_text(self.request.criterion, self.tag))

    # what comes of it

    def record(
        self,
        found: Fitted,
        points: tuple[CalPoint, ...],
        *,
        method: str,
        samples: tuple[TitratedSample, ...] = (),
        valid: str = _VALID,
    ) -> Record:
        """Return the record of the calibration, not kept yet."""
        now_ns = wall_ns()
        due = self.request.due or due_of(valid, day_of(now_ns)).isoformat()
        return Record(
            line=self.definition.name,
            tag=self.tag.name,
            version=1,
            unit=self.tag.unit,
            method=method,
            by=operator_name(),
            made=_stamp(now_ns),
            due=due,
            certificate=self._certificate(),
            note=self.request.note,
            simulated=self.definition.simulated or self.request.sim,
            curve=found.curve,
            budget=found.budget,
            r_squared=found.r_squared,
            points=points,
            samples=samples,
        )

    def _certificate(self) -> str:
        if self.request.certificate is not None:
            return self.request.certificate
        if not self.is_asked or self.request.yes:
            return ""
        return asked(tr("Certificate of the reference, or what it is (Enter: none): "))

    def end(self, record: Record) -> int:
        """Show the record, ask whether it is to be kept, keep it, and return the exit code.

        Raises:
            NotConfirmed: the answer is no, or nobody is there to give one.
        """
        if not self.request.as_json:
            click.echo(record_text(record))
        for text in doubts(record, self.tag):
            click.echo(tr("warning: {text}").format(text=text), err=True)
        if self.rehearses:
            if self.request.as_json:
                emit("cal_run", record_as_data(record, active=False, kept=False))
            self._say(tr("a rehearsal: nothing was kept"))
            return 0
        self._confirm()
        with one_thing():
            kept = self._keep(record)
        if self.request.as_json:
            emit("cal_run", record_as_data(kept, active=self.request.activate))
        active = tr("kept as calibration {version} of {tag}, and active")
        idle = tr("kept as calibration {version} of {tag}; make it active: linectl cal activate {tag} {version}")
        self._say((active if self.request.activate else idle).format(version=kept.version, tag=kept.tag))
        return 0

    def _keep(self, record: Record) -> Record:
        activate, why = self.request.activate, self.request.reason
        if self.served is None:
            return asyncio.run(self.book.keep(record, who=record.by, why=why, activate=activate))
        version, sha256 = self.served.keep(record, activate=activate, why=why)
        return replace(record, version=version, sha256=sha256)

    def _confirm(self) -> None:
        if self.request.yes:
            return
        if not self.is_asked:
            raise NotConfirmed(
                tr("nobody is at the terminal to accept the calibration: nothing was kept"),
                hint=tr("say it again with --yes if you are sure"),
            )
        if not yes_or_no(asked(tr("Accept this calibration? [y/N] "))):
            raise NotConfirmed(tr("not accepted: nothing was kept"))

    def _say(self, text: str) -> None:
        click.echo(text, err=True)


def doubts(record: Record, tag: Tag) -> Iterator[str]:
    """Give what a person should look at before accepting."""
    points = record.points
    moved = max(abs(record.curve(each.reading) - each.reading) for each in points)
    span = (tag.high - tag.low) if tag.low is not None and tag.high is not None else 0.0
    if span and moved > _MUCH * span:
        text = tr(
            "readings are moved by up to {moved} {unit}, more than a tenth of the instrument's range: is it the right "
            "sensor, and the right unit?"
        )
        yield text.format(moved=short(moved, 3), unit=record.unit)
    left = max(abs(each.reference - record.curve(each.reading)) for each in points)
    if left > record.budget.k * record.budget.u:
        text = tr("a point lies {left} {unit} off the curve, more than its uncertainty explains")
        yield text.format(left=short(left, 3), unit=record.unit)


def _cannot_fit(kind: str, degree: int, count: int) -> Refused:
    texts = {
        "few": tr("a curve of degree {degree} needs {needed} points, and there are {count}"),
        "alike": tr("the readings are too much alike for a curve of degree {degree}"),
        "falls": tr("the curve does not rise everywhere: two values would have one reading"),
    }
    return Refused(
        texts[kind].format(degree=degree, needed=degree + 1, count=count),
        hint=tr("were reference values swapped? take points further apart, or a lower --degree (0: offset)"),
        code="E-CAL-010",
    )


def _stamp(t_ns: int) -> str:
    return dt.datetime.fromtimestamp(t_ns // NS_PER_S, dt.UTC).isoformat()
