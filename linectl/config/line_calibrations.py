"""How well the sensors of a line are known: what its calibration file says, and over that its active records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from linectl.config.calibration_file import load_calibrations
from linectl.config.calibration_records import ACTIVE, load_active
from linectl.config.documents import stop_on_problems
from linectl.config.files import find_file
from linectl.config.nodes import Document
from linectl.config.schema import nearest
from linectl.errors import ConfigError
from linectl.model.calibrations import Calibrations, Record
from linectl.model.lines import LineDefinition, Tag
from linectl.words import tr

__all__ = ["can_be_calibrated", "recalibrated", "with_calibrations"]


def can_be_calibrated(tag: Tag) -> bool:
    """Return whether `tag` measures a quantity: a number that linectl reads, and neither sets nor counts."""
    return tag.dtype == "float" and not (tag.writable or tag.counter or tag.states)


def with_calibrations(definition: LineDefinition, document: Document) -> LineDefinition:
    """Return the line with its calibrations, and with the active ones correcting their tags.

    Raises:
        ConfigError: a file of them cannot be found or used, or does not fit the line.
    """
    declared = _declared(definition, document)
    if declared is not None:
        path = find_file(definition.calibration, beside=document.source.path, folder="config").resolve()
        definition = replace(definition, calibration=str(path))
    return _corrected(definition, declared)


def recalibrated(definition: LineDefinition) -> LineDefinition:
    """Return a line that was read before with its calibrations as their files say now.

    Raises:
        ConfigError: a file of them cannot be used, or does not fit the line.
    """
    return _corrected(definition, load_calibrations(definition.calibration) if definition.calibration else None)


def _corrected(definition: LineDefinition, declared: Calibrations | None) -> LineDefinition:
    active = load_active(Path(definition.calibration_folder))
    _check(active, definition)
    known = {} if declared is None else dict(declared.sensors)
    known |= {tag: record.calibration() for tag, record in active.items()}
    tags = {
        name: replace(tag, correction=active[name].curve if name in active else None)
        for name, tag in definition.tags.items()
    }
    return replace(definition, tags=tags, calibrations=known, calibration_hash=_hash(declared, active))


def _declared(definition: LineDefinition, document: Document) -> Calibrations | None:
    """Return what the calibration file of the line says, None when it names none."""
    if not definition.calibration:
        return None
    try:
        known = load_calibrations(find_file(definition.calibration, beside=document.source.path, folder="config"))
    except ConfigError as error:
        if error.problems:  # of the calibration file itself
            raise
        document.complain(("calibration",), error.message)
        raise ConfigError(document.problems) from error
    for tag in known.sensors:
        if tag not in definition.tags:
            message = tr("names {tag}, which is no tag of this line; {nearest}")
            document.complain(("calibration",), message.format(tag=tag, nearest=nearest(tag, list(definition.tags))))
    stop_on_problems(document)
    return known


def _check(active: Mapping[str, Record], definition: LineDefinition) -> None:
    """See that each active record is of a tag of this line, as it is now.

    Raises:
        ConfigError: one is not (E-CAL-003).
    """
    for name, record in active.items():
        tag, why = definition.tags.get(name), ""
        if tag is None:
            why = tr("{tag} is no tag of this line any more").format(tag=name)
        elif not can_be_calibrated(tag):
            why = tr("{tag} is not measured any more: it is set, counted, or no number").format(tag=name)
        elif tag.unit != record.unit:
            why = tr("{tag} is in {unit} now, its calibration in {before}").format(
                tag=name, unit=tag.unit or "-", before=record.unit or "-"
            )
        elif record.line != definition.name:
            why = tr("the record is of the line {line}").format(line=record.line)
        if why:
            file = Path(definition.calibration_folder) / ACTIVE
            raise ConfigError(
                tr("{file}: {why}").format(file=file, why=why),
                hint=tr("calibrate the sensor again, or take its line out of that file: then it is uncorrected"),
                code="E-CAL-003",
            )


def _hash(declared: Calibrations | None, active: Mapping[str, Record]) -> str:
    """Return the hash of the calibration file, or of it and of all active records."""
    own = "" if declared is None else declared.sha256
    if not active:
        return own
    parts = [own, *(f"{tag} {active[tag].sha256}" for tag in sorted(active))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
