"""`linectl sim fault`: break something of the simulated line that is up, see what is broken, mend it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.complete import fault_kinds
from linectl.cli.options import common
from linectl.cli.sim_options import DURATION, clock_text, pairs, which
from linectl.words import number, tr

if TYPE_CHECKING:
    from linectl.model.faults import FaultKind, FaultOrder

__all__ = ["command"]


@click.group("fault", help=tr("Break something of the simulated line that is up, and mend it."))
def command() -> None:
    """Hold the verbs."""


@command.command(
    "add",
    help=tr("Order the fault KIND, of TARGET where it has one; figures as NAME=VALUE. `fault kinds` lists them all."),
)
@click.argument("kind", shell_complete=fault_kinds)
@click.argument("words", nargs=-1, metavar="[TARGET] [NAME=VALUE]...")
@click.option("--for", "for_s", type=DURATION, help=tr("how long it lasts (else until it is cleared)"))
@click.option("--count", type=int, help=tr("how many replies it strikes, then it ends"))
@click.option("--after", "after_s", type=DURATION, default=0.0, help=tr("when it begins (now)"))
@click.option("--when", default="", help=tr('the reading that lets it begin, such as "bath.temperature > 60"'))
@which
@common
def add(
    kind: str,
    words: tuple[str, ...],
    for_s: float | None,
    count: int | None,
    after_s: float,
    when: str,
    which: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Check the order here, in the words of whoever typed it, then give it to the simulator."""
    from linectl.cli.output import emit
    from linectl.errors import Unreachable
    from linectl.model.faults import FaultOrder
    from linectl.server.simulation.client import connect_to_sim
    from linectl.server.simulation.fault_orders import as_order_data, checked_order

    target, values = _split(words)
    order = FaultOrder(kind, target, after_s, for_s, count, when)
    try:
        connection = connect_to_sim(data, which)
    except Unreachable:
        checked_order(order, values)  # what is wrong on any line is told first
        raise
    with connection as sim:
        order = checked_order(order, values, sim.call("machines"))
        told = sim.call("fault_add", **as_order_data(order))
    if as_json:
        emit("sim_fault_add", told)
    else:
        click.echo(tr("fault {number}: {fault}").format(number=told["number"], fault=_order_text(order)))
    return 0


