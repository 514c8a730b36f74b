"""`linectl config diff`: two files of one kind value by value, or a file against what a run was made with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.complete import any_file, runs
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.config.differences import Compared, Side

__all__ = ["command"]

_DIFFERENT = 10  # with --check: the condition is true
_WIDEST = 60  # characters of a value; --json has it whole


@click.command("diff", help=tr("Tell what differs between FILE and OTHER, or what RUN was made with, value by value."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=any_file)
@click.argument("other", type=click.Path(path_type=Path), required=False, shell_complete=any_file)
@click.option("--run", shell_complete=runs, help=tr("compare with what this run was made with, instead of OTHER"))
@click.option("--check", is_flag=True, help=tr("end with 10 when they differ"))
@common
def command(file: Path, other: Path | None, run: str | None, check: bool, data: Path | None, as_json: bool) -> int:
    """Compare files as they are used: a default that is written out is no difference."""
    from linectl.config.files import find_any

    if (other is None) == (run is None):
        raise click.UsageError(tr("name either OTHER or --run"))
    path = find_any(file)
    same = _with_run(path, run, data, as_json=as_json) if run else _with_file(path, find_any(str(other)), as_json)
    return _DIFFERENT if check and not same else 0


def _with_file(path: Path, other: Path, as_json: bool) -> bool:
    from linectl.config.differences import compare
    from linectl.config.files import read_source

    found = compare(read_source(path), read_source(other))
    return _tell(found, (str(path), str(other)), as_json=as_json)


def _with_run(path: Path, run: str, data: Path | None, *, as_json: bool) -> bool:
    """Compare with a run, which keeps its experiment as text, of its line and calibration the hashes."""
    from linectl.config.differences import compare
    from linectl.config.files import read_source
    from linectl.server.run_files import as_made_with, same_hash

    source = read_source(path)
    kept = as_made_with(source, run, data)
    if kept.text is not None:
        return _tell(compare(kept.text, source), (kept.text.path, str(path)), as_json=as_json)
    same = same_hash(kept)
    if as_json:
        emit("config_diff", {"files": [kept.name, str(path)], "kind": kept.kind, "same": same, "differences": None})
    elif same:
        click.echo(tr("{file} is what {run} was made with").format(file=path, run=kept.name))
    else:
        text = tr("{file} is another than {run} was made with; a run keeps of it the hash alone: {hash}")
        click.echo(text.format(file=path, run=kept.name, hash=kept.hash))
    return same


def _tell(found: Compared, names: tuple[str, str], *, as_json: bool) -> bool:
    from linectl.config.nodes import where

    same = not found.differences
    if as_json:
        emit("config_diff", {"files": list(names), "kind": found.kind, "same": same, **_as_data(found)})
        return same
    if found.as_written:
        click.echo(tr("one of them has mistakes (linectl config check FILE): compared as they are written"), err=True)
    if same:
        click.echo(tr("{file} and {other} say the same").format(file=names[0], other=names[1]))
        return same
    rows = [[where(each.loc), *_told(each.before), *_told(each.after)] for each in found.differences]
    click.echo(table([tr("key"), names[0], tr("source"), names[1], tr("source")], rows))
    return same


def _told(side: Side | None) -> tuple[str, str]:
    if side is None:
        return "-", tr("not there")
    text = json.dumps(side.value, ensure_ascii=False)
    text = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
    return text, f"{side.file}:{side.line}:{side.column}" if side.file else tr("default")


def _as_data(found: Compared) -> dict[str, Any]:
    def of(side: Side | None) -> dict[str, Any] | None:
        if side is None:
            return None
        source = {"file": side.file, "line": side.line, "column": side.column} if side.file else None
        return {"value": side.value, "source": source}

    differences = [
        {"path": list(each.loc), "before": of(each.before), "after": of(each.after)} for each in found.differences
    ]
    return {"as_written": found.as_written, "differences": differences}
