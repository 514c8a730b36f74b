"""The verbs of `linectl`: a static table for help, each verb's module loaded only when it is called."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from linectl.words import tr

__all__ = ["VERBS", "group"]

VERBS = {
    "run": ("linectl.cli.run", "run an experiment, on the line or on the simulated rig (--sim)"),
    "experiment": ("linectl.cli.experiment", "check an experiment file, print its plan"),
    "resume": ("linectl.cli.resume", "take up a run whose program died"),
    "watch": ("linectl.cli.watch", "the line on this terminal, live; or each change as a line"),
    "serve": ("linectl.cli.serve", "hold a line for good: scan, guard, record, run; the others ask it"),
    "status": ("linectl.cli.status", "the line as it is now; the last run and how it ended"),
    "history": ("linectl.cli.history", "what one tag was, as recorded: curve and rows, gaps told"),
    "log": ("linectl.cli.log", "what happened on the line and in its runs; -f follows"),
    "answer": ("linectl.cli.run_verbs:answer", "answer a question of the run under way"),
    "pause": ("linectl.cli.run_verbs:pause", "let the run stand still at the end of this step"),
    "next": ("linectl.cli.run_verbs:next_", "end the present wait or soak early, with a reason"),
    "cancel": ("linectl.cli.run_verbs:cancel", "end the run at its next safe point"),
    "note": ("linectl.cli.run_verbs:note", "keep a note with the run or the line"),
    "deviation": ("linectl.cli.run_verbs:deviation", "keep a deviation from the run's plan"),
    "alarms": ("linectl.cli.alarms", "what asks for somebody: acknowledge, shelve, comment; history and figures"),
    "start": ("linectl.cli.machine_verbs:start", "start the machine"),
    "stop": ("linectl.cli.machine_verbs:stop", "stop the machine: it asks, naming what would be lost"),
    "hold": ("linectl.cli.machine_verbs:hold", "freeze the machine where it is"),
    "unhold": ("linectl.cli.machine_verbs:unhold", "let it go on after a hold"),
    "suspend": ("linectl.cli.machine_verbs:suspend", "let it wait for something outside"),
    "unsuspend": ("linectl.cli.machine_verbs:unsuspend", "let it go on after that"),
    "abort": ("linectl.cli.machine_verbs:abort", "everything off at once; asks nothing"),
    "clear": ("linectl.cli.machine_verbs:clear", "after an abort: back to stopped"),
    "reset": ("linectl.cli.machine_verbs:reset", "make a stopped machine ready to start"),
    "mode": ("linectl.cli.mode", "what the machine is for: production, maintenance, manual; show or change it"),
    "lot": ("linectl.cli.lot", "wash lots: begin, end, show, set aside, release"),
    "set": ("linectl.cli.set_value:set_", "write a tag of the served line: checked, for a time, or as a ramp"),
    "undo": ("linectl.cli.set_value:undo", "take the last set back"),
    "arm": ("linectl.cli.set_value:arm", "let this terminal write for five minutes"),
    "disarm": ("linectl.cli.set_value:disarm", "end the arming of this terminal"),
    "interlocks": ("linectl.cli.interlocks", "what is tripped, what may not start now; reset a trip"),
    "runs": ("linectl.cli.runs", "list, show, follow, compare and tag runs"),
    "plot": ("linectl.cli.plot", "the curves of a run on this terminal"),
    "fit": ("linectl.cli.fit", "fit the release kinetics of a run"),
    "next-soak": ("linectl.cli.next_soak", "propose the bath to soak next, and say why"),
    "verdict": ("linectl.cli.verdict", "one line per glue: CANDIDATE, NO-GO or MORE BOTTLES"),
    "compare": ("linectl.cli.compare", "a new glue against a reference, in looks"),
    "confirm": ("linectl.cli.confirm", "register and judge a confirmation: the only way to GO"),
    "chart": ("linectl.cli.chart", "what the line rejects of each glue, lot by lot, against its GO"),
    "predict": ("linectl.cli.predict", "what a line recipe will do, by the lab's fits"),
    "recipe": ("linectl.cli.recipe", "list, show, select and promote line recipes"),
    "value": ("linectl.cli.value", "what a washed bottle costs and earns"),
    "report": ("linectl.cli.report", "write a run's report as one HTML file"),
    "export": ("linectl.cli.export", "write a run as files: tables, event documents, a zip of all"),
    "import": ("linectl.cli.import_trials", "take in past trials from a CSV file, or an exported run"),
    "audit": ("linectl.cli.audit", "who did what, when and why; prove that nobody has changed it"),
    "tags": ("linectl.cli.tags", "list, read, write, watch and trace the tags of a line"),
    "cal": ("linectl.cli.cal", "calibrate sensors; list, show and choose calibrations; what is due"),
    "record": ("linectl.cli.record", "record what goes over one wire, to be played back"),
    "frames": ("linectl.cli.frames", "what a recording or a wire fault's file holds, in words"),
    "scan": ("linectl.cli.scan", "look for what answers: Modbus units, serial ports, MQTT topics"),
    "doctor": ("linectl.cli.doctor", "check links, rights, ports, clock, store and every tag; say what to do"),
    "init": ("linectl.cli.init", "copy the lines and experiments that come with linectl, for a new site"),
    "config": (
        "linectl.cli.config",
        "check, show, compare and edit files of any kind, test interlocks, print JSON Schemas",
    ),
    "secrets": ("linectl.cli.secrets", "keep passwords and keys outside every file"),
    "sim": ("linectl.cli.sim", "the simulated bath and washer on real wires: serve, show, break, replay"),
    "explain": ("linectl.cli.explain", "explain an error code: causes, what to do"),
    "completion": ("linectl.cli.completion", "print the script by which a shell completes words at TAB"),
    "help": ("linectl.cli.help", "explain exit codes"),
}


class LazyGroup(click.Group):
    """A group that knows its verbs by name and loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the verbs in the order of a day's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Return the verb's command, loaded now."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name or "command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that `args` begin with; one that is not there is told with the nearest."""
        if args[0] not in VERBS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise _no_such_verb(args[0], ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return the verbs from the static table, and the options: completion loads no verb."""
        found = [
            CompletionItem(name, help=tr(line)) for name, (_, line) in VERBS.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """List the verbs from the static table: help loads none of them."""
        with formatter.section(tr("Verbs")):
            formatter.write_dl([(name, tr(line)) for name, (_, line) in VERBS.items()])


def _no_such_verb(name: str, ctx: click.Context) -> click.exceptions.NoSuchCommand:
    """Return that there is no verb `name`, with what was probably meant: a French word's verb, or the nearest."""
    from linectl.cli.french_verbs import verbs_meant

    message = tr("No such command {name!r}.").format(name=name)
    meant = verbs_meant(name)
    if meant:
        verbs = ", ".join(f"linectl {verb}" for verb in meant)
        message = tr("No such command {name!r}; here it is: {verbs}").format(name=name, verbs=verbs)
    return click.exceptions.NoSuchCommand(name.lower(), message, possibilities=None if meant else VERBS, ctx=ctx)


@click.group(cls=LazyGroup, help=tr("Control software of a bottle-washing line and its label-removal lab."))
@click.version_option(package_name="linectl", message="%(prog)s %(version)s")
def group() -> None:
    """Hold the verbs."""
