"""--since and --until: what verbs share that look back."""

from __future__ import annotations

import click

from linectl.words import tr

__all__ = ["since_of", "since_option", "until_of", "until_option"]

since_option = click.option(
    "--since", default="", metavar="T", help=tr("from when: 10m, 2h, 3d ago; 06:30; 2026-11-23 06:30")
)
until_option = click.option("--until", default="", metavar="T", help=tr("until when, said the same way (else now)"))


def since_of(text: str, now_ns: int) -> int:
    """Return the time (ns UTC) that --since names, seen from `now_ns`.

    Raises:
        click.UsageError: it is no time.
    """
    from linectl.server.asked_times import since_ns

    try:
        return since_ns(text, now_ns)
    except (ValueError, OverflowError) as error:
        raise _no_time(text) from error


def until_of(text: str, from_ns: int, now_ns: int) -> int:
    """Return the time (ns UTC) that --until names, after `from_ns`.

    Raises:
        click.UsageError: it is no time, or none after `from_ns`.
    """
    from linectl.server.asked_times import until_ns

    try:
        found = until_ns(text, from_ns, now_ns)
    except (ValueError, OverflowError) as error:
        raise _no_time(text) from error
    if found <= from_ns:
        raise click.UsageError(tr("--until {until} is not after the beginning").format(until=text))
    return found


def _no_time(text: str) -> click.UsageError:
    return click.UsageError(
        tr("{text} is no time: say 10m, 2h or 3d (so long ago), 06:30, or 2026-11-23 06:30").format(text=text)
    )
