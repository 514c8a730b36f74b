"""JSON Schema of each kind of file, for editors: out of the models that read the files, with their short forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.config.alarm_form import TEXTS, AlarmsFile
from linectl.config.answers_file import AnswersFile
from linectl.config.calibration_file import CalibrationFile
from linectl.config.device_file import DeviceFile
from linectl.config.economics_file import EconomicsFile
from linectl.config.experiment_file import ExperimentFile
from linectl.config.interlock_form import InterlocksFile
from linectl.config.line_file import LineFile
from linectl.config.scenario_text import ScenarioFile
from linectl.config.schema import FileModel
from linectl.config.short_forms import TREATMENT_KEYS
from linectl.config.washer_file import RecipeFile, WasherFile

__all__ = ["MODELS", "json_schema"]

MODELS: Mapping[str, type[FileModel]] = {
    "line": LineFile,
    "device": DeviceFile,
    "experiment": ExperimentFile,
    "calibration": CalibrationFile,
    "answers": AnswersFile,
    "scenario": ScenarioFile,
    "washer": WasherFile,
    "recipe": RecipeFile,
    "economics": EconomicsFile,
    "interlocks": InterlocksFile,
    "alarms": AlarmsFile,
}
"""The model of each `kind:`."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TIME = {
    "type": ["number", "string"],
    "pattern": r"^\s*\d+(\.\d+)?\s*(s|min|h)\s*$",
    "description": "A number of s, or a text such as 90s, 20min or 1.5h.",
}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the files of `kind`, one of MODELS; a checker sees more than it does.

    Raises:
        KeyError: there is no such kind.
    """
    schema = MODELS[kind].model_json_schema(by_alias=True)
    if kind == "line":
        _broker(schema["$defs"]["MqttFile"])
    if kind == "experiment":
        _short_forms_of_an_experiment(schema)
    if kind == "scenario":
        _short_forms_of_a_scenario(schema)
    if kind == "interlocks":
        _short_forms_of_interlocks(schema)
    if kind == "alarms":
        _short_forms_of_alarms(schema)
    _close(schema)
    return {"$schema": _DRAFT, **schema, "title": f"linectl: kind {kind}"}


def _broker(part: dict[str, Any]) -> None:
    """Allow the version as a number; a password, which the model knows only to refuse it, is no key of a file."""
    del part["properties"]["password"]
    part["description"] = "A broker; its password is kept elsewhere (password_secret, password_file, password_env)."
    part["properties"]["version"] = _or(part["properties"]["version"], {"const": 5})


def _short_forms_of_an_experiment(schema: dict[str, Any]) -> None:
    """Allow what `short_forms` writes out: a rule or a text alone, a treatment in square brackets."""
    parts = schema["$defs"]
    rules = schema["properties"]["on_crash"]
    rules["additionalProperties"] = _or(rules["additionalProperties"], parts["CrashRuleFile"]["properties"]["policy"])
    question = parts["QuestionFile"]["properties"]
    question["text"] = _or(question["text"], {"type": "string", "minLength": 1})
    row = {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": len(TREATMENT_KEYS),
        "description": f"In this order: {', '.join(TREATMENT_KEYS)}.",
    }
    design = parts["DesignFile"]["properties"]
    design["table"]["items"] = _or(design["table"]["items"], row)
    design["centre"] = _or(design["centre"], row)


def _short_forms_of_a_scenario(schema: dict[str, Any]) -> None:
    """Allow times as people write them, and the figures of a fault beside its other keys."""
    order = schema["$defs"]["OrderFile"]
    figures = order["properties"].pop("values")["additionalProperties"]
    order["description"] = "One fault; its figures stand beside the other keys, by their names."
    order["additionalProperties"] = figures
    order["properties"] |= {"at": _TIME | {"default": 0.0}, "for": _TIME}
    schema["properties"]["duration"] = dict(_TIME)


def _short_forms_of_interlocks(schema: dict[str, Any]) -> None:
    """Allow times as people write them, one text for both languages, and a name alone where a list may stand."""
    parts = schema["$defs"]
    for each in ("InterlockFile", "PermissiveFile"):
        rule = parts[each]["properties"]
        rule["message"] = _or(rule["message"], {"type": "string", "minLength": 1})
    allowed, step = parts["PermissiveFile"]["properties"], parts["StepFile"]["properties"]
    step["at"] = _TIME
    for names, of in (("allows", allowed), ("trips", step), ("lost", step), ("first_out", step)):
        of[names] = _or(of[names], {"type": "string", "minLength": 1})


def _short_forms_of_alarms(schema: dict[str, Any]) -> None:
    """Allow times as people write them, one text for both languages, and a name alone where a list may stand."""
    alarm = schema["$defs"]["AlarmFile"]["properties"]
    for key in TEXTS:
        alarm[key] = _or(alarm[key], {"type": "string", "minLength": 1})
    alarm["suppressed_by"] = _or(alarm["suppressed_by"], {"type": "string", "minLength": 1})
    command = schema["$defs"]["CommandFile"]["properties"]
    for key, of in (
        ("on_delay", alarm),
        ("off_delay", alarm),
        ("timeout", command),
        ("shelve_most", schema["properties"]),
    ):
        of[key] = _TIME | {"default": of[key]["default"]}


def _close(part: Any) -> None:
    """Refuse names that do not fit the pattern of their kind, which pydantic's schema would let pass unchecked."""
    if isinstance(part, dict):
        if "patternProperties" in part:
            part["additionalProperties"] = False
        for inner in part.values():
            _close(inner)
    elif isinstance(part, list):
        for inner in part:
            _close(inner)


def _or(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, other]}
