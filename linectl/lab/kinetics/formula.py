"""What the release time is made to depend on, and the columns that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linectl.errors import ConfigError
from linectl.lab.kinetics.data import ReleaseData
from linectl.words import tr

__all__ = [
    "AGITATION_REF_PCT",
    "CAUSTIC_REF_PCT",
    "CAUSTIC_ZERO_PCT",
    "Formula",
    "Layout",
    "agitation_covariate",
    "caustic_covariate",
]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
CAUSTIC_ZERO_PCT = 0.1  # c0: keeps plain water on the axis
CAUSTIC_REF_PCT = 1.6  # 1.5 % + c0, so that b0 belongs to 1.5 % NaOH
AGITATION_REF_PCT = 50.0  # half speed, so that b0 belongs to it
_SAME_CAUSTIC = 0.05  # a few per cent of NaOH between baths is scatter, not a level


def caustic_covariate(naoh_pct: ArrayLike) -> Array:
    """Return ln((c + 0.1)/1.6) for c in % NaOH; 0 at 1.5 %."""
    return np.log((np.asarray(naoh_pct, dtype=np.float64) + CAUSTIC_ZERO_PCT) / CAUSTIC_REF_PCT)


def agitation_covariate(agitation_pct: ArrayLike) -> Array:
    """Return (a - 50)/50 for a stirrer at a % of its speed: 0 at half speed, 1 at full.

    The coefficient is the change of ln t from half to full speed, whatever the flow that a speed makes.
    """
    return (np.asarray(agitation_pct, dtype=np.float64) - AGITATION_REF_PCT) / AGITATION_REF_PCT


@dataclass(frozen=True, slots=True)
class Formula:
    """What ln t depends on, beside the temperature through the dose.

    `caustic`: ln((c + 0.1)/1.6); None takes it in when NaOH was varied. `glue`: a time ratio to the reference glue
    (`reference_glue`, else the first by name). `agitation`: (a - 50)/50 of the stirrer. `glue_caustic`: an order of
    NaOH per glue; `glue_energy`: an activation energy per glue, inside the dose; both need `glue`. `curvature`: ln rate
    = E u + q u^2, a bent Arrhenius line. `sigma_by_temperature`: a spread for each tested temperature. `cure`: a
    share 1 - pi of labels that never comes off.

    Raises:
        ConfigError: an interaction with a glue without `glue`, or of NaOH without NaOH.
    """

    caustic: bool | None = None
    glue: bool = False
    agitation: bool = False
    glue_energy: bool = False
    glue_caustic: bool = False
    curvature: bool = False
    sigma_by_temperature: bool = False
    cure: bool = False
    reference_glue: str = ""

    def __post_init__(self) -> None:
        """Refuse interactions without their main effect: they would change with the reference."""
        if (self.glue_energy or self.glue_caustic) and not self.glue:
            raise ConfigError(tr("formula: an energy or NaOH order per glue needs glue=True"))
        if self.glue_caustic and self.caustic is False:
            raise ConfigError(tr("formula: an NaOH order per glue needs the NaOH itself"))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of a formula for some data: one line of `columns` per bottle.

    `glues` begins with the reference; `row_glue` and `row_warmth` number each bottle's glue and tested temperature
    (of `warmths_c`). Parameters in the order of `names`: coefficients, energies, curvature, logit pi, ln sigma.
    """

    formula: Formula
    columns: Array
    coefficients: tuple[str, ...]
    glues: tuple[str, ...]
    row_glue: Index
    warmths_c: tuple[float, ...]
    row_warmth: Index
    has_caustic: bool

    @classmethod
    def of(cls, data: ReleaseData, formula: Formula) -> Layout:
        """Return the layout of `data`.

        Raises:
            ConfigError: the reference glue is not in the data, or a bottle lacks the agitation that the formula names.
        """
        glues = _glues(data, formula)
        names = {glue: k for k, glue in enumerate(glues)}
        row_glue = np.array([names[row.glue] for row in data.records], dtype=np.intp)
        warmths, row_warmth = np.unique([row.temperature_c for row in data.records], return_inverse=True)
        caustic = caustic_covariate(data.caustic_pct)
        has_caustic = bool(np.ptp(caustic) >= _SAME_CAUSTIC) if formula.caustic is None else formula.caustic
        columns, found = [np.ones(len(data))], ["b0"]
        if has_caustic:
            columns.append(caustic)
            found.append("caustic")
        for k, glue in enumerate(glues[1:], start=1):
            columns.append((row_glue == k).astype(np.float64))
            found.append(f"glue:{glue}")
        if formula.agitation:
            columns.append(agitation_covariate(_agitation(data)))
            found.append("agitation")
        if formula.glue_caustic and has_caustic:
            for k, glue in enumerate(glues[1:], start=1):
                columns.append(caustic * (row_glue == k))
                found.append(f"caustic:{glue}")
        return cls(
            formula,
            np.column_stack(columns),
            tuple(found),
            glues,
            row_glue,
            tuple(warmths.tolist()),
            row_warmth.astype(np.intp),
            has_caustic,
        )

    @property
    def energies(self) -> tuple[str, ...]:
        """The names of the energies: E of the reference, then what each other glue has more."""
        return ("E", *(f"E:{glue}" for glue in self.glues[1:] if self.formula.glue_energy))

    @property
    def sigmas(self) -> tuple[str, ...]:
        """The names of the spreads."""
        if not self.formula.sigma_by_temperature:
            return ("ln_sigma",)
        return tuple(f"ln_sigma:{warmth:g}" for warmth in self.warmths_c)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters, in order."""
        curvature = ("curvature",) if self.formula.curvature else ()
        cure = ("logit_pi",) if self.formula.cure else ()
        return (*self.coefficients, *self.energies, *curvature, *cure, *self.sigmas)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each parameter."""
        return tuple(_unit(name) for name in self.names)

    def energy_design(self) -> Array | None:
        """Return the matrix (glue, parameter) that makes each glue's energy, None when there is one for all."""
        if not self.formula.glue_energy:
            return None
        design = np.eye(len(self.glues))
        design[:, 0] = 1.0
        return design


def _unit(name: str) -> str:
    if name == "b0":
        return "ln s"
    if name == "E" or name.startswith("E:"):
        return "kJ/mol"
    return "(kJ/mol)²" if name == "curvature" else ""


def _glues(data: ReleaseData, formula: Formula) -> tuple[str, ...]:
    if not formula.glue:
        return data.glues if len(data.glues) <= 1 else _refuse_many(data)
    reference = formula.reference_glue or data.glues[0]
    if reference not in data.glues:
        text = tr("formula: the reference glue {glue} is not among the bottles; they carry {glues}")
        raise ConfigError(text.format(glue=reference, glues=", ".join(data.glues)))
    return (reference, *(glue for glue in data.glues if glue != reference))


def _refuse_many(data: ReleaseData) -> tuple[str, ...]:
    msg = f"one glue at a time, not {', '.join(data.glues)}: see ReleaseData.of_glue, or Formula(glue=True)"
    raise ValueError(msg)


def _agitation(data: ReleaseData) -> Array:
    lacking = [row.bottle for row in data.records if row.agitation_pct is None]
    if lacking:
        text = tr("formula: bottles without an agitation: {bottles}")
        raise ConfigError(text.format(bottles=", ".join(lacking[:10])))
    return np.array([row.agitation_pct for row in data.records], dtype=np.float64)
