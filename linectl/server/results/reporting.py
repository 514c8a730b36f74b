"""Reports: a body of data, its analysis and its confirmations, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from linectl.errors import Refused
from linectl.model.confirmations import set_of
from linectl.server.results.pooling import NOTHING_ASKED, Asked, Pool, analyse_pool, pool_of

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import ConfirmationVerdict
    from linectl.server.results.finished import FinishedRun
    from linectl.store.reader import StoreReader

__all__ = ["confirmations_of", "report_name", "report_page", "write_pool_report", "write_report"]


def report_name(pool: Pool) -> str:
    """Return the file that a report gets by default: by its run, how many more are in it, and whom it is for."""
    from linectl.store.export.archive import safe_name

    more = f"-and-{len(pool.runs) - 1}" if len(pool.runs) > 1 else ""
    maker = f"-{pool.maker}" if pool.maker else ""
    return f"report-{safe_name(pool.runs[0].id + more + maker)}.html"


def report_page(pool: Pool, asked: Asked = NOTHING_ASKED) -> str:
    """Return the report of `pool` as one HTML page, in the language in use (imports matplotlib)."""
    from linectl.lab.report.page import Subject, render
    from linectl.lab.report.record import gather

    pairs = zip(pool.runs, pool.experiments, strict=True)
    subject = Subject(
        records=tuple(gather(pool.reader, run, experiment) for run, experiment in pairs),
        analysis=analyse_pool(pool, asked),
        confirmations=tuple(confirmations_of(pool)),
        codes=pool.codes,
        names=pool.names,
        maker=pool.maker,
    )
    return render(subject)


def write_pool_report(pool: Pool, target: Path, asked: Asked = NOTHING_ASKED) -> Path:
    """Write the report of `pool` to `target`; it appears whole or not at all."""
    html = report_page(pool, asked)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_text(html, encoding="utf-8")
    part.replace(target)
    return target


def write_report(found: FinishedRun, target: Path, asked: Asked = NOTHING_ASKED) -> Path:
    """Write the report of one run, in the language in use."""
    return write_pool_report(pool_of(found.reader, [found.run]), target, asked)


def confirmations_of(pool: Pool) -> list[ConfirmationVerdict]:
    """Return the verdicts of the confirmations that runs of the pool belong to, as far as they are registered here.

    So too those that rest on a run of the pool as their screening, once the line has answered them.
    """
    from linectl.server.results.confirming import judged
    from linectl.store.reader import StoreReader

    whole = StoreReader(pool.reader.path)  # every run of a confirmation counts, also those that are not shown here
    names = [set_of(exp.confirmation)[0] for exp in pool.experiments if exp is not None and exp.confirmation]
    found = []
    for name in dict.fromkeys([*names, *_answered_for(pool, whole)]):
        try:
            verdict = judged(whole, name)
        except Refused:  # an archive taken back into another store: its register stayed behind
            continue
        own = not pool.maker or _is_of(pool, verdict.confirmation.glue)
        if own and not pool.codes:
            found.append(verdict)
    return found


def _answered_for(pool: Pool, whole: StoreReader) -> list[str]:
    """Return the confirmations screened by runs of the pool of which the line has washed lots, oldest first."""
    from linectl.server.results.line_answers import lots_since
    from linectl.server.results.registration import registered

    shown = {run.id for run in pool.runs}
    mine = [entry for entry in registered(whole) if shown & set(entry.present.screening_runs)]
    return [entry.first.id for entry in mine if lots_since(whole, entry)]


def _is_of(pool: Pool, glue: str) -> bool:
    makers = {
        name for exp in pool.experiments if exp is not None for known, name in exp.makers.items() if known == glue
    }
    return makers == {pool.maker}
