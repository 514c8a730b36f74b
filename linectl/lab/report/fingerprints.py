"""Section 10: the hashes by which this report's data, files and programs are known again."""

from __future__ import annotations

from collections.abc import Sequence

from linectl.lab.report.html import note, table
from linectl.lab.report.record import RunRecord
from linectl.lab.results import Analysis
from linectl.words import tr

__all__ = ["fingerprints_section"]


def fingerprints_section(records: Sequence[RunRecord], analysis: Analysis) -> str:
    """Return the hash of the rows that were analysed (the shown ones alone), of each run's files, and versions."""
    rows = [(tr("rows analysed, SHA-256"), analysis.data_hash)]
    for record in records:
        run = record.run
        if run.config_hash:
            rows.append((tr("{run}: experiment file").format(run=run.id), run.config_hash))
        if run.calibration_hash:
            rows.append((tr("{run}: calibrations").format(run=run.id), run.calibration_hash))
        rows.append((tr("{run}: recorded by").format(run=run.id), f"linectl {run.version}"))
    rows += [(tr("analysed by"), f"{name} {version}") for name, version in sorted(analysis.versions.items())]
    return table([], rows, css="facts fingerprints") + note(
        tr("The same data give the same bytes of this page, whenever and wherever it is made.")
    )
