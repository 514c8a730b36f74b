"""Every key of an experiment file reaches the experiment, and every mistake across keys is told at its place."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import get_args

import pytest

from linectl.config import experiment_file
from linectl.config.experiment_file import GlassFile, PriorFile, StabilisationFile
from linectl.config.files import SourceText, find_file
from linectl.config.load import load_experiment, load_experiment_text
from linectl.errors import ConfigError
from linectl.model.experiments import (
    FAULTS,
    PHASES,
    Centre,
    Covariate,
    CrashPolicy,
    CrashRule,
    Design,
    DesignKind,
    Experiment,
    FaultPolicy,
    Glass,
    Observation,
    PlannedTreatment,
    Prior,
    Question,
    Stabilisation,
)

EVERY_KEY = """\
kind: experiment
name: all_keys
question: What does each key do?
line: simulated
zone: bath
factors:
  temperature_c: [50, 60]
  naoh_pct: [0, 1.5]
  agitation_pct: [30, 80]
  glue: [casein, mine]
  paper: [thin, thick]
  finish: [none, varnish]
  age: [fresh, "6"]
  bottle: [burgundy, bordeaux]
design:
  kind: table
  prior: {t50_60_s: 100, energy_kj_mol: 60, caustic_order: 0.5, sigma: 0.5, bath_sd: 0.2}
  table:
    - [50, 0, 30]
    - [60, 1.5]
    - {temperature_c: 60, naoh_pct: 1.5, agitation_pct: 80}
  centre: {temperature_c: 55, naoh_pct: 1, agitation_pct: 50, baths: 2}
replicates: 2
bottles_per_glue: 3
glues_per_bath: 2
reference: casein
blind: true
makers: {mine: Maker A}
order: {seed: 7, randomised: false, economical: true}
soak: {cap_s: 600, check_s: 15}
stabilisation: {band_c: 0.4, hold_s: 50, within_s: 3000}
stirrer_pct: 40
glass: {tau_glass_s: 10, bottle_in_c: 15}
observation: operator
second_examiner_every: 4
score_residue: true
covariates:
  - {name: hardness, per: run, unit: °f, low: 0, high: 60}
questions:
  - {id: foam, kind: choice, at: soak, text: {en: Foam, fr: Mousse}, options: [no, yes], timeout_s: 60, default: no}
  - {id: fibres, kind: number, at: unload, text: Fibres, low: 0, high: 5000, unit: mg/L}
  - {id: lid, kind: confirm, at: heat, text: Lid, default: true}
on_sensor_fault: hold
on_fault: {camera: continue, level: abort}
longest_hold_s: 7200
on_crash:
  heat: redo
  soak: {policy: continue, max_gap_s: 30}
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [55, 60], naoh_pct: [1.5]}
confirmation: C-0001
simulate_as: {mine: pvoh}
"""

SMALL = """\
kind: experiment
question: Does it come off?
factors:
  temperature_c: [50, 60]
  naoh_pct: [0, 1.5]
  glue: [casein, mine]
