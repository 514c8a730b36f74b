"""Finished runs: found, analysed and written out, read-only, with no line and no server running."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.config.files import SourceText
from linectl.config.load import load_experiment_text
from linectl.errors import Refused
from linectl.model.experiments import Decision, Glass
from linectl.model.records import Run
from linectl.server.places import last_run
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.results import Analysis

__all__ = ["Asked", "FinishedRun", "analyse_run", "find_run", "open_reader", "write_report"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked in place of the run's own question: a soak (s), a glass lag (s); None leaves it."""

    soak_s: float | None = None
    tau_glass_s: float | None = None


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run in its store."""

    reader: StoreReader
    run: Run


def open_reader(data: Path | None) -> StoreReader:
    """Return a read-only view of the store of the last run (in `data`, else the state folder)."""
    return StoreReader(last_run(data).store)


def find_run(run: str, data: Path | None) -> FinishedRun:
    """Return the run that `run` names: "last", an id, or the beginning of one.

    Raises:
        Refused: no run answers to the name; the message lists those near it.
    """
    if run == "last":
        last = last_run(data)
        reader = StoreReader(last.store)
        return FinishedRun(reader, reader.run(last.run))
    reader = open_reader(data)
    return FinishedRun(reader, reader.run(run))


def analyse_run(found: FinishedRun, asked: Asked = NOTHING_ASKED) -> Analysis:
    """Return the analysis of a run: fits, bounds and a verdict per glue (imports numpy and scipy).

    Raises:
        Refused: the run has no bottles.
    """
    from linectl.lab.analysis import analyse
    from linectl.lab.release_rows import release_data

    run = found.run
    if not found.reader.bottles(run.id):
        raise Refused(tr("run {run} has no bottles: there is nothing to fit").format(run=run.id))
    decision, glass = _question(found, asked)
    return analyse(
        release_data(found.reader, [run.id]),
        decision=decision,
        glass=glass,
        runs=(run.id,),
        experiment=run.ref,
        simulated=run.simulated,
    )


def _question(found: FinishedRun, asked: Asked) -> tuple[Decision, Glass]:
    """Return what is to be decided and through which lag: by the run's own experiment, unless something else is asked.

    Past trials asked nothing: 99 % off at the tested points, by default within the longest time that was watched.
    """
    run = found.run
    if run.kind == "import":
        decision, glass = _of_import(found), Glass()
    else:
        experiment = load_experiment_text(SourceText(run.ref, run.definition, run.config_hash))
        decision, glass = experiment.decision, experiment.glass
    if asked.soak_s is not None:
        decision = replace(decision, soak_s=asked.soak_s)
    if asked.tau_glass_s is not None:
        glass = replace(glass, tau_glass_s=asked.tau_glass_s)
    return decision, glass


def _of_import(found: FinishedRun) -> Decision:
    treatments = [trial.treatment for trial in found.reader.trials(found.run.id)]
    watched_ns = [
        (bottle.first_detached_ns or bottle.last_attached_ns or bottle.inserted_ns) - bottle.inserted_ns
        for bottle in found.reader.bottles(found.run.id)
    ]
    return Decision(
        removal=0.99,
        confidence=0.95,
        soak_s=max(watched_ns) / NS_PER_S,
        temperatures_c=tuple(sorted({treatment.temperature_c for treatment in treatments})),
        naoh_pct=tuple(sorted({treatment.naoh_pct for treatment in treatments})),
    )


def write_report(found: FinishedRun, target: Path, asked: Asked = NOTHING_ASKED) -> Path:
    """Write the report of a run as one HTML file, in the language in use."""
    from linectl.lab.report.page import render

    html = render(found.reader, found.run, analyse_run(found, asked))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_text(html, encoding="utf-8")
    part.replace(target)
    return target
