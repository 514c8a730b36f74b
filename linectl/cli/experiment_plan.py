"""The plan of an experiment on a line, worked out and printed: `experiment plan|check`, `run --dry-run`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.output import complaint, envelope, table
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError
from linectl.lab.design.baths import CENTRE, PlannedBath
from linectl.lab.design.order import restriction
from linectl.lab.kinetics.codes import Code
from linectl.lab.plan_text import treatment_text
from linectl.lab.schedule import BathTimes
from linectl.model.experiments import PHASES, Experiment
from linectl.model.lines import LineDefinition
from linectl.server.results.planning import LIMIT, ExperimentPlan, make_plan
from linectl.words import decimal, language, number, tr, use
from linectl.words.durations import duration_text

if TYPE_CHECKING:
    from linectl.lab.design.precision import ExpectedBound, Precision

__all__ = ["WORKING_DAY_H", "ExperimentPlan", "line_of", "make_plan", "sentences", "show", "warn"]

WORKING_DAY_H = 8.0
_NOTES = frozenset({Code.FEW_BOTTLES})


def line_of(experiment: Experiment, file: Path, line: Path | None, *, sim: bool = False) -> LineDefinition:
    """Return the line that --line names, the simulated one with `sim`, else the experiment's own.

    Raises:
        ConfigError: there is no such file, it is wrong, or no line is named at all.
    """
    if line is not None:
        return load_line(find_file(line, folder="config"))
    if not sim and not experiment.line:
        raise ConfigError(
            tr("{file} names no line").format(file=file), hint=tr("write `line: NAME` into it, or give --line FILE")
        )
    name = Path("simulated" if sim else experiment.line)
    return load_line(find_file(name, beside=file, folder="config"))


def warn(found: ExperimentPlan, *, notes: bool = True) -> None:
    """Print the warnings of a plan on standard error, and with `notes` what is as it should be but worth knowing."""
    for warning in found.warnings:
        code = "" if warning.code == LIMIT else f"{warning.code}: "
        if warning.code not in _NOTES:
            click.echo(tr("warning: {text}").format(text=code + warning.detail), err=True)
        elif notes:
            click.echo(tr("note: {text}").format(text=code + warning.detail), err=True)


def show(found: ExperimentPlan, *, as_json: bool, day_h: float) -> int:
    """Print a plan, its warnings and what forbids it; return the exit code: 6 when it cannot be run."""
    refusal = found.refusal
    if as_json:
        click.echo(envelope("experiment_plan", _as_data(found, day_h), refusal))
    else:
        if found.times:
            click.echo(_timeline(found))
        for line in (*_totals(found, day_h), "", _worth(found)):
            click.echo(line)
    warn(found)
    if refusal is None:
        return 0
    click.echo(complaint(refusal), err=True)
    return refusal.exit_code


def _timeline(found: ExperimentPlan) -> str:
    """Return the table of baths: minutes of each phase, when each ends, its bottles and its energy."""
    headings = [tr("bath"), tr("treatment"), tr("water"), *_phase_headings()]
    headings += [tr("min"), tr("end"), tr("bottles"), tr("kWh")]
    rows, end_s = [], 0.0
    for index, step in enumerate(found.times):
        end_s += step.total_s
        way_s = step.phases["heat"]
        heat_s, cool_s = (0.0, way_s) if _cools(found, index) else (way_s, 0.0)
        minutes = {name: _minutes(heat_s if name == "heat" else seconds) for name, seconds in step.phases.items()}
        cells = [minutes[phase] for phase in PHASES]
        cells.insert(PHASES.index("heat") + 1, _minutes(cool_s))
        water = tr("fresh") if step.refill else tr("kept")
        ending = [_minutes(step.total_s), _clock(end_s), str(step.bottles), decimal(step.energy_kwh, 2)]
        rows.append([str(step.ord), _treatment(found.baths[index]), water, *cells, *ending])
    return table(headings, rows)


def _phase_headings() -> list[str]:
    """Return one short word per phase, `cool` after `heat`: a line must fit on a terminal."""
    heating = [tr("drain"), tr("fill"), tr("dose"), tr("heat"), tr("cool")]
    return [*heating, tr("stable"), tr("load"), tr("soak"), tr("unload")]


def _treatment(bath: PlannedBath) -> str:
    text = treatment_text(bath.treatment)
    return tr("{treatment} (centre)").format(treatment=text) if bath.block == CENTRE else text


def _totals(found: ExperimentPlan, day_h: float) -> Iterator[str]:
    times = found.times
    yield tr("order: {how}; seed {seed}").format(how=restriction(found.experiment), seed=found.experiment.seed)
    total_s = sum(step.total_s for step in times)
    if not times or total_s == inf:
        return
    bottles = sum(step.bottles for step in times)
    yield tr("{baths} baths, {bottles} bottles, {duration}, {kwh} kWh").format(
        baths=len(times),
        bottles=bottles,
        duration=duration_text(total_s),
        kwh=decimal(sum(step.energy_kwh for step in times)),
    )
    days = _days(times, 3600.0 * day_h)
    if not days:
        yield tr("a working day of {day} h is too short for the longest bath").format(day=number(day_h))
    elif len(days) == 1:
        left = duration_text(3600.0 * day_h - total_s)
        yield tr("fits a working day of {day} h: {left} left").format(day=number(day_h), left=left)
    else:
        text = tr("{days} working days of {day} h; the first ends with bath {bath}")
        yield text.format(days=len(days), day=number(day_h), bath=days[0][-1])


def _worth(found: ExperimentPlan) -> str:
    """Return what the plan will tell of each glue, if the guess of its file is right."""
    precision = found.precision
    text = tr("expected, if {share} % come off in {time} at {point} as guessed (bath effect {sd} included):")
    caption = text.format(
        share=number(100.0 * precision.removal),
        time=duration_text(precision.time_s),
        point=treatment_text(precision.target),
        sd=decimal(precision.bath_sd, 2),
    )
    headings = [
        tr("glue"),
        tr("bottles"),
        tr("baths"),
        tr("error of ln t"),
        tr("bound/estimate"),
        tr("of the Cramér-Rao limit"),
    ]
    rows = [
        [glue, str(bound.bottles), str(bound.baths), *_expected(bound)] for glue, bound in precision.by_glue.items()
    ]
    return f"{caption}\n{table(headings, rows)}"


def _expected(bound: ExpectedBound) -> list[str]:
    if bound.se_ln_t == inf:
        return ["-", "-", "-"]
    percent = tr("{percent} %").format(percent=round(100.0 * bound.efficiency))
    return [decimal(bound.se_ln_t, 3), decimal(bound.bound_ratio, 2), percent]


def _days(times: Sequence[BathTimes], day_s: float) -> list[list[int]]:
    """Return the baths (`ord`) of each working day, none of them over a night; [] when one is longer than a day."""
    days: list[list[int]] = []
    used_s = day_s
    for step in times:
        if step.total_s > day_s:
            return []
        if used_s + step.total_s > day_s:
            days.append([])
            used_s = 0.0
        days[-1].append(step.ord)
        used_s += step.total_s
    return days


def _as_data(found: ExperimentPlan, day_h: float) -> dict[str, Any]:
    """Return the plan for machines: seconds, kWh, codes; infinite times are left out by the problems."""
    times = found.times
    return {
        "experiment": found.experiment.name,
        "line": found.line.name,
        "seed": found.experiment.seed,
        "baths": [
            {
                **asdict(step),
                "block": found.baths[index].block,
                "replicate": found.baths[index].replicate,
                "phases": {name: _finite(seconds) for name, seconds in step.phases.items()},
                "energy_kwh": _finite(step.energy_kwh),
                "cools": _cools(found, index),
                "total_s": _finite(step.total_s),
            }
            for index, step in enumerate(times)
        ],
        "total_s": _finite(sum(step.total_s for step in times)),
        "energy_kwh": _finite(sum(step.energy_kwh for step in times)),
        "bottles": sum(step.bottles for step in times),
        "day_h": day_h,
        "days": _days(times, 3600.0 * day_h),
        "precision": _precision_data(found.precision),
        **sentences(found),
    }


def sentences(found: ExperimentPlan) -> dict[str, Any]:
    """Return problems and warnings for machines: their sentences in English, whatever language people read."""
    lang = language()
    use("en")
    try:
        same = make_plan(found.experiment, found.line) if lang != "en" else found
    finally:
        use(lang)
    warnings = [{"code": str(each.code), "detail": each.detail} for each in same.warnings]
    return {"problems": list(same.problems), "warnings": warnings}


def _precision_data(precision: Precision) -> dict[str, Any]:
    """Return the expected precision for machines; null where the plan cannot tell the target."""
    by_glue = {
        glue: {name: _finite(value) if isinstance(value, float) else value for name, value in asdict(bound).items()}
        for glue, bound in precision.by_glue.items()
    }
    return {**asdict(precision), "by_glue": by_glue}


def _cools(found: ExperimentPlan, index: int) -> bool:
    """Return whether bath `index` (from 0) must cool to its treatment."""
    step = found.times[index]
    if step.refill or index == 0:
        start_c = found.zone.fill_temperature_c
    else:
        start_c = found.times[index - 1].treatment.temperature_c
    return start_c > step.treatment.temperature_c


def _finite(value: float) -> float | None:
    return round(value, 6) if value < inf else None


def _minutes(seconds: float) -> str:
    if seconds == inf:
        return "∞"
    return f"{seconds / 60:.0f}" if seconds else "-"


def _clock(seconds: float) -> str:
    """Return `7:05` for the time since the start."""
    if seconds == inf:
        return "∞"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
