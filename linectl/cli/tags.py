"""`linectl tags`: list, read, write, watch and trace the tags of a line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linectl.cli.complete import lines, tags
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.model.lines import LineDefinition
    from linectl.server.commissioning import Look

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

_GOOD, _UNREACHABLE, _FAULTY = 0, 4, 5


def _on_a_line(function: F) -> F:
    """Add LINE, --sim and --seed to a verb."""
    line = click.argument("line", type=click.Path(path_type=Path), shell_complete=lines)
    sim = click.option("--sim", is_flag=True, help=tr("on a simulated rig of its own: no equipment is touched"))
    seed = click.option("--seed", type=int, default=1, help=tr("with --sim: seed of the rig"))
    return line(sim(seed(function)))


@click.group("tags", help=tr("List, read, write, watch and trace the tags of a line."))
def command() -> None:
    """Hold the verbs of tags."""


@command.command("ls", help=tr("List the tags of LINE, or those like bath.*; no device is asked."))
@click.argument("line", type=click.Path(path_type=Path), shell_complete=lines)
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1, shell_complete=tags)
@common
def ls(line: Path, patterns: tuple[str, ...], data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Print the tags."""
    from linectl.cli.output import emit
    from linectl.cli.tags_tables import tags_text
    from linectl.cli.tags_text import tag_as_data
    from linectl.server.commissioning import matching

    definition = _load(line)
    found = [definition.tags[name] for name in matching(definition, patterns)]
    if as_json:
        emit("tags_ls", {"line": definition.name, "tags": [tag_as_data(definition, tag) for tag in found]})
        return 0
    click.echo(tags_text(definition, found))
    return 0


@command.command("read", help=tr("Read tags once: TAG is a name, or a pattern such as bath.*"))
@_on_a_line
@click.argument("patterns", metavar="TAG...", nargs=-1, required=True, shell_complete=tags)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 600),
    default=3.0,
    help=tr("how long a first value is waited for, s (3)"),
)
@common
def read(
    line: Path, sim: bool, seed: int, patterns: tuple[str, ...], wait_s: float, data: Path | None, as_json: bool
) -> int:
    """Read, and end with 4 when a wire does not answer, 5 when a tag has no good value."""
    from linectl.cli.output import emit
    from linectl.cli.tags_tables import looks_text
    from linectl.server.commissioning import matching
    from linectl.server.look_data import look_as_data

    definition = _load(line)
    names = matching(definition, patterns)

    looks = _of_server(definition, names, data) if not sim else None
    if looks is None:
        looks = _of_wires(definition, names, data, sim=sim, seed=seed, wait_s=wait_s)
    if as_json:
        emit("tags_read", {"line": definition.name, "readings": [look_as_data(look) for look in looks]})
    else:
        click.echo(looks_text(looks))
    bad = [look for look in looks if not look.is_good and not look.is_command]
    lost = any(look.reading.quality.reason == "not_connected" for look in bad)
    return _UNREACHABLE if lost else _FAULTY if bad else _GOOD


@command.command(
    "write",
    context_settings={"ignore_unknown_options": True},
    help=tr("Write VALUE to one tag, read it back, say what became of it."),
)
@_on_a_line
@click.argument("tag", shell_complete=tags)
@click.argument("value")
@click.option("--arm", is_flag=True, help=tr("really write (without it nothing is)"))
@click.option("-y", "--yes", is_flag=True, help=tr("do not ask"))
@click.option("--reason", default="", help=tr("why, for the audit trail"))
@common
def write(
    line: Path,
    sim: bool,
    seed: int,
    tag: str,
    value: str,
    arm: bool,
    yes: bool,
    reason: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Write one value as every write goes."""
    from linectl.cli.tags_write import Wanted, carry_out

    wanted = Wanted(tag, value, arm=arm, yes=yes, sim=sim, seed=seed, reason=reason)
    return carry_out(_load(line), wanted, data, as_json=as_json)


@command.command("watch", help=tr("Show tags as they change, until Ctrl+C."))
@_on_a_line
@click.argument("patterns", metavar="TAG...", nargs=-1, required=True, shell_complete=tags)
@click.option(
    "--period", "period_s", type=click.FloatRange(0.2, 60), default=1.0, help=tr("how often they are read, s (1)")
)
@click.option("--for", "for_s", type=click.FloatRange(min=0, min_open=True), help=tr("end by itself after so many s"))
@common
def watch(
    line: Path,
    sim: bool,
    seed: int,
    patterns: tuple[str, ...],
    period_s: float,
    for_s: float | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Watch until Ctrl+C."""
    from linectl.cli.tags_watch import Ways, carry_out
    from linectl.server.commissioning import matching, site

    definition = _load(line)
    names = matching(definition, patterns)

    def ask() -> list[Look] | None:
        return None if sim else _of_server(definition, names, data)

    ways = Ways(ask, site(definition, sim=sim, data=data, seed=seed))
    asyncio.run(carry_out(ways, names, period_s=period_s, for_s=for_s, as_json=as_json))
    return 0


@command.command("trace", help=tr("Follow one tag from the bytes on the wire to its value."))
@_on_a_line
@click.argument("tag", shell_complete=tags)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    default=3.0,
    help=tr("how long a sensor that publishes by itself is waited for, s (3)"),
)
@common
def trace(line: Path, sim: bool, seed: int, tag: str, wait_s: float, data: Path | None, as_json: bool) -> int:
    """Read the tag once and show each step; end with 4 or 5 as `read` does."""
    from linectl.cli.output import emit
    from linectl.cli.tags_trace import as_data, as_text
    from linectl.line.trace import Trace
    from linectl.server.commissioning import known_tag, looking, site, trace_of

    asked = _load(line)
    known_tag(asked, tag)

    async def work() -> tuple[LineDefinition, Trace]:
        async with site(asked, sim=sim, data=data, seed=seed) as at, looking(at, [tag]) as opened:
            return at.definition, await trace_of(opened, tag, wait_s=wait_s)

    definition, found = asyncio.run(work())
    if as_json:
        emit("tags_trace", as_data(definition, found))
    else:
        click.echo(as_text(definition, found))
    if found.reading.value is not None or found.raw.value is not None:
        return _GOOD if found.reading.value is not None or isinstance(found.raw.value, tuple) else _FAULTY
    return _UNREACHABLE if found.reading.quality.reason == "not_connected" else _FAULTY


def _of_server(definition: LineDefinition, names: Sequence[str], data: Path | None) -> list[Look] | None:
    """Return what whoever serves the line reads; None when nobody does."""
    from linectl.cli.operator import operator_name
    from linectl.server.finding import connect, find_if_up
    from linectl.server.look_data import look_of

    if find_if_up(data, definition.name) is None:
        return None
    with connect(data, definition.name, operator=operator_name()) as server:
        return [look_of(definition, each) for each in server.call("read", names=list(names))]


def _of_wires(
    definition: LineDefinition, names: Sequence[str], data: Path | None, *, sim: bool, seed: int, wait_s: float
) -> list[Look]:
    """Return what the wires say to this process."""
    from linectl.server.commissioning import look_at, matching, site

    async def work() -> list[Look]:
        async with site(definition, sim=sim, data=data, seed=seed) as at:
            return await look_at(at, matching(at.definition, names), wait_s=wait_s)

    return asyncio.run(work())


def _load(line: Path) -> LineDefinition:
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.server.logs import quiet_libraries

    quiet_libraries()
    return load_line(find_file(line, folder="config"))
