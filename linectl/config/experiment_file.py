"""What an experiment file may say, and its way into `linectl.model.experiments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from linectl.config.files import SourceText
from linectl.config.schema import FileModel, Finite
from linectl.model.experiments import (
    BOTTLE_FACTORS,
    Centre,
    Covariate,
    CrashPolicy,
    CrashRule,
    Decision,
    Design,
    DesignKind,
    Experiment,
    FaultPolicy,
    Glass,
    Observation,
    PlannedTreatment,
    Prior,
    Question,
    Soak,
    Stabilisation,
)

__all__ = ["DesignFile", "ExperimentFile", "FactorsFile", "QuestionFile", "TreatmentFile", "experiment"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Levels = Annotated[tuple[Text, ...], Field(min_length=1)]
GlueClass = Literal["casein", "starch", "pvoh", "psa", "permanent"]
Phase = Literal["drain", "fill", "dose", "heat", "stabilise", "load", "soak", "unload"]
Fault = Literal["temperature", "naoh", "camera", "level"]
OnFault = Literal["continue", "hold", "abort"]


class FactorsFile(FileModel):
    """The levels of each factor: temperature, NaOH and stirrer per bath, the others per bottle."""

    temperature_c: Annotated[tuple[Finite, ...], Field(min_length=1)]
    naoh_pct: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    agitation_pct: tuple[Percent, ...] = ()
    glue: Levels
    paper: Levels | None = None
    finish: Levels | None = None
    age: Levels | None = None
    bottle: Levels | None = None
    lot: Levels | None = None


class TreatmentFile(FileModel):
    """What one bath is set to."""

    temperature_c: Finite
    naoh_pct: NotNegative
    agitation_pct: Percent | None = None


class CentreFile(TreatmentFile):
    """The treatment that is repeated over the run."""

    baths: Annotated[int, Field(ge=1, le=100)] = 3


class PriorFile(FileModel):
    """What is guessed beforehand."""

    t50_60_s: Positive = 240.0
    energy_kj_mol: Annotated[float, Field(gt=0, le=200)] = 45.0
    caustic_order: Annotated[float, Field(ge=-2, le=5)] = 0.3
    sigma: Annotated[float, Field(gt=0, le=3)] = 0.35
    bath_sd: Annotated[float, Field(ge=0, le=2)] = 0.15


class DesignFile(FileModel):
    """How the baths are chosen; None stands for what the kind of design does not use."""

    kind: Literal["factorial", "fractional", "c_optimal", "compromise", "table"] = "factorial"
    baths: Annotated[int, Field(ge=1, le=1000)] | None = None
    fraction: Annotated[int, Field(ge=2, le=1000)] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    target_c: Finite | None = None
    target_naoh_pct: NotNegative | None = None
    prior: PriorFile = PriorFile()
    table: tuple[TreatmentFile, ...] = ()
    centre: CentreFile | None = None


class OrderFile(FileModel):
    """The order of the baths."""

    seed: Annotated[int, Field(ge=0)]
    randomised: bool = True
    economical: bool = False


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


class CovariateFile(FileModel):
    """Something measured and not set."""

    name: Name
    per: Literal["run", "bath", "bottle"]
    unit: str = ""
    low: Finite | None = None
    high: Finite | None = None


class WordsFile(FileModel):
    """A text in both languages."""

    en: Text
    fr: Text


class QuestionFile(FileModel):
    """A question of the experiment's own; what `default` may be depends on its kind."""

    id: Name
    kind: Literal["confirm", "number", "choice", "text", "photo"]
    at: Phase
    text: WordsFile
    options: tuple[Text, ...] = ()
    low: Finite | None = None
    high: Finite | None = None
    unit: str = ""
    timeout_s: Positive | None = None
    default: Any = None


class CrashRuleFile(FileModel):
    """What a phase does after a crash."""

    policy: Literal["continue", "redo", "abort", "ask"]
    max_gap_s: Positive = 60.0


