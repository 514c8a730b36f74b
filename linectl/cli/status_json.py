"""`linectl status --json` as programs ask for it, many times an hour: answered before click is loaded."""

from __future__ import annotations

from pathlib import Path

__all__ = ["answered_at_once"]

_VALUES = ("--data", "--line")


def answered_at_once(argv: list[str]) -> int | None:
    """Print the state of the served line when `argv` asks for that and nothing else; None: it is for click to see.

    Raises:
        LinectlError: as `linectl status` does where a line is named.
    """
    told = _understood(argv)
    if told is None:
        return None
    from linectl.cli.operator import operator_name
    from linectl.cli.output import emit
    from linectl.server.finding import connect, find_if_up

    data = Path(told["--data"]) if told["--data"] else None
    if find_if_up(data, told["--line"]) is None:
        return None  # the last run of the store, or a refusal
    with connect(data, told["--line"], operator=operator_name()) as server:
        emit("status", server.call("status"))
    return 0


def _understood(argv: list[str]) -> dict[str, str] | None:
    """Return the values of the options, when there are only those of a plain question."""
    if argv[:1] != ["status"] or "--json" not in argv:
        return None
    told, rest = dict.fromkeys(_VALUES, ""), [word for word in argv[1:] if word != "--json"]
    while rest:
        name, separate, value = rest.pop(0).partition("=")
        if name not in told or (not separate and not rest):
            return None
        told[name] = value if separate else rest.pop(0)
    return None if told["--line"].endswith((".yaml", ".yml")) else told
