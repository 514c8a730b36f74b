"""What a calibration file may say: the sensors of a line, how well each is known, and until when that holds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from linectl.config.documents import parsed, stop_on_problems
from linectl.config.files import SourceText, read_source
from linectl.config.nodes import Document
from linectl.config.schema import FileModel, validate
from linectl.model.calibrations import Calibration, Calibrations
from linectl.words import tr

__all__ = ["CalibrationFile", "Day", "Positive", "TagName", "Text", "load_calibrations", "load_calibrations_text"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
TagName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")]


class SensorFile(FileModel):
    """One sensor: its standard uncertainty (k = 1) in the unit of its tag."""

    u: Positive
    unit: Text
    done: Day
    due: Day
    by: str = ""
    method: str = ""


class CalibrationFile(FileModel):
    """A whole calibration file."""

    kind: Literal["calibration"]
    sensors: Annotated[dict[TagName, SensorFile], Field(min_length=1)]


def _check(file: CalibrationFile, document: Document) -> None:
    """Add to the document days that are none, and those in the wrong order."""
    for tag, sensor in file.sensors.items():
        days = {}
        for name in ("done", "due"):
            try:
                days[name] = dt.date.fromisoformat(getattr(sensor, name))
            except ValueError:
                document.complain(("sensors", tag, name), tr("is no day of the calendar; write YYYY-MM-DD"))
        if len(days) == 2 and days["due"] <= days["done"]:
            document.complain(("sensors", tag, "due"), tr("must come after the day of the calibration"))


def load_calibrations(path: str | Path) -> Calibrations:
    """Return the calibrations in the file `path`.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_calibrations_text(read_source(path))


def load_calibrations_text(source: SourceText) -> Calibrations:
    """Return the calibrations in the text of a file.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = parsed(source, "calibration")
    file = validate(document, CalibrationFile)
    if file is not None:
        _check(file, document)
    stop_on_problems(document)
    assert file is not None
    sensors = {tag: Calibration(tag=tag, **sensor.model_dump()) for tag, sensor in file.sensors.items()}
    return Calibrations(Path(source.path).stem, sensors, source.sha256)
