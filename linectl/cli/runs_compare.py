"""`linectl runs compare`: runs side by side; what differs is marked."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.complete import runs
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import number, tr, with_comma
from linectl.words.durations import duration_text

if TYPE_CHECKING:
    from linectl.server.results.side_by_side import Facts

__all__ = ["command"]

_MARK = "≠"
_STUCK = "\u00a0"  # a blank at which no line breaks: what belongs together stays together
_NARROWEST = 12
_LABEL_WIDTH = 21


@click.command(
    "compare", help=tr("Set RUNs side by side: line, files, glues, baths, what came off; ≠ where they differ.")
)
@click.argument("names", metavar="RUN RUN...", nargs=-1, required=True, shell_complete=runs)
@click.option("--diff", "only", is_flag=True, help=tr("only what differs"))
@common
def command(names: tuple[str, ...], only: bool, data: Path | None, as_json: bool) -> int:
    """Compare two runs or more."""
    from linectl.server.results.finished import find_run
    from linectl.server.results.side_by_side import differing, facts_of

    found = {each.run.id: each for each in (find_run(name, data) for name in dict.fromkeys(names))}
    if len(found) < 2:
        raise click.UsageError(tr("two different runs are needed to compare them"))
    facts = [facts_of(each) for each in found.values()]
    differ = differing(facts)
    if as_json:
        emit("runs_compare", {"runs": [_as_data(each) for each in facts], "differ": differ})
        return 0
    keys = [key for key in facts[0].told if key == "run" or not only or key in differ]
    rows = [_row(key, facts, differs=key in differ) for key in keys]
    click.echo(_on_terminal(rows) if sys.stdout.isatty() else _in_pipe(rows))
    if not differ:
        click.echo(tr("nothing differs"))
    return 0


def _row(key: str, facts: Sequence[Facts], *, differs: bool) -> list[str]:
    return [_MARK if differs else "", _label(key), *(_cell(key, each.told[key], each) for each in facts)]


def _in_pipe(rows: Sequence[Sequence[str]]) -> str:
    first, *rest = [[cell.replace(_STUCK, " ") for cell in row] for row in rows]
    return table(first, rest)


def _on_terminal(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as wide as the terminal: cells that are longer go on below."""
    count = len(rows[0]) - 2
    room = shutil.get_terminal_size().columns - 2 - _LABEL_WIDTH - 2 * count
    width = max(_NARROWEST, min(room // count, max(len(cell) for row in rows for cell in row[2:])))
    widths = [1, _LABEL_WIDTH, *[width] * count]
    lines = []
    for row in rows:
        cells = [textwrap.wrap(cell, at, break_on_hyphens=False) or [""] for cell, at in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            mark, label, *rest = (part.ljust(at) for part, at in zip(parts, widths, strict=True))
            lines.append(f"{mark} {'  '.join([label, *rest])}".rstrip())
    return "\n".join(lines)


def _label(key: str) -> str:
    names = {
        "run": tr("run"),
        "tags": tr("words"),
        "line": tr("line"),
        "simulated": tr("simulated"),
        "experiment": tr("experiment"),
        "experiment_file": tr("experiment's file"),
        "operator": tr("operator"),
        "started": tr("started"),
        "duration_s": tr("duration"),
        "exit_status": tr("ended"),
        "reason": tr("why"),
        "version": tr("linectl's version"),
        "config": tr("line's file"),
        "calibration": tr("calibrations"),
        "seed": tr("seed"),
        "treatments": tr("treatments"),
        "baths": tr("baths planned"),
        "baths_done": tr("baths done"),
        "glues": tr("glues"),
        "lots": tr("glue lots"),
        "bottles": tr("bottles"),
        "removed": tr("labels off"),
        "median_off_s": tr("half off within"),
        "deviation": tr("deviations"),
        "bath_flagged": tr("baths flagged"),
        "checks_missed": tr("looks missed"),
        "bottle_skipped": tr("bottles taken out"),
        "bottle_left_out": tr("bottles not put in"),
        "crash": tr("program died"),
        "held": tr("held"),
    }
    return names[key]


def _cell(key: str, value: Any, facts: Facts) -> str:
    from linectl.tui.styled import printable

    if key == "exit_status":
        from linectl.cli.run_told import ended

        return ended(facts.run)
    told = _CELLS.get(key)
    return printable(_plain(value) if told is None or value is None else told(value))


def _started(ns: int) -> str:
    from linectl.server.asked_times import local

    return f"{local(ns):%Y-%m-%d %H:%M}"


def _treatments(names: Sequence[str]) -> str:
    return with_comma(_listed(names))


def _removed(found: Mapping[str, tuple[int, int]]) -> str:
    return _listed([f"{glue} {off}/{count}" for glue, (off, count) in found.items()])


def _medians(found: Mapping[str, float | None]) -> str:
    return _listed([f"{glue} {_seconds(off_s)}" for glue, off_s in found.items()])


_CELLS: Mapping[str, Callable[[Any], str]] = {
    "started": _started,
    "duration_s": duration_text,
    "treatments": _treatments,
    "removed": _removed,
    "median_off_s": _medians,
}


def _listed(parts: Sequence[str]) -> str:
    return "; ".join(part.replace(" ", _STUCK) for part in parts) or "–"


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    return ", ".join(value) or "–" if isinstance(value, list) else str(value)


def _seconds(off_s: float | None) -> str:
    return tr("not half") if off_s is None else tr("{s} s").format(s=number(round(off_s)))


def _as_data(facts: Facts) -> dict[str, Any]:
    from linectl.server.as_data import iso

    return {**facts.told, "started": iso(facts.run.started_ns)}
