"""`linectl cal run --titration`: the factor on the NaOH by conductivity, out of samples titrated with acid."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import mean, stdev

import click

from linectl.cli.cal_asking import asked, asked_number
from linectl.cli.cal_points import decimal_of
from linectl.cli.cal_text import short
from linectl.cli.cal_wizard import Wizard
from linectl.errors import NotConfirmed, Refused
from linectl.laws.titration import titrated_naoh_pct, titration_u
from linectl.line.curve_fit import CannotFit, gain_of
from linectl.model.calibrations import Record, TitratedSample
from linectl.words import tr

__all__ = ["VALID", "Titration", "titrate"]

VALID = "7d"
"""How long a factor holds unless --due says otherwise: a bath takes up carbonate from air and soil."""


@dataclass(frozen=True, slots=True)
class Titration:
    """What was titrated, as far as the command line says; volumes in mL, `normality` in mol/L.

    `acid_u_ml` is the standard uncertainty of a volume of acid, `normality_u` and `sample_u` are relative;
    `reading` is what linectl showed in % when the sample was taken, None: it is read now.
    """

    acid_ml: tuple[float, ...] = ()
    total_ml: tuple[float, ...] = ()
    normality: float | None = None
    sample_ml: float | None = None
    sample_c: float = 20.0
    acid_u_ml: float = 0.05
    normality_u: float = 0.002
    sample_u: float = 0.003
    reading: float | None = None


def titrate(wizard: Wizard, titration: Titration) -> Record:
    """Return the record of the factor; what the command line does not say is asked.

    Raises:
        NotConfirmed: nobody is there to ask (E-CAL-011).
        Refused: the sensor is none of NaOH in %, was not stable, or the titration contradicts itself (E-CAL-010).
    """
    if wizard.tag.unit != "%":
        raise Refused(
            tr("{tag} is in {unit}: a titration gives NaOH in % by mass").format(
                tag=wizard.tag.name, unit=wizard.tag.unit or "-"
            ),
            hint=tr("name the tag of the NaOH content, such as bath.naoh"),
            code="E-CAL-005",
        )
    if not titration.acid_ml and not wizard.is_asked:
        raise NotConfirmed(
            tr("nobody is at the terminal to ask for the volumes"),
            hint=tr("give them: --sample 10 --normality 0,1 --acid 49,8 --acid 50,1"),
            code="E-CAL-011",
        )
    if titration.acid_ml:
        samples = _samples(wizard, titration)  # before anything is waited for
        settled = None if titration.reading is not None else wizard.settled(mean(each.naoh_pct for each in samples))
    else:
        if titration.reading is None:
            asked(tr("Stir, take the samples from the bath now, then press Enter: "))
        settled = None if titration.reading is not None else wizard.settled(None)
        if settled is not None:
            click.echo(tr("{tag} reads {value} %").format(tag=wizard.tag.name, value=short(settled.mean, 5)), err=True)
        samples = _samples(wizard, titration)
    content, u = _content(samples, titration)
    if settled is not None:
        point = wizard.point(content, u, settled)
    else:
        assert titration.reading is not None
        point = wizard.given_reading(titration.reading, content, u)
    try:
        found = gain_of(point, resolution=wizard.resolution())
    except CannotFit as error:
        raise Refused(
            tr("a factor needs a reading above 0, and it is {reading} %").format(reading=short(point.reading)),
            hint=tr("is there NaOH in the bath? see: linectl tags read LINE {tag}").format(tag=wizard.tag.name),
            code="E-CAL-010",
        ) from error
    return wizard.record(found, (point,), method="titration", samples=tuple(samples), valid=VALID)


def _content(samples: list[TitratedSample], titration: Titration) -> tuple[float, float]:
    """Return the NaOH in % and its standard uncertainty: what all samples share is not averaged, their scatter is."""
    contents = [each.naoh_pct for each in samples]
    content = mean(contents)
    shared = max(
        titration_u(
            each.acid_ml,
            each.total_ml,
            volume_u_ml=titration.acid_u_ml,
            normality_u=titration.normality_u,
            sample_u=titration.sample_u,
        )
        for each in samples
    )
    scatter = stdev(contents) / sqrt(len(contents)) if len(contents) > 1 else 0.0
    return content, hypot(content * shared, scatter)


def _samples(wizard: Wizard, titration: Titration) -> list[TitratedSample]:
    asks = wizard.is_asked
    sample_ml = _value(titration.sample_ml, tr("Volume of a sample in mL: "), "--sample", asks=asks)
    normality = _value(titration.normality, tr("Normality of the acid in mol/L: "), "--normality", asks=asks)
    if titration.total_ml and len(titration.total_ml) != len(titration.acid_ml):
        raise click.UsageError(tr("--acid-total goes with each --acid, or with none"))
    if titration.acid_ml:
        totals = titration.total_ml or (None,) * len(titration.acid_ml)
        volumes = list(zip(titration.acid_ml, totals, strict=True))
        return [_sample(sample_ml, acid, total, normality, titration) for acid, total in volumes]
    return _asked_samples(sample_ml, normality, titration)


def _asked_samples(sample_ml: float, normality: float, titration: Titration) -> list[TitratedSample]:
    found: list[TitratedSample] = []
    while True:
        more = tr(" (Enter: that was all)") if found else ""
        line = asked(tr("Sample {n}, acid in mL to pH 8.3{more}: ").format(n=len(found) + 1, more=more))
        if not line and found:
            return found
        try:
            acid = decimal_of(line)
            other = asked(tr("  and in all to pH 4.3, which tells carbonate apart (Enter: not done): "))
            found.append(_sample(sample_ml, acid, decimal_of(other) if other else None, normality, titration))
        except (ValueError, ZeroDivisionError):
            click.echo(tr("{text} is no volume, such as 49,8").format(text=repr(line)), err=True)
            continue
        except Refused as refused:
            click.echo(refused.message, err=True)
            continue
        click.echo(tr("  NaOH {value} %").format(value=short(found[-1].naoh_pct, 4)), err=True)


def _sample(
    sample_ml: float, acid_ml: float, total_ml: float | None, normality: float, titration: Titration
) -> TitratedSample:
    try:
        if acid_ml <= 0.0:
            raise ValueError(acid_ml)
        content = titrated_naoh_pct(sample_ml, acid_ml, normality, total_ml=total_ml, temperature_c=titration.sample_c)
    except ValueError as error:
        text = tr("{acid} mL to pH 8.3 and {total} mL in all contradict each other: no free NaOH is left")
        raise Refused(
            text.format(acid=short(acid_ml), total="-" if total_ml is None else short(total_ml)),
            hint=tr("the volume in all counts from the start, not from pH 8.3"),
            code="E-CAL-010",
        ) from error
    return TitratedSample(sample_ml, acid_ml, normality, total_ml, content)


def _value(given: float | None, question: str, option: str, *, asks: bool) -> float:
    if given is not None:
        return given
    if asks:
        return asked_number(question)
    raise click.UsageError(tr("{option} is needed").format(option=option))