def _split(words: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the target and the figures by name; the target is the one word without `=`."""
    plain = [word for word in words if "=" not in word]
    if len(plain) > 1:
        text = tr("expected one TARGET and figures as NAME=VALUE, not {words}").format(words=" ".join(plain))
        raise click.UsageError(text)
    return (plain[0] if plain else ""), pairs((word for word in words if "=" in word), "NAME=VALUE")


def _order_text(order: FaultOrder) -> str:
    from linectl.model.fault_checks import figures_text

    parts = [order.kind, order.target, figures_text(order.kind, order.values)]
    if order.for_s is not None:
        parts.append(tr("for {time} s").format(time=number(order.for_s)))
    if order.count is not None:
        parts.append(tr("{count} times").format(count=order.count))
    if order.at_s:
        parts.append(tr("in {time} s").format(time=number(order.at_s)))
    if order.when:
        parts.append(tr("once {condition}").format(condition=order.when))
    return " ".join(part for part in parts if part)


@command.command("ls", help=tr("List the faults: those that stand, those that wait, those that are over."))
@which
@common
def ls(which: str, data: Path | None, as_json: bool) -> int:
    """List them, as the simulator tells them."""
    from linectl.cli.output import emit, table
    from linectl.server.simulation.client import connect_to_sim

    with connect_to_sim(data, which) as sim:
        told = sim.call("faults")
    if as_json:
        emit("sim_faults", told)
    elif not told["faults"]:
        click.echo(tr("no fault was ordered"))
    else:
        headings = [tr("number"), tr("fault"), tr("target"), tr("state"), tr("since"), tr("until"), tr("figures")]
        click.echo(table(headings, [_row(each) for each in told["faults"]]))
    return 0


def _row(fault: dict[str, Any]) -> list[str]:
    from linectl.tui.twin_words import fault_words, words

    since, until = fault["since_s"], fault["until_s"]
    return [
        str(fault["number"]),
        fault["kind"],
        fault["target"] or "-",
        words(fault["state"]),
        "-" if since is None else clock_text(since),
        "-" if until is None else clock_text(until),
        fault_words(fault["state"], fault["kind"], fault["values"], fault["text"]),
    ]


@command.command("clear", help=tr("Mend the fault NUMBER, or all of them."))
@click.argument("number", type=int, required=False, metavar="[NUMBER]")
@click.option("--all", "everything", is_flag=True, help=tr("all that stand or wait"))
@which
@common
def clear(number: int | None, everything: bool, which: str, data: Path | None, as_json: bool) -> int:
    """Mend, and say what was mended."""
    from linectl.cli.output import emit
    from linectl.server.simulation.client import connect_to_sim

    if (number is None) != everything:
        raise click.UsageError(tr("name the NUMBER of a fault (linectl sim fault ls), or --all"))
    with connect_to_sim(data, which) as sim:
        told = sim.call("fault_clear", number=number)
    if as_json:
        emit("sim_fault_clear", told)
    else:
        cleared = ", ".join(map(str, told["cleared"]))
        click.echo(tr("cleared: {numbers}").format(numbers=cleared) if cleared else tr("nothing stood, nothing waited"))
    return 0


@command.command("kinds", help=tr("List the kinds of faults; of one KIND, its targets and figures."))
@click.argument("kind", required=False, shell_complete=fault_kinds)
@common
def kinds(kind: str | None, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Print the catalogue; no simulator needs to be up."""
    from linectl.cli.output import emit, table
    from linectl.model.faults import KINDS
    from linectl.server.simulation.fault_orders import known_kind

    chosen = [known_kind(kind)] if kind else list(KINDS.values())
    if as_json:
        emit("sim_fault_kinds", {"kinds": [_kind_data(each) for each in chosen]})
    elif kind:
        click.echo(_one_kind(chosen[0]))
    else:
        rows = [[each.group_name, each.name, each.meaning] for each in chosen]
        click.echo(table([tr("group"), tr("fault"), tr("what happens")], rows))
        click.echo(tr("figures and targets of one: linectl sim fault kinds KIND"))
    return 0


def _one_kind(kind: FaultKind) -> str:
    from linectl.model.fault_checks import figures_text

    lines = [tr("{what}: {text}").format(what=kind.name, text=kind.meaning)]
    target = tr("{what}: {text}").format(what=tr("target"), text=", ".join(kind.targets))
    lines.append(f"  {target if kind.targets else tr('it has no target')}")
    for each in kind.parameters:
        span = tr("{low} to {high}").format(low=number(each.low), high=number(each.high))
        default = tr("must be given")
        if each.default is not None:
            usual = figures_text(kind.name, {each.name: each.default}).partition("=")[2]
            default = tr("else {value}").format(value=usual)
        unit = f" {each.unit}" if each.unit else ""
        said = tr("; ").join([f"{span}{unit}", *([", ".join(each.words)] if each.words else []), default])
        lines.append("  " + tr("{what}: {text}").format(what=each.name, text=f"{each.meaning} ({said})"))
    if kind.counts:
        lines.append("  " + tr("--count counts {things}").format(things=kind.counted))
    if kind.lasts_s is not None:
        lines.append("  " + tr("lasts {time} s unless --for says otherwise").format(time=number(kind.lasts_s)))
    if kind.on_wires:
        lines.append("  " + tr("about bytes on wires"))
    return "\n".join(lines)


def _kind_data(kind: FaultKind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "group": kind.group,
        "targets": list(kind.targets),
        "on_wires": kind.on_wires,
        "counts": kind.counts,
        "lasts_s": kind.lasts_s,
        "parameters": [
            {
                "name": each.name,
                "low": each.low,
                "high": each.high,
                "unit": each.unit,
                "default": each.default,
                "words": dict(each.words),
            }
            for each in kind.parameters
        ],
    }
