"""The report's page: its sections in the order in which a reader asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template

from linectl.lab.confirmation.evaluate import ConfirmationVerdict
from linectl.lab.report.arrhenius import arrhenius_section
from linectl.lab.report.bath import bath_section
from linectl.lab.report.bottles import bottles_section
from linectl.lab.report.fingerprints import fingerprints_section
from linectl.lab.report.html import heading, note
from linectl.lab.report.identity import identity_section
from linectl.lab.report.method import method_section
from linectl.lab.report.quality import quality_section, warnings_table
from linectl.lab.report.record import RunRecord
from linectl.lab.report.release import release_section
from linectl.lab.report.timeline import timeline_section
from linectl.lab.report.verdicts import confirmation_boxes, verdict_boxes
from linectl.lab.results import Analysis
from linectl.words import language, tr

__all__ = ["Subject", "render"]

_VARIETY = " · "  # after a glue's name: the levels of its bottle factors
_TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is of, already without all that its reader may not see.

    `codes` (glue -> code) is filled while a run is blind; `names` tells how a glue is written once they are open.
    """

    records: Sequence[RunRecord]
    analysis: Analysis
    confirmations: Sequence[ConfirmationVerdict] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    maker: str = ""

    def name(self, glue: str) -> str:
        """Return how `glue` is written for people."""
        known, dot, variety = glue.partition(_VARIETY)
        return self.names.get(known, known) + dot + variety

    def makers(self) -> dict[str, str]:
        """Return the label makers that may be told: none while blind, for a maker himself alone."""
        if self.codes:
            return {}
        known = {
            glue: maker for each in self.records if each.experiment for glue, maker in each.experiment.makers.items()
        }
        return {glue: maker for glue, maker in known.items() if self.maker in {"", maker}}


def render(subject: Subject) -> str:
    """Return the report as one HTML page that loads nothing from elsewhere."""
    analysis, records = subject.analysis, subject.records
    boxes = confirmation_boxes(subject.confirmations, lots=not subject.maker) + verdict_boxes(analysis, subject.name)
    sections = (
        (tr("Verdict"), _notices(subject) + boxes),
        (tr("Identity"), identity_section(records, analysis, subject.name, makers=subject.makers())),
        (tr("Label release"), release_section(analysis, subject.name)),
        (tr("Activation energy"), arrhenius_section(analysis, subject.name)),
        (tr("Bath"), _per_run(records, bath_section)),
        (tr("Timeline"), _per_run(records, timeline_section)),
        (tr("Bottles"), _per_run(records, lambda record: bottles_section(record, subject.name))),
        (
            tr("Deviations and data quality"),
            _per_run(records, quality_section) + warnings_table(analysis, subject.name),
        ),
        (tr("Method"), method_section(analysis, subject.name)),
        (tr("Fingerprints"), fingerprints_section(records, analysis)),
    )
    simulated = any(record.run.simulated for record in records)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        lang=language(),
        title=escape(_title(subject)),
        watermark=f'<div class="watermark">{tr("SIMULATION")}</div>' if simulated else "",
        sections="\n".join(
            f'<section id="s{number}"><h2>{number}. {escape(title)}</h2>\n{body}\n</section>'
            for number, (title, body) in enumerate(sections, start=1)
        ),
    )


def _title(subject: Subject) -> str:
    if subject.maker:
        return tr("Test report for {maker}").format(maker=subject.maker)
    return tr("Test report {experiment}").format(experiment=subject.analysis.experiment)


def _notices(subject: Subject) -> str:
    """Return what a reader must know before the verdicts."""
    told = []
    if subject.codes:
        told.append(tr("Blind: glues are shown by their codes until the last observation."))
    if any(record.run.exit_status is None or record.is_interrupted for record in subject.records):
        told.append(tr("A run is not complete: all figures are of what was seen so far."))
    if len(subject.records) > 1:
        told.append(tr("{count} runs are analysed as one body of data.").format(count=len(subject.records)))
    return "".join(note(text) for text in told)


def _per_run(records: Sequence[RunRecord], section: Callable[[RunRecord], str]) -> str:
    """Return a section of each run, under its name when there are several."""
    if len(records) == 1:
        return section(records[0])
    return "".join(heading(tr("Run {run}").format(run=record.run.id)) + section(record) for record in records)
