"""Records of calibrations in the folder of a line, and which of them is active.

The folder (`calibrations:` of the line file, else `calibrations/NAME` beside it) holds a folder for each sensor with
its records `0001.yaml`, `0002.yaml`, ..., which are never changed, and `active.yaml`, which names the active one of
each sensor by its number and the SHA-256 of its file. A record that was changed since is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from linectl.config.calibration_file import Day, Positive, TagName, Text
from linectl.config.documents import parsed, stop_on_problems
from linectl.config.dump import plain_text
from linectl.config.files import SourceText, read_source
from linectl.config.nodes import Document
from linectl.config.schema import FileModel, Finite, validate
from linectl.errors import ConfigError
from linectl.model.calibrations import Budget, CalPoint, Curve, Record, TitratedSample
from linectl.words import tr

__all__ = [
    "ACTIVE",
    "Chosen",
    "active_text",
    "load_active",
    "load_chosen",
    "load_record",
    "load_record_text",
    "record_file",
    "record_text",
    "records_of",
]

ACTIVE = "active.yaml"
_NUMBER = "{version:04d}.yaml"
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(min_length=64, max_length=64)]


class PointFile(FileModel):
    """One point."""

    reference: Finite
    u: NotNegative
    reading: Finite
    scatter: NotNegative = 0.0
    count: Annotated[int, Field(ge=1)] = 1
    effective: Positive = 1.0
    found: Finite | None = None


class SampleFile(FileModel):
    """One titration."""

    sample_ml: Positive
    acid_ml: Positive
    normality: Positive
    total_ml: Positive | None
    naoh_pct: Positive


class BudgetFile(FileModel):
    """The uncertainty; `dof` is null where it is without end."""

    reference: NotNegative
    scatter: NotNegative
    fit: NotNegative
    resolution: NotNegative
    u: Positive
    dof: Positive | None
    k: Positive


class CurveFile(FileModel):
    """The curve of a record."""

    coefficients: Annotated[tuple[Finite, ...], Field(min_length=1)]
    low: Finite
    high: Finite


class RecordFile(FileModel):
    """A whole record."""

    kind: Literal["calibration_record"]
    line: Text
    tag: TagName
    version: Annotated[int, Field(ge=1)]
    unit: str
    method: Literal["comparison", "titration"]
    by: str
    made: Text
    due: Day
    certificate: str
    note: str
    simulated: bool
    curve: CurveFile
    budget: BudgetFile
    r_squared: Finite | None
    points: Annotated[tuple[PointFile, ...], Field(min_length=1)]
    samples: tuple[SampleFile, ...] = ()


class ChosenFile(FileModel):
    """Which record of a sensor is active."""

    version: Annotated[int, Field(ge=1)]
    sha256: Sha256


class ActiveFile(FileModel):
    """Which records are active."""

    kind: Literal["calibration_active"]
    active: dict[TagName, ChosenFile]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The record of a sensor that is active, by its number and the SHA-256 of its file."""

    version: int
    sha256: str


def record_file(folder: Path, tag: str, version: int) -> Path:
    """Return where the record `version` of `tag` stands."""
    return folder / tag / _NUMBER.format(version=version)


def record_text(record: Record) -> str:
    """Return the text of the file of `record`."""
    data: dict[str, Any] = {"kind": "calibration_record", **asdict(record)}
    del data["sha256"]
    if record.budget.dof == float("inf"):
        data["budget"]["dof"] = None
    data["curve"]["coefficients"] = list(record.curve.coefficients)
    for name in ("points", "samples"):
        data[name] = list(data[name])
    return plain_text(data)


def active_text(active: Mapping[str, Chosen]) -> str:
    """Return the text of the file that says which records are active."""
    return plain_text({"kind": "calibration_active", "active": {tag: asdict(each) for tag, each in active.items()}})


def load_record(path: Path) -> Record:
    """Return the record in the file `path`.

    Raises:
        ConfigError: it cannot be read, or is none; with every problem in the file.
    """
    return load_record_text(read_source(path))


def load_record_text(source: SourceText) -> Record:
    """Return the record in the text of a file.

    Raises:
        ConfigError: it is none; with every problem in it.
    """
    document = parsed(source, "calibration_record")
    file = validate(document, RecordFile)
    if file is not None:
        _check(file, document)
    stop_on_problems(document)
    assert file is not None
    return _record(file, source)


def _check(file: RecordFile, document: Document) -> None:
    try:
        made = dt.datetime.fromisoformat(file.made)
        due = dt.date.fromisoformat(file.due)
    except ValueError:
        document.complain(("due",), tr("is no day of the calendar; write YYYY-MM-DD"))
        return
    if due <= made.date():
        document.complain(("due",), tr("must come after the day of the calibration"))
    if not _curve(file.curve).rises():
        document.complain(("curve",), tr("a curve that does not rise gives one value for two readings"))


def _curve(file: CurveFile) -> Curve:
    return Curve(tuple(float(each) for each in file.coefficients), file.low, file.high)


def _record(file: RecordFile, source: SourceText) -> Record:
    plain = file.model_dump(exclude={"kind", "curve", "budget", "points", "samples"})
    budget = file.budget.model_dump()
    if budget["dof"] is None:
        budget["dof"] = float("inf")
    return Record(
        **plain,
        curve=_curve(file.curve),
        budget=Budget(**budget),
        points=tuple(CalPoint(**each.model_dump()) for each in file.points),
        samples=tuple(TitratedSample(**each.model_dump()) for each in file.samples),
        sha256=source.sha256,
    )


def records_of(folder: Path, tag: str) -> list[Record]:
    """Return the records of `tag`, oldest first.

    Raises:
        ConfigError: one of them cannot be read.
    """
    return [load_record(path) for path in sorted((folder / tag).glob("[0-9]*.yaml"))]


def load_chosen(folder: Path) -> dict[str, Chosen]:
    """Return which records are active, by tag; none where there is no such file.

    Raises:
        ConfigError: the file cannot be read, or is wrong.
    """
    path = folder / ACTIVE
    if not path.is_file():
        return {}
    document = parsed(read_source(path), "calibration_active")
    file = validate(document, ActiveFile)
    stop_on_problems(document)
    assert file is not None
    return {tag: Chosen(each.version, each.sha256) for tag, each in file.active.items()}


def load_active(folder: Path) -> dict[str, Record]:
    """Return the active records by tag.

    Raises:
        ConfigError: one of them is gone, is wrong, or was changed since it was made active (E-CAL-002).
    """
    return {tag: _chosen(folder, tag, chosen) for tag, chosen in load_chosen(folder).items()}


def _chosen(folder: Path, tag: str, chosen: Chosen) -> Record:
    path = record_file(folder, tag, chosen.version)
    record = load_record(path)
    if record.sha256 != chosen.sha256 or (record.tag, record.version) != (tag, chosen.version):
        raise ConfigError(
            tr("{file}: this record was changed since it was made active").format(file=path),
            hint=tr("put the file back from a backup, or take {tag} out of {active}: then it is uncorrected").format(
                tag=tag, active=folder / ACTIVE
            ),
            code="E-CAL-002",
        )
    return record
