from __future__ import annotations

from pathlib import Path

import pytest

from linectl.config.files import SourceText, find_file
from linectl.config.load import load_any, load_experiment, load_experiment_text
from linectl.errors import ConfigError
from linectl.model.experiments import Decision, Experiment, FaultPolicy, Observation, Soak

SMALL = """\
kind: experiment
question: Does it come off?
factors:
  temperature_c: [50, 60]
  naoh_pct: [0, 1.5]
  glue: [casein, mine]
replicates: 2
bottles_per_glue: 3
order: {seed: 7}
soak: {cap_s: 600, check_s: 15}
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [55, 60], naoh_pct: [1.5]}
simulate_as: {mine: pvoh}
"""


def loaded(text: str) -> Experiment:
    return load_experiment_text(SourceText("soak.yaml", text, "hash"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_small_experiment_and_its_defaults() -> None:
    experiment = loaded(SMALL)
    assert experiment.name == "soak"
    assert experiment.temperatures_c == (50.0, 60.0)
    assert experiment.soak == Soak(600, 15)
    assert experiment.decision == Decision(0.99, 0.95, 300, (55.0, 60.0), (1.5,))
    assert experiment.observation is Observation.CAMERA
    assert experiment.on_sensor_fault is FaultPolicy.CONTINUE
    assert experiment.randomised
    assert experiment.simulate_as == {"mine": "pvoh"}
    assert experiment.text == SMALL
    assert experiment.file_hash == "hash"


def test_the_shipped_screening() -> None:
    path = find_file("glue_screening", folder="experiments", beside=Path(__file__).resolve().parents[1] / "x")
    experiment = load_experiment(path)
    assert len(experiment.temperatures_c) * len(experiment.naoh_pct) * experiment.replicates == 24
    assert len(experiment.glues) * experiment.bottles_per_glue == 20
    assert experiment.soak == Soak(1200, 15)
    assert experiment.decision == Decision(0.99, 0.95, 900, (60.0, 70.0, 80.0), (1.5,))
    assert experiment.line == "simulated"
    assert load_any(path) == experiment


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("replicates: 2", "replicats: 2", "soak.yaml:7:1: replicats: unknown key; did you mean `replicates`?"),
        ("replicates: 2", "replicates: 2.5", "soak.yaml:7:1: replicates: expected a whole number, not 2.5"),
        ("replicates: 2", "replicates: 0", "soak.yaml:7:1: replicates: expected at least 1, not 0"),
        ("[50, 60]", "[50, hot]", "soak.yaml:4:23: factors.temperature_c[1]: expected a number, not `hot`"),
        ("[50, 60]", "[50, 60, 50]", "soak.yaml:4:27: factors.temperature_c[2]: 50.0 is given twice"),
        ("[50, 60]", "[]", "soak.yaml:4:3: factors.temperature_c: expected at least 1 entries, not a list"),
        ("[50, 60]", "50", "soak.yaml:4:3: factors.temperature_c: expected a list, not 50"),
        ("[0, 1.5]", "[-1, 1.5]", "soak.yaml:5:14: factors.naoh_pct[0]: expected at least 0, not -1"),
        ("check_s: 15", "check_s: 600", "soak.yaml:10:20: soak.check_s: a check every 600 s does not fit"),
        ("soak_s: 300", "soak_s: 700", "soak.yaml:11:45: decision.soak_s: 700 s is beyond the soak cap of 600 s"),
        (
            "[55, 60]",
            "[55, 66]",
            "soak.yaml:11:79: decision.temperatures_c[1]: 66 is outside what is tested (50 to 60) by more than 5 K",
        ),
        ("naoh_pct: [1.5]", "naoh_pct: [2]", "soak.yaml:11:95: decision.naoh_pct[0]: 2 is outside what is tested"),
        ("removal: 0.99", "removal: 99", "soak.yaml:11:12: decision.removal: expected below 1, not 99"),
        ("{mine: pvoh}", "{mine: pvho}", "soak.yaml:12:15: simulate_as.mine: `pvho` is not known here; did you mean"),
        (
            "{mine: pvoh}",
            "{min: pvoh}",
            "soak.yaml:12:15: simulate_as.min: is no glue of this experiment; did you mean",
        ),
        ("{seed: 7}", "{seed: 7, randomised: no}", "randomised: expected true or false, not `no`"),
        ("{seed: 7}", "{}", "soak.yaml:9:1: order.seed: missing; expected a whole number"),
        ("Does it come off?", "''", "soak.yaml:2:1: question: expected some text"),
        ("kind: experiment", "kind: experimnt", "kind: `experimnt` is not known here; did you mean `experiment`?"),
    ],
)
def test_a_seeded_mistake_is_named_at_its_place(old: str, new: str, expected: str) -> None:
    assert SMALL.count(old) == 1, old
    found = problems(SMALL.replace(old, new))
    assert len(found) == 1, found
    assert expected in found[0]


def test_all_mistakes_are_told_at_once() -> None:
    text = SMALL.replace("replicates", "replicats").replace("check_s: 15", "check_s: 0").replace("0.99", "99%")
    assert len(problems(text)) == 3


def test_a_stabilisation_that_cannot_be() -> None:
    found = problems(SMALL + "stabilisation: {hold_s: 60, within_s: 30}\n")
    assert found == ["soak.yaml:13:17: stabilisation.hold_s: 60 s in the band cannot come within 30 s"]


def test_glues_called_no_and_on_stay_glues() -> None:
    assert loaded(SMALL.replace("[casein, mine]", "[no, on, mine]")).glues == ("no", "on", "mine")
