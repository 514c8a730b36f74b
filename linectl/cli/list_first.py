"""Groups of verbs that list when no verb is said: `linectl alarms` is `linectl alarms ls`."""

from __future__ import annotations

import click

__all__ = ["ListFirst"]


class ListFirst(click.Group):
    """A group whose verb may be left out: it lists then."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `ls` before what is no verb and no call for help."""
        listed = not args or (args[0].startswith("-") and args[0] not in self.get_help_option_names(ctx))
        if listed and not ctx.resilient_parsing:  # TAB offers the verbs
            args = ["ls", *args]
        return super().parse_args(ctx, args)
