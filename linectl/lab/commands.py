"""What may be asked of a run under way, the same for whoever holds it: the run itself, and the server of its line."""

from __future__ import annotations

from abc import ABC, abstractmethod

from linectl.lab.control import Control
from linectl.model.records import Bottle

__all__ = ["Commands"]


class Commands(ABC):
    """The commands of a run. `who` is the operator who started it, unless it is named.

    Each raises Refused when nothing runs, and what `Control` says of it.
    """

    @abstractmethod
    def live(self) -> Control:
        """Return the control of the run under way.

        Raises:
            Refused: nothing is running.
        """

    async def pause(self, *, who: str = "", why: str = "") -> None:
        """Stand still at the next step boundary, outputs as they are (see `Control.pause`)."""
        control = self.live()
        await control.pause(who or control.operator, why)

    async def hold(self, *, who: str = "", why: str = "") -> None:
        """Switch the heater off now and stand still until a person resumes (see `Control.hold`)."""
        control = self.live()
        await control.hold(who or control.operator, why)

    async def resume(self, *, who: str = "") -> None:
        """Go on after a pause or a hold; held heat comes on again (see `Control.resume`)."""
        control = self.live()
        await control.resume(who or control.operator)

    async def next(self, reason: str, *, who: str = "") -> None:
        """End the present wait or soak before its time (see `Control.next`)."""
        control = self.live()
        await control.next(who or control.operator, reason)

    async def skip(self, which: int | str, reason: str, *, who: str = "") -> Bottle:
        """Take a bottle (position or label) out of the observation, right-censored at its last check."""
        control = self.live()
        return await control.skip(which, reason, who or control.operator)

    async def note(self, text: str, *, who: str = "") -> None:
        """Keep a note with the run."""
        control = self.live()
        await control.say("note", text, who or control.operator)

    async def deviation(self, text: str, *, who: str = "") -> None:
        """Keep a deviation from the experiment's plan with the run."""
        control = self.live()
        await control.say("deviation", text, who or control.operator)
