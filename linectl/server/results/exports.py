"""A run written out as files, and taken back, with what only the whole program knows: its report, its makers' glues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.clock import wall_ns
from linectl.config.files import SourceText
from linectl.config.load import load_experiment_text
from linectl.errors import Refused
from linectl.model.records import Act
from linectl.server.places import note_last_run, store_path
from linectl.server.results.finished import FinishedRun
from linectl.server.results.pooling import pool_of
from linectl.server.results.reporting import report_page
from linectl.store.export.archive import PLAIN, Options, export_run
from linectl.store.export.restore import open_archive, restore
from linectl.store.store import open_store
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.model.records import Run

__all__ = ["glues_of_maker", "take_back", "write_export"]


def write_export(
    found: FinishedRun, target: Path, options: Options = PLAIN, *, maker: str = "", report: bool = False
) -> list[Path]:
    """Write the run of `found` to `target` (see `export_run`), for `maker` its own glues and the reference alone.

    What a maker sees is what a `MakersReader` shows, in the report that goes with it too.

    Raises:
        Refused: nobody of that name makes a glue of the run, or it is still blind; a file is there already.
        StoreError: a file cannot be written; nothing is left.
    """
    reader = found.reader
    if maker:
        reader = pool_of(found.reader, [found.run], maker=maker).reader
        options = replace(options, glues=glues_of_maker(found.run, maker))
    if report:
        pool = pool_of(found.reader, [found.run], maker=maker)
        options = replace(options, extra={"report.html": lambda: report_page(pool)})
    return export_run(reader, found.run.id, target, options)


def glues_of_maker(run: Run, maker: str) -> frozenset[str]:
    """Return the glues that `maker` makes, and the reference, by the run's own experiment.

    Raises:
        Refused: the experiment names no such maker.
    """
    makers: dict[str, str] = {}
    reference = ""
    if run.kind == "experiment":
        experiment = load_experiment_text(SourceText(run.ref, run.definition, run.config_hash))
        makers, reference = dict(experiment.makers), experiment.reference
    glues = {glue for glue, name in makers.items() if name == maker}
    if not glues:
        raise Refused(
            tr("run {run} names no maker {maker}").format(run=run.id, maker=maker),
            hint=tr("makers stand in the experiment's file, glue by glue"),
        )
    return frozenset(glues | ({reference} if reference else set()))


async def take_back(place: Path, data: Path | None, *, by: str) -> tuple[Run, bool]:
    """Store the exported run in the folder or zip `place`; return it, and whether it is complete.

    It is the last run from then on; that `by` took it in stands in the audit trail.

    Raises:
        ConfigError: no export, or a damaged one; see `open_archive`.
        Refused: the store already holds the run.
        StoreError: the store cannot be written.
    """
    archive = open_archive(place)
    file = store_path(None, data)
    store = open_store(file, line="-", virtual=True, tags=archive.tags)
    try:
        await store.open()
        try:
            await restore(store, archive)
            kept = {"export": str(place), "complete": archive.complete}
            await store.audit(Act(wall_ns(), by, "import", archive.run.id, new=kept))
        finally:
            await store.close()
    finally:
        archive.close()
    note_last_run(archive.run.id, file, data)
    return archive.run, archive.complete
