"""What is fed to the washer: bottles of one model with labels of one glue, from one grower.

Every figure has a range, and the range a source: a lot or a glue outside it is refused with both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite
from types import MappingProxyType

from linectl.errors import ConfigError
from linectl.sim.glue.labels import GLUES, Glue, GlueClass
from linectl.words import tr, with_comma

__all__ = [
    "BURGUNDY_75CL",
    "CLAVELIN_62CL",
    "MODELS",
    "BottleModel",
    "Lot",
    "Paper",
    "Span",
    "bottle_model",
    "glue_of",
    "own_glue",
]

GLASS_KJ_KG_K = 0.84
REFERENCE_GLUE_G_M2 = 20.0


def _estimate() -> str:
    return tr("engineering estimate")


def _no_published() -> str:
    return tr("engineering estimate: no published figure known")


def _estimated(why: Callable[[], str]) -> Callable[[], str]:
    """Return the source of an estimate with its reason."""
    return lambda: tr("engineering estimate; {why}").format(why=why())


@dataclass(frozen=True, slots=True)
class Span:
    """What a figure may be, both ends included, and where that is known from.

    `source` is called when it is told: the language is not known before.
    """

    low: float
    high: float
    unit: str
    source: Callable[[], str]

    def holds(self, value: float) -> bool:
        """Tell whether a finite `value` lies within."""
        return isfinite(value) and self.low <= value <= self.high

    def refusal(self, what: str, value: float) -> ConfigError:
        """Return the error that says so of a `value` outside: with the range and its source."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low == -inf:
            text = tr("{what} {value}{unit} is above {high}{unit} ({source})")
        else:
            text = tr("{what} {value}{unit} is outside {low} to {high}{unit} ({source})")
        figures = {
            name: with_comma(f"{each:.9g}") for name, each in (("value", value), ("low", self.low), ("high", self.high))
        }
        return ConfigError(
            text.format(what=what, unit=unit, source=self.source(), **figures),
            hint=tr("give a figure of the range; the simulator's law is not known beyond it"),
        )


def _wrong(spans: Mapping[str, Span], thing: object) -> tuple[str, Span, float] | None:
    """Return the first figure of `thing` that is outside its span."""
    for figure, span in spans.items():
        value = getattr(thing, figure)
        if not span.holds(value):
            return figure, span, value
    return None


GLUE_SPANS: Mapping[str, Span] = MappingProxyType(
    {
        "t60_s": Span(
            10.0,
            100_000.0,
            "s",
            _estimated(lambda: tr("wet glue about 1 min, permanent glue hours at 60 to 80 °C")),
        ),
        "ea_kj_mol": Span(
            18.0,
            120.0,
            "kJ/mol",
            lambda: tr("lower end: viscosity of water, J. Appl. Polym. Sci. 19(5) 1975; upper end estimated"),
        ),
        "caustic_order": Span(-1.0, 2.0, "", _estimated(lambda: tr("below 0 where caustic saponifies the glue"))),
        "sigma": Span(0.02, 1.5, "", _no_published),
        "p_never": Span(0.0, 1.0, "", lambda: tr("a share")),
        "opens_at_c": Span(-inf, 80.0, "°C", lambda: tr("coats open above 30 to 60 °C (EP0049483), a film from 65 °C")),
    }
)
LOT_SPANS: Mapping[str, Span] = MappingProxyType(
    {
        "count": Span(1, 10_000_000, "", lambda: tr("bottles of a Jura year")),
        "age": Span(1.0, 1.5, "", _estimated(lambda: tr("sun and humidity in storage weaken the release"))),
        "coverage": Span(0.3, 1.0, "", _estimated(lambda: tr("share of the label that is not varnished"))),
        "inlet_c": Span(-15.0, 60.0, "°C", lambda: tr("a Jura winter night, a pallet in the summer sun")),
        "inlet_spread_k": Span(0.0, 10.0, "K", _estimate),
        "glue_g_m2": Span(5.0, 60.0, "g/m2", _estimated(lambda: tr("films of 15 to 25 um are usual"))),
        "paper_g_m2": Span(40.0, 150.0, "g/m2", _estimated(lambda: tr("wine labels of about 80 g/m2"))),
        "residue_pct": Span(0.0, 100.0, "%", _no_published),
        "residue_tau_s": Span(1.0, 3600.0, "s", _no_published),
        "soil_naoh_g": Span(
            0.0, 5.0, "g", _estimated(lambda: tr("a machine spends 0.8 to 2 g of dry NaOH a bottle in all"))
        ),
    }
)
MODEL_SPANS: Mapping[str, Span] = MappingProxyType(
    {
        "volume_cl": Span(10.0, 300.0, "cl", lambda: tr("bottles up to 308 mm high and 90 mm wide (Oc'Consigne)")),
        "mass_g": Span(150.0, 1500.0, "g", lambda: tr("re-use models weigh 560 g and more, beer bottles from 250 g")),
        "label_cm2": Span(10.0, 400.0, "cm2", _estimate),
    }
)


class Paper(StrEnum):
    """The label's paper: wants to come off whole (Germany, high wet strength) or as pulp (Canada, medium)."""

    HIGH_WET_STRENGTH = "high_wet_strength"
    MEDIUM_WET_STRENGTH = "medium_wet_strength"


