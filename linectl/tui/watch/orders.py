"""What this screen may ask of the server, and what it says of the answer.

Whoever only looks must not change anything by a slip of the hand: an order that `writes` leaves only while the screen
is armed. What is said to people (answers, notes, acknowledgements) and what makes the line safer (hold, abort) needs
no arming.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from linectl.tui.styled import Mood, printable
from linectl.tui.watch.feed import text
from linectl.tui.watch.figures import figure
from linectl.words import tr

__all__ = ["ARMED_S", "Order", "abort", "answered", "arm", "disarm", "doubted", "hold"]

ARMED_S = 300.0


@dataclass(frozen=True, slots=True)
class Order:
    """One request: the server's operation with its arguments, and what it is in words (`what`).

    `writes`: it leaves only while this screen is armed. `always`: it is tried even when the server is silent.
    """

    op: str
    args: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""
    writes: bool = True
    always: bool = False


def arm() -> Order:
    """Return the order that lets this screen write for five minutes."""
    return Order("arm", {"minutes": ARMED_S / 60.0}, tr("arm writes"), writes=False)


def disarm() -> Order:
    """Return the order that ends it before its time."""
    return Order("disarm", {}, tr("disarm writes"), writes=False)


def hold() -> Order:
    """Return the order that freezes the line safely."""
    return Order("hold", {}, tr("hold the line"), writes=False)


def abort() -> Order:
    """Return the order that ends whatever goes on, at once."""
    return Order("abort", {}, tr("ABORT"), writes=False, always=True)


def doubted(said: Mapping[str, Any]) -> str:
    """Return what is unusual about a value that was refused for that alone: it may be meant; "" for anything else."""
    is_soft = text(said.get("outcome")) == "refused" and text(said.get("refused_by")) == "soft"
    return printable(text(said.get("doubt")) or text(said.get("detail"))) if is_soft else ""


def answered(order: Order, said: Mapping[str, Any]) -> tuple[str, Mood]:
    """Return what the screen says of an answer; what was only accepted is never told as done."""
    outcome = text(said.get("outcome")).lower()
    asked, got = figure(said.get("asked"), {}), figure(said.get("got"), {})
    match outcome:
        case "confirmed":
            return tr("{what}: confirmed").format(what=order.what), Mood.NORMAL
        case "ramping":
            return tr("{what}: on its way").format(what=order.what), Mood.NORMAL
        case "clamped":
            words = tr("{what}: CLAMPED, asked {asked}, got {got}")
            return words.format(what=order.what, asked=asked, got=got), Mood.WARNING
        case "refused":
            why = printable(text(said.get("detail")) or text(said.get("refused_by")))
            return tr("{what}: REFUSED, {why}").format(what=order.what, why=why), Mood.WARNING
        case "unknown":
            return tr("{what}: UNKNOWN whether it was done; look before you repeat it").format(
                what=order.what
            ), Mood.ALARM
        case _:
            return tr("{what}: accepted").format(what=order.what), Mood.NORMAL
