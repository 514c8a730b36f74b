"""The JSON Schema of each kind of file: sound, of use to an editor, and of one mind with the reader."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.config import KINDS
from linectl.cli.main import run
from linectl.config import load
from linectl.config.files import homes, read_source
from linectl.config.json_schema import MODELS, json_schema
from linectl.config.nodes import parse

jsonschema = pytest.importorskip("jsonschema")

SHIPPED = sorted(path for folder in ("config", "experiments") for path in (homes()[0] / folder).rglob("*.yaml"))


@cache
def validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(json_schema(kind))


def as_json(path: Path) -> Any:
    return json.loads(json.dumps(parse(read_source(path)).data))


def mistakes(document: Any) -> list[str]:
    return [error.message for error in validator(document["kind"]).iter_errors(document)]


def test_the_kinds_are_those_that_can_be_read() -> None:
    assert set(KINDS) == set(MODELS) == set(load.KINDS)
    assert len(KINDS) == len(MODELS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_schema_is_sound_and_describes_its_parts(kind: str) -> None:
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]
    bare = [name for name, part in schema.get("$defs", {}).items() if not part.get("description")]
    assert bare == []
    assert schema["additionalProperties"] is False
    assert schema["properties"]["kind"]["const"] == kind


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_shipped_file_fits(path: Path) -> None:
    assert mistakes(as_json(path)) == []


def shipped(name: str) -> Any:
    return as_json(next(path for path in SHIPPED if path.name == name))


Change = Callable[[Any], object]

WRONG: tuple[tuple[str, Change], ...] = (
    ("simulated.yaml", lambda data: data.update(nmae="x")),
    ("simulated.yaml", lambda data: data.pop("tags")),
    ("simulated.yaml", lambda data: data["zones"]["bath"].update(volume_l=-1)),
    ("simulated.yaml", lambda data: data["tags"].update({"Bath Temp": {}})),
    ("glue_screening.yaml", lambda data: data["soak"].update(cap_s="long")),
    ("glue_screening.yaml", lambda data: data.update(on_crash={"soak": "perhaps"})),
    ("glue_screening.yaml", lambda data: data.update(design={"kind": "table", "table": [[60, 1, 50, 9]]})),
)


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_file_does_not_fit(number: int) -> None:
    name, change = WRONG[number]
    data = shipped(name)
    before = copy.deepcopy(data)
    change(data)
    assert mistakes(before) == []
    assert mistakes(data)


SHORT: tuple[tuple[str, Change], ...] = (
    ("glue_screening.yaml", lambda data: data.update(on_crash={"soak": "abort", "heat": {"policy": "redo"}})),
    ("glue_screening.yaml", lambda data: data.update(design={"kind": "table", "table": [[60, 1.5], [50, 1, 80]]})),
    ("glue_screening.yaml", lambda data: data.update(design={"kind": "c_optimal", "centre": [60, 1.5]})),
    (
        "glue_screening.yaml",
        lambda data: data.update(questions=[{"id": "q", "kind": "confirm", "at": "soak", "text": "Clear?"}]),
    ),
)


@pytest.mark.parametrize("number", range(len(SHORT)))
def test_short_forms_fit(number: int) -> None:
    name, change = SHORT[number]
    data = shipped(name)
    change(data)
    assert mistakes(data) == []


@pytest.mark.parametrize(("at", "fits"), [(90, True), ("90 s", True), ("1.5h", True), ("soon", False), (True, False)])
def test_times_of_a_scenario(at: object, *, fits: bool) -> None:
    data = {"kind": "scenario", "line": "simulated", "duration": "8 h", "faults": [{"fault": "stuck", "at": at}]}
    assert (mistakes(data) == []) is fits


def test_figures_stand_beside_the_keys_of_a_fault() -> None:
    data = {"kind": "scenario", "line": "simulated", "duration": 60, "faults": [{"fault": "drift", "per_h": 2.0}]}
    assert mistakes(data) == []
    data["faults"] = [{"fault": "drift", "per_h": [2.0]}]
    assert mistakes(data)


def test_the_verb_prints_the_schema_alone_or_in_the_envelope(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema", "line"]) == 0
    assert json.loads(capfd.readouterr().out) == json_schema("line")
    assert run(["config", "schema", "line", "--json"]) == 0
    body = json.loads(capfd.readouterr().out)
    assert (body["schema"], body["data"]["schema"]) == ("linectl.config_schema/1", json_schema("line"))
    assert run(["config", "schema", "lien"]) == 2
