"""`linectl confirm`: register a confirmation before its first bottle, write down sets, see what it has come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import glues, runs
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import decimal, number, tr

if TYPE_CHECKING:
    from linectl.server.results.confirming import Registration

__all__ = ["command"]


@click.group("confirm", help=tr("Register and judge a confirmation: the only way to GO."))
def command() -> None:
    """Hold the verbs of confirmations."""


@command.command(
    "register", help=tr("Fix point, rule and lots after the screening RUN, and write its experiment files.")
)
@click.argument("run", default="last", shell_complete=runs)
@click.option("--glue", required=True, shell_complete=glues, help=tr("the glue, a CANDIDATE of the screening"))
@click.option("--rule", default="628/2", show_default=True, help=tr("bottles/stuck allowed, stages joined by ->"))
@click.option("--lot", "lots", multiple=True, required=True, help=tr("lot of glue; give each (--lot A --lot B)"))
@click.option("--at", "temperature_c", type=float, help=tr("temperature, °C (else the verdict's)"))
@click.option("--naoh", "naoh_pct", type=float, help=tr("NaOH, % (else the verdict's)"))
@click.option("--soak-s", type=click.FloatRange(min=1), help=tr("soak, s (else the screening's)"))
@click.option("--per-bath", type=click.IntRange(1, 1000), default=20, show_default=True, help=tr("bottles a bath"))
@click.option("--bath-sd", type=click.FloatRange(0, 2), help=tr("how much baths differ, sd of ln t"))
@click.option(
    "--cooler-k", type=click.FloatRange(0, 5), help=tr("K below the point (else 1.645 x the probe's uncertainty)")
)
@click.option("--recipe", default="", help=tr("the line recipe that GO is to be for"))
@click.option("--line", type=click.Path(path_type=Path), help=tr("line on which it will be run (after past trials)"))
@click.option("--id", "name", default="", help=tr("name of the confirmation"))
@click.option("-o", "--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@common
def register_command(
    run: str,
    glue: str,
    rule: str,
    lots: tuple[str, ...],
    temperature_c: float | None,
    naoh_pct: float | None,
    soak_s: float | None,
    per_bath: int,
    bath_sd: float | None,
    cooler_k: float | None,
    recipe: str,
    line: Path | None,
    name: str,
    folder: Path,
    data: Path | None,
    as_json: bool,
) -> None:
    """Register, write the files, and tell what the rule is worth."""
    from linectl.cli.operator import operator_name
    from linectl.server.results.confirming import Plan, register_from_screening

    plan = Plan(
        glue=glue,
        rule=rule,
        lots=lots,
        id=name,
        temperature_c=temperature_c,
        naoh_pct=naoh_pct,
        soak_s=soak_s,
        per_bath=per_bath,
        bath_sd=bath_sd,
        cooler_k=cooler_k,
        recipe=recipe,
    )
    done = register_from_screening(run, plan, data=data, by=operator_name(), folder=folder, line=line)
    if as_json:
        emit("confirmation", {**asdict(done.confirmation), "hash": done.confirmation.sha256(), "chances": done.chances})
        return
    for told in _registered(done):
        click.echo(told)


def _registered(done: Registration) -> Iterator[str]:
    """Yield what was registered, what its rule is worth, and what to do next."""
    confirmation = done.confirmation
    text = tr("{name}: {glue} at {temperature} °C, {naoh} % NaOH, {soak} s; rule {rule}, applied as {applied}")
    yield text.format(
        name=confirmation.id,
        glue=confirmation.glue,
        temperature=number(confirmation.temperature_c),
        naoh=number(confirmation.naoh_pct),
        soak=number(confirmation.soak_s),
        rule=confirmation.rule,
        applied=confirmation.applied,
    )
    told = tr("baths differ by {sd} in ln t: false GO {risk} % at {removal} % removal; passes at 99.9 %: {good} %")
    yield told.format(
        sd=number(confirmation.bath_sd),
        risk=decimal(100 * done.chances["false_go"], 1),
        removal=number(100 * confirmation.removal),
        good=decimal(100 * done.chances["pass_at_0.999"], 0),
    )
    for file in done.files:
        yield tr("next: linectl run {file}").format(file=file)


@command.command(
    "change", help=tr("Change the rule of a registered confirmation; after its first bottle that voids GO.")
)
@click.argument("name")
@click.option("--rule", required=True, help=tr("bottles/stuck allowed, stages joined by ->"))
@common
def change_command(name: str, rule: str, data: Path | None, as_json: bool) -> None:
    """Write the change into the register, and say what it costs."""
    from linectl.cli.operator import operator_name
    from linectl.server.places import last_run
    from linectl.server.results.confirming import change_rule

    changed, void = change_rule(last_run(data).store, name, rule, by=operator_name())
    if as_json:
        emit("confirmation", {**asdict(changed), "hash": changed.sha256(), "void": void})
        return
    text = tr("{name}: rule {rule}, applied as {applied}")
    click.echo(text.format(name=name, rule=changed.rule, applied=changed.applied))
    if void:
        click.echo(tr("bottles were soaked under the old rule: this confirmation cannot end in GO any more"), err=True)


@command.command("record", help=tr("Write down a set that was counted elsewhere (aged, holding)."))
@click.argument("name")
@click.option("--set", "kind", type=click.Choice(["aged", "holding"]), required=True, help=tr("which set"))
@click.option("--bottles", type=click.IntRange(min=1), required=True, help=tr("bottles of the set"))
@click.option("--failed", type=click.IntRange(min=0), required=True, help=tr("stuck (aged) or fallen off (holding)"))
@click.option("--note", default="", help=tr("how it was done"))
@common
def record_command(
    name: str, kind: str, bottles: int, failed: int, note: str, data: Path | None, as_json: bool
) -> None:
    """Write the count into the register."""
    from linectl.cli.operator import operator_name
    from linectl.lab.confirmation.registry import HandCount
    from linectl.model.confirmations import ConfirmationSet
    from linectl.server.places import last_run
    from linectl.server.results.confirming import record_set

    count = HandCount(ConfirmationSet(kind), bottles, failed, operator_name(), note)
    record_set(last_run(data).store, name, count)
    if as_json:
        emit("confirmation_set", {"confirmation": name, **asdict(count)})
    else:
        click.echo(
            tr("{name}, {kind}: {failed} of {bottles}").format(name=name, kind=kind, failed=failed, bottles=bottles)
        )


@command.command("status", help=tr("Say what a confirmation has come to, criterion by criterion."))
@click.argument("name", default="")
@click.option(
    "--check", is_flag=True, help=tr("exit 0 when it is GO, 11 when it is open or suspended, 9 when it is NO-GO")
)
@common
def status_command(name: str, check: bool, data: Path | None, as_json: bool) -> int:
    """Print the verdict and everything that led to it."""
    from linectl.lab.monitoring.standing import answer_record
    from linectl.lab.report.confirmation import confirmation_lines
    from linectl.lab.results import VerdictWord
    from linectl.server.places import last_run
    from linectl.server.results.confirming import judged
    from linectl.server.results.registration import registered
    from linectl.store.reader import StoreReader

    reader = StoreReader(last_run(data).store)
    if not name:
        entries = registered(reader)
        rows = [(e.first.id, e.first.glue, e.present.rule, e.present.applied) for e in entries]
        if as_json:
            emit("confirmations", [asdict(entry.present) for entry in entries])
        else:
            click.echo(table((tr("name"), tr("glue"), tr("rule"), tr("applied")), rows))
        return 0
    verdict = judged(reader, name)
    if as_json:
        record = None if verdict.line is None else answer_record(verdict.line)
        emit("confirmation_status", {**asdict(replace(verdict, line=None)), "word": str(verdict.word), "line": record})
    else:
        for line in confirmation_lines(verdict):
            click.echo(line)
    codes = {VerdictWord.GO: 0, VerdictWord.NO_GO: 9}
    return codes.get(verdict.word, 11) if check else 0


@command.command("lift", help=tr("Lift the suspension of a GO that the line disproved: its chart begins anew."))
@click.argument("name")
@click.option("--reason", required=True, help=tr("what was wrong with those lots, or with the inspector"))
@common
def lift_command(name: str, reason: str, data: Path | None, as_json: bool) -> None:
    """Write into the register who lifts it, and why."""
    from linectl.cli.operator import operator_name
    from linectl.lab.monitoring.standing import answer_record
    from linectl.server.places import last_run
    from linectl.server.results.suspensions import lift

    answer = lift(last_run(data).store, name, by=operator_name(), reason=reason)
    if as_json:
        told = {"confirmation": name, "by": operator_name(), "reason": reason}
        emit("suspension_lifted", {**told, **answer_record(answer)})
    else:
        click.echo(tr("{name}: GO again; its chart begins with the next lot").format(name=name))