@dataclass(frozen=True, slots=True)
class BottleModel:
    """A model of bottle: content (cl), mass (g) and the area of its label (cm2).

    Raises:
        ConfigError: a figure outside its range.
    """

    name: str
    volume_cl: float
    mass_g: float
    label_cm2: float

    def __post_init__(self) -> None:
        if wrong := _wrong(MODEL_SPANS, self):
            figure, span, value = wrong
            raise span.refusal(tr("bottle model {name}: {figure}").format(name=self.name, figure=figure), value)

    @property
    def kj_k(self) -> float:
        """Heat that warms the glass by 1 K, in kJ (0.84 kJ/(kg K), textbook)."""
        return self.mass_g * 1e-3 * GLASS_KJ_KG_K


BURGUNDY_75CL = BottleModel("burgundy_75cl", 75.0, 560.0, 130.0)
CLAVELIN_62CL = BottleModel("clavelin_62cl", 62.0, 520.0, 110.0)  # the mass is an estimate: none is published
MODELS: Mapping[str, BottleModel] = MappingProxyType({m.name: m for m in (BURGUNDY_75CL, CLAVELIN_62CL)})


@dataclass(frozen=True, slots=True)
class Lot:
    """Bottles that are fed one after the other.

    `glue` names a class of the simulator, or is only a name where `own` gives the figures. Against the law's median
    time, `age` multiplies, `coverage` (share of the label that liquid gets through) divides, and the square of
    `glue_g_m2` against 20 g/m2 multiplies (a film swells in h2/D). Bottles come in at `inlet_c` °C, normally
    distributed by `inlet_spread_k`. Glue left on the area (`residue_pct` when the label comes off) washes off with the
    time constant `residue_tau_s`: no published figure is known of either. `soil_naoh_g` is the NaOH that a bottle's
    soil neutralises. `used` glass is scuffed and bears less of a shock.

    Raises:
        ConfigError: a figure outside its range, or no such glue.
    """

    name: str
    count: int
    glue: str = "casein"
    model: BottleModel = BURGUNDY_75CL
    grower: str = ""
    own: Glue | None = None
    age: float = 1.0
    coverage: float = 1.0
    glue_g_m2: float = REFERENCE_GLUE_G_M2
    inlet_c: float = 15.0
    inlet_spread_k: float = 0.0
    paper: Paper = Paper.HIGH_WET_STRENGTH
    paper_g_m2: float = 80.0
    residue_pct: float = 3.0
    residue_tau_s: float = 60.0
    soil_naoh_g: float = 0.6
    used: bool = True

    def __post_init__(self) -> None:
        if wrong := _wrong(LOT_SPANS, self):
            figure, span, value = wrong
            raise span.refusal(_of_lot(self.name, figure), value)
        if self.own is None:
            glue_of(self.glue)

    @property
    def law(self) -> Glue:
        """The release law of its labels."""
        return self.own if self.own is not None else glue_of(self.glue)

    @property
    def quickness(self) -> float:
        """By how much its labels take up dose faster than the law's own: age, varnish and amount of glue."""
        film = self.glue_g_m2 / REFERENCE_GLUE_G_M2
        return self.coverage / (self.age * film * film)

    @property
    def label_g(self) -> float:
        """The mass of paper of one label in g."""
        return self.model.label_cm2 * 1e-4 * self.paper_g_m2


def _of_lot(name: str, figure: str) -> str:
    """Return the name of a lot's figure for a message; lots that nobody named are called `lot 1`, `lot 2` ..."""
    if name.startswith("lot "):
        return tr("{what}: {text}").format(what=name, text=figure)
    return tr("lot {name}: {figure}").format(name=name, figure=figure)


def bottle_model(name: str) -> BottleModel:
    """Return the model of that name.

    Raises:
        ConfigError: there is none; the message lists them.
    """
    found = MODELS.get(name)
    if found is None:
        text = tr("the simulator knows no bottle model {name}: one of {known}")
        raise ConfigError(text.format(name=name, known=", ".join(MODELS)))
    return found


def glue_of(name: str) -> Glue:
    """Return the glue class of that name.

    Raises:
        ConfigError: there is none; the message lists them.
    """
    for code, glue in GLUES.items():
        if GlueClass(code).name.lower() == name:
            return glue
    known = ", ".join(code.name.lower() for code in GlueClass)
    raise ConfigError(
        tr("the simulator knows no glue {name}: one of {known}").format(name=name, known=known),
        hint=tr("or give its figures: t60_s, ea_kj_mol, caustic_order, sigma, p_never"),
    )


def own_glue(
    name: str,
    *,
    t60_s: float,
    ea_kj_mol: float,
    caustic_order: float,
    sigma: float,
    p_never: float,
    opens_at_c: float = -inf,
) -> Glue:
    """Return a glue class of one's own: figures as in `Glue`; `name` is for the message.

    Raises:
        ConfigError: a figure outside its range; the message names the range and its source.
    """
    glue = Glue(None, t60_s, ea_kj_mol, caustic_order, sigma, p_never, opens_at_c)
    spans = {key: span for key, span in GLUE_SPANS.items() if key != "opens_at_c" or opens_at_c != -inf}
    if wrong := _wrong(spans, glue):
        figure, span, value = wrong
        raise span.refusal(tr("glue {name}: {figure}").format(name=name, figure=figure), value)
    return glue
