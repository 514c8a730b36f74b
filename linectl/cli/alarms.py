"""`linectl alarms`: what asks for somebody on a served line; acknowledge, shelve, comment; what happened, how often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.complete import alarms
from linectl.cli.list_first import ListFirst
from linectl.cli.output import emit
from linectl.cli.sim_options import NAMED_DURATION
from linectl.words import tr

__all__ = ["command"]

_STANDS = 10  # the exit code of a condition that --check finds true


@click.group(
    "alarms",
    cls=ListFirst,
    help=tr("List the alarms of the line (ls); acknowledge, reset, shelve, comment; history and figures."),
)
def command() -> None:
    """Hold the verbs."""


@command.command("ls", help=tr("List what asks for somebody and what is put aside."))
@click.option("--all", "every", is_flag=True, help=tr("the normal and diagnostic ones too"))
@click.option("--check", is_flag=True, help=tr("exit code 10 when an alarm stands"))
@of_line
def ls(every: bool, check: bool, line: str, data: Path | None, as_json: bool) -> int:
    """List the alarms."""
    with asking(data, line) as server:
        found = server.call("alarms", all=every)
    if as_json:
        emit("alarms", found)
    else:
        from linectl.cli.alarm_text import alarm_lines

        click.echo("\n".join(alarm_lines(found)))
    stands = any(found["counts"][priority] for priority in ("1", "2", "3"))
    return _STANDS if check and stands else 0


@command.command("ack", help=tr("Acknowledge the alarms IDS."))
@click.argument("ids", nargs=-1, shell_complete=alarms)
@click.option("--all-p3", is_flag=True, help=tr("all of priority 3 too; the others are read one by one"))
@click.option("--comment", default="", help=tr("what you found, for whoever comes next"))
@of_line
def ack(ids: tuple[str, ...], all_p3: bool, comment: str, line: str, data: Path | None, as_json: bool) -> int:
    """Acknowledge."""
    asked = {"ids": list(ids), "all_low": all_p3, "comment": comment}
    return _done("ack", asked, line, data, as_json=as_json)


@command.command("reset", help=tr("Reset the latched alarms IDS, whose causes are gone."))
@click.argument("ids", nargs=-1, required=True, shell_complete=alarms)
@of_line
def reset(ids: tuple[str, ...], line: str, data: Path | None, as_json: bool) -> int:
    """Reset."""
    return _done("alarm_reset", {"ids": list(ids)}, line, data, as_json=as_json)


@command.command("shelve", help=tr("Put the alarms IDS aside for a time and a reason."))
@click.argument("ids", nargs=-1, required=True, shell_complete=alarms)
@click.option("--for", "for_s", type=NAMED_DURATION, required=True, help=tr("how long, such as 30m or 2h"))
@click.option("--reason", required=True, help=tr("why, for whoever comes next"))
@of_line
def shelve(ids: tuple[str, ...], for_s: float, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """Shelve."""
    asked = {"ids": list(ids), "for_s": for_s, "reason": reason}
    return _done("shelve", asked, line, data, as_json=as_json)


@command.command("unshelve", help=tr("Take the shelved alarms IDS back before their time."))
@click.argument("ids", nargs=-1, required=True, shell_complete=alarms)
@of_line
def unshelve(ids: tuple[str, ...], line: str, data: Path | None, as_json: bool) -> int:
    """Unshelve."""
    return _done("unshelve", {"ids": list(ids)}, line, data, as_json=as_json)


@command.command("service", help=tr("Take the alarm ID out of service, or put it back (--back)."))
@click.argument("name", metavar="ID", shell_complete=alarms)
@click.option("--reason", default="", help=tr("why, for whoever comes next"))
@click.option("--back", is_flag=True, help=tr("put it back in service"))
@of_line
def service(name: str, reason: str, back: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Take out of service."""
    return _done("out_of_service", {"id": name, "reason": reason, "back": back}, line, data, as_json=as_json)


@command.command("comment", help=tr("Keep TEXT with the alarm ID, for whoever comes next."))
@click.argument("name", metavar="ID", shell_complete=alarms)
@click.argument("text")
@of_line
def comment(name: str, text: str, line: str, data: Path | None, as_json: bool) -> int:
    """Comment."""
    return _done("comment", {"id": name, "text": text}, line, data, as_json=as_json)


@command.command("history", help=tr("Tell what happened to the alarms, or to the alarm ID, newest first."))
@click.argument("name", metavar="[ID]", default="", shell_complete=alarms)
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=50, show_default=True, help=tr("at most so many"))
@of_line
def history(name: str, limit: int, line: str, data: Path | None, as_json: bool) -> int:
    """Tell the history."""
    with asking(data, line) as server:
        found = server.call("alarm_history", id=name, limit=limit)
    if as_json:
        emit("alarms_history", found)
        return 0
    from linectl.cli.alarm_text import history_table
    from linectl.lab.report.terms import alarm_step

    names = {row["event"]: alarm_step(row["event"]) for row in found["history"]}
    click.echo(history_table(found["history"], names))
    return 0


@command.command("figures", help=tr("Tell how many alarms there were, which, how often, and what stands for long."))
@click.option("--hours", type=click.FloatRange(0.1, 744.0), default=24.0, show_default=True)
@of_line
def figures(hours: float, line: str, data: Path | None, as_json: bool) -> int:
    """Tell the figures."""
    with asking(data, line) as server:
        found = server.call("alarm_figures", hours=hours)
    if as_json:
        emit("alarms_figures", found)
        return 0
    from linectl.cli.alarm_text import figure_lines

    click.echo("\n".join(figure_lines(found)))
    return 0


def _done(op: str, args: dict[str, Any], line: str, data: Path | None, *, as_json: bool) -> int:
    """Ask for an act, and tell where its alarms stand now."""
    with asking(data, line) as server:
        told = server.call(op, **args)
    if as_json:
        emit(f"alarms_{op.removeprefix('alarm_')}", told)
        return 0
    from linectl.cli.alarm_text import MARKS, state_text

    for row in told["alarms"]:
        words = tr("{what}: {text}").format(what=row["id"], text=state_text(row))
        click.echo(f"{MARKS[row['priority']]}  {words}")
    if not told["alarms"]:
        click.echo(tr("there was none"))
    return 0
