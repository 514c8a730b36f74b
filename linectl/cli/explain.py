"""`linectl explain`: what an error code means, where it usually comes from, what to do."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.complete import codes
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.errors import LinectlError
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.cli.codes.entry import Explanation

__all__ = ["UnknownCode", "command"]


class UnknownCode(LinectlError):
    """No error has this code."""

    exit_code = 2
    code = "E-USE-002"


@click.command("explain", help=tr("Explain the error CODE: causes, what to do; without CODE list them all."))
@click.argument("code", default="", shell_complete=codes)
@common
def command(code: str, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Print one explanation, or the list of codes by family."""
    from linectl.cli.codes.catalogue import catalogue

    if not code.strip():
        _list(catalogue(), as_json=as_json)
        return 0
    found = _found(code)
    if as_json:
        emit("explain", _as_data(found))
    else:
        click.echo(_text(found))
    return 0


def _found(code: str) -> Explanation:
    """Return the explanation of `code`.

    Raises:
        UnknownCode: there is none; the hint names the nearest codes.
    """
    from linectl.cli.codes.catalogue import explanation, nearest

    found = explanation(code)
    if found is None:
        near = [f"linectl explain {each.code}  ({each.meaning})" for each in nearest(code)]
        raise UnknownCode(
            tr("there is no error code {code}").format(code=code.strip()),
            hint="\n".join([tr("nearest:"), *near]) if near else tr("all codes: linectl explain"),
        )
    return found


def _list(found: tuple[Explanation, ...], *, as_json: bool) -> None:
    from linectl.cli.codes.catalogue import families

    if as_json:
        emit("explain_list", [_as_data(each) for each in found])
        return
    about = families()
    rows = [[each.code, about[each.family], str(each.exit_code), each.meaning] for each in found]
    click.echo(table([tr("code"), tr("about"), tr("exit"), tr("meaning")], rows))


def _as_data(found: Explanation) -> dict[str, Any]:
    return {"family": found.family, **asdict(found)}


def _text(found: Explanation) -> str:
    ends = tr("the command ends with {code}") if found.exit_code else tr("a doubt told beside the result")
    lines = [
        (found.code, found.meaning),
        (tr("causes"), found.causes),
        (tr("what to do"), found.remedy),
        (tr("command"), found.command),
        (tr("exit"), ends.format(code=found.exit_code)),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in lines)