class ExperimentFile(FileModel):
    """A whole experiment."""

    kind: Literal["experiment"]
    name: str = ""
    question: Text
    line: str = ""
    zone: str = "bath"
    factors: FactorsFile
    design: DesignFile = DesignFile()
    replicates: Annotated[int, Field(ge=1, le=1000)] = 1
    bottles_per_glue: Annotated[int, Field(ge=1, le=1000)]
    glues_per_bath: Annotated[int, Field(ge=1, le=1000)] | None = None
    reference: str = ""
    blind: bool = False
    makers: dict[str, Text] = Field(default_factory=dict)
    order: OrderFile
    soak: SoakFile
    stabilisation: StabilisationFile = StabilisationFile()
    stirrer_pct: Percent = 50.0
    glass: GlassFile = GlassFile()
    observation: Literal["camera", "operator"] = "camera"
    second_examiner_every: Annotated[int, Field(ge=0, le=1000)] = 0
    score_residue: bool = False
    covariates: tuple[CovariateFile, ...] = ()
    questions: tuple[QuestionFile, ...] = ()
    on_sensor_fault: OnFault = "continue"
    on_fault: dict[Fault, OnFault] = Field(default_factory=dict)
    longest_hold_s: Positive = 86_400.0
    on_crash: dict[Phase, CrashRuleFile] = Field(default_factory=dict)
    decision: DecisionFile
    confirmation: str = ""
    simulate_as: dict[str, GlueClass] = Field(default_factory=dict)


def experiment(file: ExperimentFile, source: SourceText) -> Experiment:
    """Return the experiment that a checked file describes."""
    factors = file.factors
    return Experiment(
        name=file.name or Path(source.path).stem,
        question=file.question.strip(),
        temperatures_c=factors.temperature_c,
        naoh_pct=factors.naoh_pct,
        agitation_pct=factors.agitation_pct,
        glues=factors.glue,
        bottle_factors={name: getattr(factors, name) for name in BOTTLE_FACTORS if getattr(factors, name)},
        design=_design(file.design),
        replicates=file.replicates,
        bottles_per_glue=file.bottles_per_glue,
        glues_per_bath=file.glues_per_bath,
        reference=file.reference,
        blind=file.blind,
        makers=dict(file.makers),
        seed=file.order.seed,
        randomised=file.order.randomised,
        economical=file.order.economical,
        soak=Soak(file.soak.cap_s, file.soak.check_s),
        decision=Decision(**file.decision.model_dump()),
        stabilisation=Stabilisation(**file.stabilisation.model_dump()),
        glass=Glass(**file.glass.model_dump()),
        observation=Observation(file.observation),
        second_examiner_every=file.second_examiner_every,
        score_residue=file.score_residue,
        covariates=tuple(Covariate(**each.model_dump()) for each in file.covariates),
        questions=tuple(Question(**each.model_dump()) for each in file.questions),
        on_sensor_fault=FaultPolicy(file.on_sensor_fault),
        on_fault={fault: FaultPolicy(policy) for fault, policy in file.on_fault.items()},
        longest_hold_s=file.longest_hold_s,
        on_crash={name: CrashRule(CrashPolicy(rule.policy), rule.max_gap_s) for name, rule in file.on_crash.items()},
        stirrer_pct=file.stirrer_pct,
        line=file.line,
        zone=file.zone,
        confirmation=file.confirmation,
        simulate_as=dict(file.simulate_as),
        text=source.text,
        source=source.path,
        file_hash=source.sha256,
    )


def _design(file: DesignFile) -> Design:
    centre = None
    if file.centre is not None:
        centre = Centre(_treatment(file.centre), file.centre.baths)
    return Design(
        kind=DesignKind(file.kind),
        baths=file.baths,
        fraction=Design().fraction if file.fraction is None else file.fraction,
        share=Design().share if file.share is None else file.share,
        target_c=file.target_c,
        target_naoh_pct=file.target_naoh_pct,
        prior=Prior(**file.prior.model_dump()),
        table=tuple(_treatment(row) for row in file.table),
        centre=centre,
    )


def _treatment(file: TreatmentFile) -> PlannedTreatment:
    return PlannedTreatment(file.temperature_c, file.naoh_pct, file.agitation_pct)
