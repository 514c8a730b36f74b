"""The form of an interlocks file: its keys, and its short forms written out before the schema looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from linectl.config.nodes import Document, Loc
from linectl.config.schema import FileModel, Finite
from linectl.config.times import seconds
from linectl.words import LANGUAGES

__all__ = ["GROUPS", "CaseFile", "InterlockFile", "InterlocksFile", "PermissiveFile", "StepFile", "write_out"]

GROUPS = ("interlocks", "permissives")

Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MessageFile(FileModel):
    """What people read, in both languages; a text alone was written out before."""

    en: Text
    fr: Text


class InterlockFile(FileModel):
    """One interlock."""

    when: Text
    action: Literal["ignore", "hold", "safe", "abort"]
    message: MessageFile
    delay_s: NotNegative = 0.0
    latched: bool = True
    reason: str = ""


class PermissiveFile(FileModel):
    """One permissive."""

    needs: Text
    allows: Annotated[tuple[Text, ...], Field(min_length=1)]
    message: MessageFile


class StepFile(FileModel):
    """One step of a case."""

    at: NotNegative
    given: dict[str, str | bool | Finite] = Field(default_factory=dict)
    reset: bool = False
    trips: tuple[str, ...] | None = None
    lost: tuple[str, ...] | None = None
    first_out: tuple[str, ...] | None = None
    action: Literal["none", "hold", "safe", "abort"] | None = None


class CaseFile(FileModel):
    """One case."""

    name: Text
    steps: Annotated[tuple[StepFile, ...], Field(min_length=1)]


class InterlocksFile(FileModel):
    """A whole file."""

    kind: Literal["interlocks"]
    line: Text
    name: str = ""
    description: str = ""
    stale_scans: Annotated[float, Field(ge=1, le=100)] = 3.0
    interlocks: dict[Name, InterlockFile] = Field(default_factory=dict)
    permissives: dict[Name, PermissiveFile] = Field(default_factory=dict)
    normal: dict[str, str | bool | Finite] = Field(default_factory=dict)
    cases: tuple[CaseFile, ...] = ()


def write_out(document: Document) -> None:
    """Write a message in one language for both, times in s, and a name alone where a list may stand."""
    data = document.data
    for group in GROUPS:
        if isinstance(data.get(group), Mapping):
            data[group] = {name: _both(each, (group, name), document) for name, each in data[group].items()}
    if isinstance(data.get("cases"), tuple):
        data["cases"] = tuple(_case(each, ("cases", k), document) for k, each in enumerate(data["cases"]))


def _both(each: Any, loc: Loc, document: Document) -> Any:
    if not isinstance(each, Mapping):
        return each
    made = dict(each)
    if isinstance(made.get("message"), str):
        made["message"] = dict.fromkeys(LANGUAGES, made["message"])
    if isinstance(made.get("allows"), str):
        document.marks[(*loc, "allows", 0)] = document.marks[(*loc, "allows")]
        made["allows"] = (made["allows"],)
    return made


def _case(case: Any, loc: Loc, document: Document) -> Any:
    steps = case.get("steps") if isinstance(case, Mapping) else None
    if not isinstance(steps, tuple):
        return case
    return {**case, "steps": tuple(_step(each, (*loc, "steps", k), document) for k, each in enumerate(steps))}


def _step(step: Any, loc: Loc, document: Document) -> Any:
    if not isinstance(step, Mapping):
        return step
    made = dict(step)
    if "at" in made:
        made["at"] = seconds(made["at"], (*loc, "at"), document, 0.0)
    for key in ("trips", "lost", "first_out"):
        if isinstance(made.get(key), str):
            document.marks[(*loc, key, 0)] = document.marks[(*loc, key)]
            made[key] = (made[key],)
    return made
