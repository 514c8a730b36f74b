"""The form of an alarms file: its keys, and its short forms written out before the schema looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from linectl.config.interlock_form import MessageFile
from linectl.config.nodes import Document, Loc
from linectl.config.schema import FileModel
from linectl.config.times import seconds
from linectl.words import LANGUAGES

__all__ = ["CAUSES", "TEXTS", "AlarmFile", "AlarmsFile", "CommandFile", "NotifyFile", "PublicationFile", "write_out"]

TEXTS = ("message", "cause", "action")
CAUSES = ("condition", "bit", "says", "link", "server", "when")
"""Keys of which an alarm has exactly one: what it looks at."""

_TIMES = ("on_delay", "off_delay")

Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Told = Literal[1, 2, 3]


class AlarmFile(FileModel):
    """One alarm."""

    priority: Literal[1, 2, 3, "diagnostic"]
    message: MessageFile
    cause: MessageFile
    action: MessageFile
    tag: str = ""
    condition: Literal["HIHI", "HI", "LO", "LOLO", "DEV", "BAD_PV"] | None = None
    limit: str = ""
    apart_from: str = ""
    deadband: NotNegative = 0.0
    bit: Annotated[int, Field(ge=0, le=31)] | None = None
    held: bool = False
    says: bool | None = None
    link: str | None = None
    server: Literal["record_lost", "start_refused", "run_interrupted", "heating_fault", "glue_suspended"] | None = None
    when: str | None = None
    on_delay: NotNegative = 0.0
    off_delay: NotNegative = 0.0
    latched: bool = False
    suppressed_by: tuple[str, ...] = ()
    suppressed_when: str = ""


class PublicationFile(FileModel):
    """Alarms told through a broker of the line."""

    link: Text
    topic: Text
    priority: Told = 3


class CommandFile(FileModel):
    """A program that is started for announcements."""

    run: Annotated[tuple[Text, ...], Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0, le=600)] = 10.0
    most: Annotated[int, Field(ge=1, le=60)] = 6
    priority: Told = 1


class NotifyFile(FileModel):
    """Who else is told."""

    mqtt: PublicationFile | None = None
    command: CommandFile | None = None


class AlarmsFile(FileModel):
    """A whole file."""

    kind: Literal["alarms"]
    line: Text
    alarms: Annotated[dict[Name, AlarmFile], Field(min_length=1)]
    name: str = ""
    description: str = ""
    shelve_most: Annotated[float, Field(ge=60, le=7 * 86_400)] = 8 * 3600.0
    notify: NotifyFile = NotifyFile()


def write_out(document: Document) -> None:
    """Write a text in one language for both, times in s, and a name alone where a list may stand."""
    data = document.data
    _time(data, "shelve_most", (), document)
    if isinstance(data.get("alarms"), Mapping):
        data["alarms"] = {name: _alarm(each, ("alarms", name), document) for name, each in data["alarms"].items()}
    notify = data.get("notify")
    if isinstance(notify, Mapping) and isinstance(notify.get("command"), Mapping):
        command = dict(notify["command"])
        _time(command, "timeout", ("notify", "command"), document)
        data["notify"] = {**notify, "command": command}


def _alarm(each: Any, loc: Loc, document: Document) -> Any:
    if not isinstance(each, Mapping):
        return each
    made = dict(each)
    for key in TEXTS:
        if isinstance(made.get(key), str):
            made[key] = dict.fromkeys(LANGUAGES, made[key])
    for key in _TIMES:
        _time(made, key, loc, document)
    if type(made.get("limit")) in {int, float}:
        made["limit"] = f"{made['limit']:g}"  # so that its unit is asked for
    if isinstance(made.get("suppressed_by"), str):
        document.marks[(*loc, "suppressed_by", 0)] = document.marks[(*loc, "suppressed_by")]
        made["suppressed_by"] = (made["suppressed_by"],)
    return made


def _time(data: dict[str, Any], key: str, loc: Loc, document: Document) -> None:
    if key in data:
        data[key] = seconds(data[key], (*loc, key), document, 60.0)