bottles_per_glue: 3
order: {seed: 7}
soak: {cap_s: 600, check_s: 15}
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [55, 60], naoh_pct: [1.5]}
"""


def loaded(text: str) -> Experiment:
    return load_experiment_text(SourceText("soak.yaml", text, "hash"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return [str(problem) for problem in caught.value.problems]


def test_every_key_reaches_the_experiment() -> None:
    found = loaded(EVERY_KEY)
    both = {"en": "Fibres", "fr": "Fibres"}
    assert found.agitation_pct == (30.0, 80.0)
    assert found.bottle_factors == {
        "paper": ("thin", "thick"),
        "finish": ("none", "varnish"),
        "age": ("fresh", "6"),
        "bottle": ("burgundy", "bordeaux"),
    }
    assert found.design == Design(
        kind=DesignKind.TABLE,
        prior=Prior(100.0, 60.0, 0.5, 0.5, 0.2),
        table=(PlannedTreatment(50.0, 0.0, 30.0), PlannedTreatment(60.0, 1.5), PlannedTreatment(60.0, 1.5, 80.0)),
        centre=Centre(PlannedTreatment(55.0, 1.0, 50.0), 2),
    )
    assert (found.replicates, found.bottles_per_glue, found.glues_per_bath) == (2, 3, 2)
    assert (found.reference, found.blind, found.makers) == ("casein", True, {"mine": "Maker A"})
    assert (found.seed, found.randomised, found.economical) == (7, False, True)
    assert found.stabilisation == Stabilisation(0.4, 50.0, 3000.0)
    assert found.glass == Glass(10.0, 15.0)
    assert found.observation is Observation.OPERATOR
    assert (found.stirrer_pct, found.second_examiner_every, found.score_residue) == (40.0, 4, True)
    assert found.covariates == (Covariate("hardness", "run", "°f", 0.0, 60.0),)
    assert found.questions == (
        Question("foam", "choice", "soak", {"en": "Foam", "fr": "Mousse"}, ("no", "yes"), timeout_s=60.0, default="no"),
        Question("fibres", "number", "unload", both, low=0.0, high=5000.0, unit="mg/L"),
        Question("lid", "confirm", "heat", {"en": "Lid", "fr": "Lid"}, default=True),
    )
    assert found.on_sensor_fault is FaultPolicy.HOLD
    assert found.on_fault == {"camera": FaultPolicy.CONTINUE, "level": FaultPolicy.ABORT}
    assert found.longest_hold_s == 7200.0
    assert found.on_crash == {
        "heat": CrashRule(CrashPolicy.REDO),
        "soak": CrashRule(CrashPolicy.CONTINUE, 30.0),
    }
    assert (found.confirmation, found.line, found.zone) == ("C-0001", "simulated", "bath")


def test_no_field_of_an_experiment_is_without_a_key() -> None:
    """Each field differs from its default in the file with every key, so none is forgotten on the way."""
    full, plain = loaded(EVERY_KEY), loaded(SMALL)
    same = {each.name for each in fields(Experiment) if getattr(full, each.name) == getattr(plain, each.name)}
    assert same <= {"temperatures_c", "naoh_pct", "glues", "seed", "soak", "decision", "bottles_per_glue", "zone"} | {
        "source",
        "file_hash",
    }


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        ("{kind: fractional, fraction: 2}", Design(DesignKind.FRACTIONAL, fraction=2)),
        (
            "{kind: c_optimal, baths: 9, target_c: 60, target_naoh_pct: 1.5}",
            Design(DesignKind.C_OPTIMAL, baths=9, target_c=60.0, target_naoh_pct=1.5),
        ),
        ("{kind: compromise, baths: 9, share: 0.5}", Design(DesignKind.COMPROMISE, baths=9, share=0.5)),
        ("{centre: [55, 1]}", Design(centre=Centre(PlannedTreatment(55.0, 1.0), 3))),
        ("{}", Design()),
    ],
)
def test_kinds_of_design(design: str, expected: Design) -> None:
    assert loaded(SMALL + f"design: {design}\n").design == expected


def test_the_file_speaks_the_words_and_defaults_of_the_model() -> None:
    assert get_args(experiment_file.Phase) == PHASES
    assert get_args(experiment_file.Fault) == FAULTS
    assert get_args(experiment_file.OnFault) == tuple(FaultPolicy)
    assert PriorFile().model_dump() == asdict(Prior())
    assert StabilisationFile().model_dump() == asdict(Stabilisation())
    assert GlassFile().model_dump() == asdict(Glass())


FOAM = "questions: [{id: foam, kind: %s, at: soak, text: Foam, %s}]\n"


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (
            "reference: casien\n",
            "soak.yaml:11:1: reference: casien is no glue of this experiment; did you mean `casein`?",
        ),
        ("makers: {min: A}\n", "soak.yaml:11:10: makers.min: is no glue of this experiment; did you mean `mine`?"),
        ("glues_per_bath: 3\n", "soak.yaml:11:1: glues_per_bath: 3 glues a bath, but the experiment has 2"),
        ("reference: mine\nglues_per_bath: 1\n", "soak.yaml:12:1: glues_per_bath: the reference is in every bath"),
        (
            "design: {kind: factoral}\n",
            "soak.yaml:11:10: design.kind: `factoral` is not known here; did you mean `factorial`?",
        ),
        (
            "design: {fraction: 2}\n",
            "soak.yaml:11:10: design.fraction: `fraction` belongs to kind fractional, not factorial",
        ),
        (
            "design: {kind: c_optimal, share: 0.5}\n",
            "11:27: design.share: `share` belongs to kind compromise, not c_optimal",
        ),
        ("design: {baths: 9}\n", "11:10: design.baths: `baths` belongs to kind c_optimal, compromise, not factorial"),
        ("design: {kind: fractional, fraction: 3}\n", "11:28: design.fraction: one part in 3 of 4 combinations"),
        ("design: {kind: compromise, baths: 1}\n", "11:28: design.baths: 1 baths cannot hold 2 levels"),
        ("design: {kind: table}\n", "soak.yaml:11:1: design.table: missing; kind table needs its rows"),
        ("design: {kind: table, table: [[50, 0], [60, 1.4]]}\n", "11:45: design.table[1].naoh_pct: 1.4 is no level"),
        (
            "design: {kind: table, table: [[50, hot]]}\n",
            "11:36: design.table[0].naoh_pct: expected a number, not `hot`",
        ),
        ("design: {kind: table, table: [[50, 0, 1, 2]]}\n", "11:31: design.table[0]: 4 numbers; expected at most 3"),
        ("design: {kind: table, table: [50]}\n", "11:31: design.table[0]: expected keys with values, not 50"),
        ("design: {centre: [70, 1]}\n", "11:19: design.centre.temperature_c: the centre stands between the levels"),
        ("design: {centre: [55, 1, 80]}\n", "11:26: design.centre.agitation_pct: the centre stands between the levels"),
        (
            "design: {kind: c_optimal, target_c: 66}\n",
            "11:27: design.target_c: 66 is outside what is tested (50 to 60)",
        ),
        ("design: {prior: {sigma: 0}}\n", "11:18: design.prior.sigma: expected above 0, not 0"),
        ("covariates: [{name: paper, per: run}]\n", "11:15: covariates[0].name: paper is a factor, not a covariate"),
        (
            "covariates: [{name: ph, per: day}]\n",
            "11:25: covariates[0].per: `day` is not known here; expected one of run",
        ),
        ("covariates: [{name: ph, per: run, low: 2, high: 1}]\n", "11:35: covariates[0].low: 2 is not below high, 1"),
        ("covariates: [{name: a, per: run}, {name: a, per: bath}]\n", "11:36: covariates[1].name: a is given twice"),
        (FOAM % ("choice", "options: [little]"), "options: a choice needs at least two options"),
        (FOAM % ("choice", "options: [a, a]"), "options[1]: a is given twice"),
        (
            FOAM % ("choice", "options: [true, false]"),
            "options[0]: expected text (in quotes if it looks like a number), not true",
        ),
        (FOAM % ("choice", "options: [a, b], default: c"), "questions[0].default: expected one of a, b, not `c`"),
        (FOAM % ("text", "options: [a, b]"), "options: `options` belongs to a question of kind choice, not text"),
        (FOAM % ("confirm", "unit: mL"), "questions[0].unit: `unit` belongs to a question of kind number, not confirm"),
        (FOAM % ("confirm", "default: no"), "questions[0].default: expected true or false, not `no`"),
        (
            FOAM % ("text", "default: true"),
            "questions[0].default: expected text (in quotes if it looks like a number), not true",
        ),
        (
            FOAM % ("number", "low: 0, high: 5, default: 9"),
            "questions[0].default: 9 is outside the limits of the question",
        ),
        (
            FOAM % ("number", "timeout_s: 9"),
            "questions[0].timeout_s: after 9 s without an answer something must be taken",
        ),
        (FOAM % ("chioce", "options: [a, b]"), "questions[0].kind: `chioce` is not known here; did you mean `choice`?"),
        (
            (FOAM % ("text", "unit: ''")).replace("at: soak", "at: soke"),
            "questions[0].at: `soke` is not known here; did you mean `soak`?",
        ),
        ((FOAM % ("text", "unit: ''")).replace("Foam", "{en: Foam}"), "questions[0].text.fr: missing"),
        ("on_crash: {sok: abort}\n", "11:12: on_crash.sok: `sok` is not known here; did you mean `soak`?"),
        ("on_crash: {soak: abrot}\n", "11:12: on_crash.soak.policy: `abrot` is not known here; did you mean `abort`?"),
        ("on_crash: {soak: {max_gap_s: 5}}\n", "11:12: on_crash.soak.policy: missing; expected one of continue, redo"),
        ("on_fault: {camra: hold}\n", "11:12: on_fault.camra: `camra` is not known here; did you mean `camera`?"),
        (
            "on_fault: {camera: ignore}\n",
            "11:12: on_fault.camera: `ignore` is not known here; expected one of continue",
        ),
    ],
)
def test_a_mistake_across_keys_is_named_at_its_place(added: str, expected: str) -> None:
    found = problems(SMALL + added)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("soak.yaml:1") for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "[50, 60]",
            "[50, 140]",
            "soak.yaml:4:23: factors.temperature_c[1]: 140 °C boils; it looks like °F: 140 °F is 60 °C",
        ),
        (
            "[50, 60]",
            "[50, 333.15]",
            "4:23: factors.temperature_c[1]: 333.15 °C boils; it looks like K: 333.15 K is 60 °C",
        ),
        (
            "[50, 60]",
            "[-5, 60]",
            "4:19: factors.temperature_c[0]: expected a temperature of water, 0 to 100 °C, not -5",
        ),
        ("[55, 60]", "[55, 140]", "10:79: decision.temperatures_c[1]: 140 °C boils; it looks like °F"),
        (
            "cap_s: 600",
            "cap_s: 0.25",
            "9:8: soak.cap_s: 0.25 s is too short for anything; it looks like hours: 0.25 h is 900 s",
        ),
        (
            "soak_s: 300",
            "soak_s: 0.25",
            "10:45: decision.soak_s: 0.25 s is too short for anything; it looks like hours",
        ),
        (
            "check_s: 15",
            "check_s: 0.25",
            "9:20: soak.check_s: 0.25 s is shorter than a look; it looks like minutes: 0.25 min is 15 s",
        ),
        (
            "[0, 1.5]",
            "[0, 15]",
            "5:17: factors.naoh_pct[1]: 15 % is no washing bath; it looks like g/L: 15 g/L is about 1.5 %",
        ),
    ],
)
def test_another_unit_is_recognised_and_converted(old: str, new: str, expected: str) -> None:
    assert SMALL.count(old) == 1, old
    found = problems(SMALL.replace(old, new))
    assert any(expected in problem for problem in found), found
    places = [problem.split(": ")[0] for problem in found]
    assert len(set(places)) == len(places), "one mistake, one message"


def test_one_glue_cannot_be_blinded() -> None:
    found = problems(SMALL.replace("[casein, mine]", "[casein]") + "blind: true\n")
    assert found == ["soak.yaml:11:1: blind: one glue cannot be blinded: expected at least two"]


def test_a_level_that_the_table_leaves_out_is_told() -> None:
    found = problems(SMALL + "design: {kind: table, table: [[50, 0], [50, 1.5]]}\n")
    assert found == ["soak.yaml:4:23: factors.temperature_c[1]: no bath of the table has 60"]


def test_a_question_within_five_kelvin_is_taken_and_beyond_refused() -> None:
    assert loaded(SMALL.replace("[55, 60]", "[45, 65]")).decision.temperatures_c == (45.0, 65.0)
    found = problems(SMALL.replace("[55, 60]", "[44.9, 65]"))
    assert len(found) == 1
    assert "decision.temperatures_c[0]: 44.9 is outside what is tested (50 to 60) by more than 5 K" in found[0]


def test_a_wrong_question_does_not_hide_the_other_checks() -> None:
    wrong = "reference: nobody\n" + FOAM % ("chioce", "options: [a, b]")
    found = problems(SMALL + wrong)
    assert len(found) == 2
    assert "reference" in found[0]


@pytest.mark.parametrize("name", ["glue_screening", "paper_and_finish", "day_screening"])
def test_the_shipped_experiments_load(name: str) -> None:
    assert load_experiment(find_file(name, folder="experiments")).name == name


def test_the_example_of_the_documentation_loads() -> None:
    """The documentation stands in the source tree only; an installed package is tested without it."""
    page = Path(__file__).resolve().parents[2] / "docs" / "experiment-files.md"
    if not page.is_file():
        pytest.skip("the documentation is not part of the installed package")
    text = page.read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert loaded(example).questions
    told = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    top = set(experiment_file.ExperimentFile.model_fields)
    parts = {
        f"{part}.{key}"
        for part in ("factors", "design", "order", "soak", "stabilisation", "glass", "decision")
        for key in experiment_file.ExperimentFile.model_fields[part].annotation.model_fields  # type: ignore[union-attr]  # models
    }
    missing = {key for key in top | parts if key not in told and not any(each.startswith(f"{key}.") for each in told)}
    assert not missing
