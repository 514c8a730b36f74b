"""Who may write now: one person at one face, for minutes of process time, unless somebody takes it with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from linectl.errors import Refused
from linectl.model.people import Who
from linectl.words import number, tr

__all__ = ["LONGEST_MIN", "Armed", "Arming"]

LONGEST_MIN = 5.0


@dataclass(frozen=True, slots=True)
class Armed:
    """Who is armed, since when and until when, in s of process time."""

    who: Who
    since_s: float
    until_s: float

    def is_of(self, who: Who) -> bool:
        """Return whether `who` is the one: the same person at the same face."""
        return (self.who.operator, self.who.face) == (who.operator, who.face)


class Arming:
    """One writer at a time. Times are process time in s, given by the caller; an expired one is nobody."""

    def __init__(self) -> None:
        self._armed: Armed | None = None

    def holder(self, now_s: float) -> Armed | None:
        """Return who is armed at `now_s`."""
        armed = self._armed
        return armed if armed is not None and now_s < armed.until_s else None

    def arm(
        self, who: Who, now_s: float, minutes: float = LONGEST_MIN, *, take_over: bool = False, why: str = ""
    ) -> Armed:
        """Arm `who` for `minutes`; whoever is armed already begins anew.

        Raises:
            Refused: another one is armed and is not taken over with a reason, or `minutes` is more than 5 or none.
        """
        if not 0.0 < minutes <= LONGEST_MIN:
            text = tr("writing is armed for {most} minutes at most, not for {asked}")
            raise Refused(text.format(most=number(LONGEST_MIN), asked=number(minutes)), code="E-ARM-003")
        other = self.holder(now_s)
        if other is not None and not other.is_of(who):
            if not take_over:
                raise held_by(other, now_s)
            if not why.strip():
                raise Refused(
                    tr("{who} is armed: taking over needs a reason").format(who=other.who.operator),
                    hint=tr("say why with --reason TEXT: it stands in the audit trail"),
                    code="E-ARM-004",
                )
        self._armed = Armed(who, now_s, now_s + 60.0 * minutes)
        return self._armed

    def disarm(self, who: Who, now_s: float) -> Armed | None:
        """End the arming of `who`; return it, None when nobody was armed.

        Raises:
            Refused: another one is armed.
        """
        armed = self.holder(now_s)
        if armed is not None and not armed.is_of(who):
            raise held_by(armed, now_s)
        self._armed = None
        return armed

    def end(self) -> None:
        """Disarm whoever is armed."""
        self._armed = None


def held_by(armed: Armed, now_s: float) -> Refused:
    """Return the refusal that names who is armed, since when, and the three ways out."""
    text = tr("{who} ({face}) is armed to write, since {since}, for {left} more: one writes at a time")
    ways = tr(
        "wait {left}; or ask {who} to disarm (linectl disarm); or take over with a reason: "
        "linectl arm --take-over --reason TEXT"
    )
    left = _span(armed.until_s - now_s)
    figures = {"who": armed.who.operator, "face": armed.who.face, "left": left}
    since = tr("{span} ago").format(span=_span(now_s - armed.since_s))
    return Refused(text.format(since=since, **figures), hint=ways.format(**figures), code="E-ARM-002")


def _span(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d} min"
