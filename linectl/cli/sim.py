"""`linectl sim`: the simulated plant on real wires, its faults, scenarios and picture; each verb loaded when called."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from linectl.words import tr

__all__ = ["command"]

_VERBS = {
    "up": ("linectl.cli.sim_up", tr("serve a simulated line in real time until Ctrl+C")),
    "show": ("linectl.cli.sim_show", tr("show the simulated line that is up: what is true beside what its PLC says")),
    "fault": ("linectl.cli.sim_fault", tr("break something of the simulated line that is up, and mend it")),
    "feed": ("linectl.cli.sim_feed", tr("put bottles before the simulated washer that is up")),
    "stop": ("linectl.cli.sim_stop", tr("end the simulated line that is up")),
    "replay": ("linectl.cli.sim_replay", tr("serve a recording of a wire as the device that it was made of")),
    "scenario": ("linectl.cli.sim_scenario", tr("play a timeline of faults in virtual time, and tell what happened")),
}


class _Verbs(click.Group):
    """Verbs by name; help loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the verbs, in the order of use."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Return the verb's command, loaded now."""
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(_VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that `args` begin with; one that is not there is told with the nearest."""
        if args[0] not in _VERBS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=_VERBS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return the verbs from the table, and the options: completion loads none of them."""
        found = [CompletionItem(name, help=line) for name, (_, line) in _VERBS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """List the verbs from the table."""
        with formatter.section(tr("Verbs")):
            formatter.write_dl([(name, line) for name, (_, line) in _VERBS.items()])


@click.group("sim", cls=_Verbs, help=tr("Simulated lines: serve one on real wires, break it, watch it."))
def command() -> None:
    """Hold the verbs."""
