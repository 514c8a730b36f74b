"""What an experiment file may say, its checks, and its way into `linectl.model.experiments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from linectl.config.files import SourceText
from linectl.config.nodes import Document, Loc
from linectl.config.schema import FileModel, Finite, nearest
from linectl.model.experiments import (
    Decision,
    Experiment,
    FaultPolicy,
    Glass,
    Observation,
    Soak,
    Stabilisation,
)
from linectl.words import tr

__all__ = ["ExperimentFile", "check_experiment", "experiment"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
GlueClass = Literal["casein", "starch", "pvoh", "psa", "permanent"]


class FactorsFile(FileModel):
    """The levels of each factor."""

    temperature_c: Annotated[tuple[Finite, ...], Field(min_length=1)]
    naoh_pct: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    glue: Annotated[tuple[Text, ...], Field(min_length=1)]


class OrderFile(FileModel):
    """The order of the baths."""

    seed: Annotated[int, Field(ge=0)]
    randomised: bool = True


class SoakFile(FileModel):
    """The soak."""

    cap_s: Positive
    check_s: Positive


class StabilisationFile(FileModel):
    """When a bath counts as stable."""

    band_c: Positive = 0.5
    hold_s: Positive = 60.0
    within_s: Positive = 7200.0


class GlassFile(FileModel):
    """The glass between bath and glue."""

    tau_glass_s: Positive = 15.0
    bottle_in_c: Finite = 20.0


class DecisionFile(FileModel):
    """What is to be decided."""

    removal: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    soak_s: Positive
    temperatures_c: Annotated[tuple[Finite, ...], Field(min_length=1)]
    naoh_pct: Annotated[tuple[NotNegative, ...], Field(min_length=1)]


class ExperimentFile(FileModel):
    """A whole experiment."""

    kind: Literal["experiment"]
    name: str = ""
    question: Text
    line: str = ""
    zone: str = "bath"
    factors: FactorsFile
    replicates: Annotated[int, Field(ge=1, le=1000)]
    bottles_per_glue: Annotated[int, Field(ge=1, le=1000)]
    order: OrderFile
    soak: SoakFile
    stabilisation: StabilisationFile = StabilisationFile()
    stirrer_pct: Annotated[float, Field(ge=0, le=100)] = 50.0
    glass: GlassFile = GlassFile()
    observation: Literal["camera", "operator"] = "camera"
    on_sensor_fault: Literal["continue", "abort"] = "continue"
    decision: DecisionFile
    simulate_as: dict[str, GlueClass] = Field(default_factory=dict)


def check_experiment(file: ExperimentFile, document: Document) -> None:
    """Add to the document what does not fit together in the experiment."""
    for name in ("temperature_c", "naoh_pct", "glue"):
        _unique(getattr(file.factors, name), ("factors", name), document)
    if file.soak.check_s >= file.soak.cap_s:
        message = tr("a check every {check:g} s does not fit into a soak of {cap:g} s")
        document.complain(("soak", "check_s"), message.format(check=file.soak.check_s, cap=file.soak.cap_s))
    if file.stabilisation.hold_s > file.stabilisation.within_s:
        message = tr("{hold:g} s in the band cannot come within {within:g} s")
        values = {"hold": file.stabilisation.hold_s, "within": file.stabilisation.within_s}
        document.complain(("stabilisation", "hold_s"), message.format(**values))
    if file.decision.soak_s > file.soak.cap_s:
        message = tr("{soak:g} s is beyond the soak cap of {cap:g} s: nothing is seen there")
        document.complain(("decision", "soak_s"), message.format(soak=file.decision.soak_s, cap=file.soak.cap_s))
    _within(file.decision.temperatures_c, file.factors.temperature_c, ("decision", "temperatures_c"), document)
    _within(file.decision.naoh_pct, file.factors.naoh_pct, ("decision", "naoh_pct"), document)
    for glue in file.simulate_as:
        if glue not in file.factors.glue:
            message = tr("is no glue of this experiment; {nearest}")
            document.complain(("simulate_as", glue), message.format(nearest=nearest(glue, file.factors.glue)))


def experiment(file: ExperimentFile, source: SourceText) -> Experiment:
    """Return the experiment that a checked file describes."""
    return Experiment(
        name=file.name or Path(source.path).stem,
        question=file.question.strip(),
        temperatures_c=file.factors.temperature_c,
        naoh_pct=file.factors.naoh_pct,
        glues=file.factors.glue,
        replicates=file.replicates,
        bottles_per_glue=file.bottles_per_glue,
        seed=file.order.seed,
        randomised=file.order.randomised,
        soak=Soak(file.soak.cap_s, file.soak.check_s),
        decision=Decision(**file.decision.model_dump()),
        stabilisation=Stabilisation(**file.stabilisation.model_dump()),
        glass=Glass(**file.glass.model_dump()),
        observation=Observation(file.observation),
        on_sensor_fault=FaultPolicy(file.on_sensor_fault),
        stirrer_pct=file.stirrer_pct,
        line=file.line,
        zone=file.zone,
        simulate_as=dict(file.simulate_as),
        text=source.text,
        source=source.path,
        file_hash=source.sha256,
    )


def _unique(levels: tuple[float | str, ...], loc: Loc, document: Document) -> None:
    for number, level in enumerate(levels):
        if level in levels[:number]:
            document.complain((*loc, number), tr("{level} is given twice").format(level=level))


def _within(asked: tuple[float, ...], levels: tuple[float, ...], loc: Loc, document: Document) -> None:
    low, high = min(levels), max(levels)
    for number, value in enumerate(asked):
        if not low <= value <= high:
            message = tr("{value:g} is outside what is tested ({low:g} to {high:g}): no extrapolation")
            document.complain((*loc, number), message.format(value=value, low=low, high=high))
