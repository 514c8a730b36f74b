"""What stands against the figures of an analysis: each with its machine word and what it concerns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from linectl.lab.decision import FEW_BATHS, UNDECIDED_AIC
from linectl.lab.fitted import LEVEL, Fitted
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import NotFitted
from linectl.lab.kinetics.goodness import Goodness, unexplained_stuck
from linectl.lab.results import CellCurve, PointBound, SensorDoubt, Warn
from linectl.model.experiments import Decision
from linectl.words import decimal, tr

__all__ = ["data_warnings", "glue_warnings"]

_CONFOUNDED = 0.5
_ZERO_PCT = 0.05


def glue_warnings(
    fitted: Fitted,
    points: Sequence[PointBound],
    cells: Sequence[CellCurve],
    goodness: dict[str, Goodness],
    decision: Decision,
) -> tuple[Warn, ...]:
    """Return the warnings on one glue."""
    found = list(
        dict.fromkeys(Warn(fit.code, fit.detail) for fit in fitted.found.values() if isinstance(fit, NotFitted))
    )
    if len(fitted.data.baths) < FEW_BATHS:
        found.append(Warn(Code.FEW_BATHS, str(len(fitted.data.baths))))
    if any(not fit.has_caustic for fit in fitted.fits.values()):
        found.append(Warn(Code.SINGLE_CAUSTIC))
    for cell in cells:
        name = _point(cell.temperature_c, cell.naoh_pct)
        if all(map(math.isinf, cell.hi)):
            found.append(Warn(Code.ALL_CENSORED_CELL, name))
        elif not any(cell.lo):
            found.append(Warn(Code.FIRST_CHECK_CELL, name))
    found += [
        Warn(Code.EXTRAPOLATED, _point(point.temperature_c, point.naoh_pct))
        for point in points
        if any(estimate.extrapolated for estimate in point.by_family.values())
    ]
    return (
        *found,
        *_undecided(fitted, points, decision),
        *_plateau(fitted),
        *_tested(fitted),
        *_poor(fitted, goodness),
    )


def data_warnings(data: ReleaseData, doubt: SensorDoubt) -> tuple[Warn, ...]:
    """Return the warnings on all data: those of their making, of calibrations and of the order of baths."""
    return (*data.warnings, *_uncalibrated(doubt), *_confounded(data), *_single_baths(data), *_without_naoh(data))


def _undecided(fitted: Fitted, points: Sequence[PointBound], decision: Decision) -> Iterator[Warn]:
    criteria = [fit.aic for fit in fitted.fits.values()]
    if len(criteria) < len(fitted.found) or not criteria or max(criteria) - min(criteria) >= UNDECIDED_AIC:
        return
    text = tr("{point}: AIC differs by {difference:.1f} only")
    for point in points:
        if len({e.upper is not None and e.upper <= decision.soak_s for e in point.by_family.values()}) > 1:
            name = _point(point.temperature_c, point.naoh_pct)
            yield Warn(Code.FAMILY_UNDECIDED, text.format(point=name, difference=max(criteria) - min(criteria)))


def _plateau(fitted: Fitted) -> Iterator[Warn]:
    if fitted.plateau:
        family = fitted.plateau
        test, share = fitted.test("plateau")[family], 1.0 - fitted.cured[family].releasing_share
        text = tr("{family}: {share} % of the labels, p = {p}")
        detail = text.format(family=family, share=decimal(100 * share, 1), p=decimal(test.p or 0.0, 4))
        yield Warn(Code.PLATEAU, detail)
        return
    text = tr("{family}: {count} of {n} labels still on where the fit leaves none")
    for family, fit in fitted.fits.items():
        count = unexplained_stuck(fit)
        if count:
            yield Warn(Code.PLATEAU, text.format(family=family, count=count, n=fit.n_bottles))


def _tested(fitted: Fitted) -> Iterator[Warn]:
    """Yield what the tests reject in the family that fits best."""
    codes = {"curvature": Code.CURVED, "sigma_by_temperature": Code.SIGMA_VARIES, "lots": Code.LOTS_DIFFER}
    for name, code in codes.items():
        if fitted.rejects(name, fitted.family):
            p = fitted.test(name)[fitted.family].p
            yield Warn(code, tr("{family}: p = {p}").format(family=fitted.family, p=decimal(p or 0.0, 4)))


def _poor(fitted: Fitted, goodness: dict[str, Goodness]) -> Iterator[Warn]:
    found = goodness.get(fitted.family)
    if found is not None and found.p is not None and found.p <= LEVEL:
        text = tr("{family}: up to {distance} away, p = {p}")
        detail = text.format(family=fitted.family, distance=decimal(found.distance, 2), p=decimal(found.p, 3))
        yield Warn(Code.POOR_FIT, detail)


def _uncalibrated(doubt: SensorDoubt) -> Iterator[Warn]:
    known = ((doubt.temperature_k, tr("bath temperature")), (doubt.naoh_pct, tr("NaOH")))
    unknown = [name for value, name in known if value is None]
    if unknown:
        yield Warn(Code.NO_CALIBRATION, ", ".join(unknown))


def _confounded(data: ReleaseData) -> Iterator[Warn]:
    """Yield a warning when the baths' temperatures go with their order: depletion or drift would pass for E."""
    temperatures = np.array(list(_bath_temperatures(data).values()))
    if temperatures.size < 3 or not np.ptp(temperatures):
        return
    correlation = float(np.corrcoef(temperatures, np.arange(temperatures.size))[0, 1])
    if abs(correlation) > _CONFOUNDED:
        yield Warn(Code.TEMP_TIME_CONFOUNDED, f"{correlation:.2f}")


def _single_baths(data: ReleaseData) -> Iterator[Warn]:
    """Yield a warning for temperatures that one bath alone stands for."""
    temperatures = list(_bath_temperatures(data).values())
    alone = sorted(t for t in set(temperatures) if temperatures.count(t) == 1)
    if alone:
        yield Warn(
            Code.PSEUDO_REPLICATION,
            tr("one bath only at {points} °C").format(points=", ".join(map("{:g}".format, alone))),
        )


def _without_naoh(data: ReleaseData) -> Iterator[Warn]:
    weak = sorted({row.bath for row in data.records if row.caustic_pct < _ZERO_PCT})
    if weak:
        yield Warn(Code.CAUSTIC_ZERO, tr("baths {baths}").format(baths=", ".join(weak)))


def _bath_temperatures(data: ReleaseData) -> dict[str, float]:
    found = {row.bath: row.temperature_c for row in data.records}
    return {bath: found[bath] for bath in data.baths}


def _point(temperature_c: float, naoh_pct: float) -> str:
    return f"{temperature_c:g} °C, {naoh_pct:g} %"
