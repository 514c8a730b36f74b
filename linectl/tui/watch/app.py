"""The screen of `linectl watch`: values four times a second, the trend once, everything else as it comes.

It is a client of the line's server and nothing more: a dead server is told within two seconds and everything shown is
greyed as of before; when the server is back the screen goes on by itself. A fault here never touches the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding

from linectl.errors import LinectlError, Unreachable
from linectl.tui.styled import Mood, printable
from linectl.tui.watch import orders
from linectl.tui.watch.alarm_words import listed, unseen
from linectl.tui.watch.canvas import Canvas
from linectl.tui.watch.controls import Controls
from linectl.tui.watch.feed import SILENCE_S, Feed, items, moment, section, text
from linectl.tui.watch.history import History
from linectl.tui.watch.layout import Layout
from linectl.tui.watch.line_clock import LineClock
from linectl.tui.watch.orders import Order
from linectl.tui.watch.sight import Page, Point, Sight
from linectl.tui.watch.values import in_order
from linectl.words import tr

__all__ = ["Watch"]

PERIOD_S = 0.25
PLOT_S = 1.0
_BELL_S = 30.0
_PATIENCE_S = 1.0
_AT_ONCE = {"line", "machine", "armed", "links", "run", "scheduled", "prompts", "alarms", "interlocks", "journal"}


class Watch(App[None]):
    """The screen. `feed` is the connection to the server, `now` the wall time, `loop_s` the time of the loop in s.

    `write` arms the screen as soon as the server is heard, as `w` does.
    """

    CSS = "Screen { background: #2b2b2b; color: #c8c8c8; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+x", "abort_key", show=False, priority=True),
    ]

    def __init__(
        self,
        feed: Feed,
        *,
        now: Callable[[], datetime],
        loop_s: Callable[[], float],
        page: Page = Page.ALL,
        write: bool = False,
        braille: bool = True,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self._feed = feed
        self._clock = LineClock(now, loop_s)
        self._loop_s = loop_s
        self._write = write
        self._braille = braille
        self.controls = Controls(self._look, self._send, page)
        self._history = History()
        self._layout = Layout()
        self._canvas = Canvas()
        self._waiting: list[tuple[Order, float]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._trend: tuple[str, float, list[Point]] = ("", float("-inf"), [])
        self._rung: set[str] = set()
        self._rung_s = float("-inf")

    # textual's side

    def compose(self) -> ComposeResult:
        """Lay out the one widget."""
        yield self._canvas

    def on_mount(self) -> None:
        """Begin to listen and to draw."""
        self._hear()
        self._spawn(self._listen())
        self.set_interval(PERIOD_S, self._tick)
        self._tick()

    async def on_unmount(self) -> None:
        """End what listens; an order that is on its way is not taken back by closing the screen."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.draw()

    def on_key(self, event: events.Key) -> None:
        """Take a key."""
        event.stop()
        key = event.character if event.character and event.character.isprintable() else event.key
        if key == "q" and self.controls.entry is None:
            self.exit()
            return
        self.controls.key(key)
        self.draw()

    def on_paste(self, event: events.Paste) -> None:
        """Take what was pasted; it is text for an open line, never keys."""
        event.stop()
        self.controls.paste(event.text)
        self.draw()

    def action_leave(self) -> None:
        """Ctrl+C: end the screen, and nothing else."""
        self.exit()

    def action_abort_key(self) -> None:
        """Ctrl+X: the first warns, the second aborts."""
        self.controls.abort_key(self._loop_s())
        self.draw()

    # listening

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        async for name in self._feed.changes():
            if name == "values":
                self._hear()
            elif name == "armed":
                self.controls.arming.hear(section(self._feed.state, "armed"))
            if name in _AT_ONCE:
                self.draw()

    def _hear(self) -> None:
        self._clock.hear(self._feed.state)
        self._history.hear(section(self._feed.state, "values"), self._loop_s(), self._clock.speed)

    def _tick(self) -> None:
        """Draw four times a second; take notice of silence, ring for what nobody has seen."""
        dead = self._silent_s() is not None
        if dead:
            self._history.lose(self._loop_s())
            self.controls.arming.end()
        elif self._write:
            self._write = False
            self.controls.order(orders.arm())
        if not dead:
            self._ring()
        self.draw()

    def _silent_s(self) -> float | None:
        """Return for how long nothing has been heard, None while the server speaks."""
        heard = self._feed.heard_s
        if heard is None:
            return 0.0
        silent = self._loop_s() - heard
        return silent if self._feed.lost_why or silent > SILENCE_S else None

    def _ring(self) -> None:
        """Ring at each new alarm and question, and again while they stay without an answer."""
        state, now_s = self._feed.state, self._loop_s()
        found = {f"alarm {text(each.get('id'))}" for each in listed(state) if unseen(each)}
        found |= {f"prompt {text(each.get('id'))}" for each in items(state, "prompts")}
        if found - self._rung or (found and now_s - self._rung_s >= _BELL_S):
            self._rung_s = now_s
            self.bell()
        self._rung = found

    # drawing

    def draw(self) -> None:
        """Draw what is known now."""
        if not self.is_running or not self._canvas.is_attached:
            return
        sight = self._look()
        if not self.controls.chosen:
            names = in_order(sight)
            self.controls.chosen = names[0] if names else ""
        width, height = self.size
        self._canvas.show(self._layout.draw(self._look(), width, height))

    def _look(self) -> Sight:
        """Return what is to be seen now."""
        now, now_s, silent = self._clock.now(), self._loop_s(), self._silent_s()
        heard = self._feed.heard_s
        sight = Sight(
            self._feed.state,
            now,
            ages=self._history.ages(now_s),
            trend=self._trend_of(self.controls.chosen, now_s),
            silent_s=silent,
            speed=self._clock.speed,
            before="" if heard is None else f"{now - timedelta(seconds=(now_s - heard) * self._clock.speed):%H:%M:%S}",
            why=self._feed.lost_why,
            armed_s=self._armed_s(now, now_s),
            braille=self._braille,
        )
        return self._with_waiting(self.controls.sight(sight), now_s)

    def _armed_s(self, now: datetime, now_s: float) -> float | None:
        """Return how long this screen may write: by its own count, and never longer than the server says."""
        left_s = self.controls.arming.left_s(now_s)
        until = moment(section(self._feed.state, "armed").get("until"))
        if left_s is None or until is None or not self.controls.arming.told:
            return left_s
        told_s = (until - now).total_seconds() / self._clock.speed
        return min(left_s, told_s) if told_s > 0 else None

    def _trend_of(self, name: str, now_s: float) -> list[Point]:
        """Return the trend as it was drawn last, anew once a second or for another tag."""
        last, at_s, _ = self._trend
        if name != last or now_s - at_s >= PLOT_S:
            self._trend = (name, now_s, self._history.trend(name, now_s))
        return self._trend[2]

    def _with_waiting(self, sight: Sight, now_s: float) -> Sight:
        """Say what has no answer yet: nothing is silent for longer than a second."""
        if not self._waiting or sight.said:
            return sight
        order, since_s = self._waiting[0]
        waits = now_s - since_s
        words = tr("{what}: sent…").format(what=order.what)
        if waits >= _PATIENCE_S:
            words = tr("{what}: sent, no answer for {s} s").format(what=order.what, s=int(waits))
        return replace(sight, said=words)

    # orders

    def _send(self, order: Order) -> None:
        self._spawn(self._carry(order))

    async def _carry(self, order: Order) -> None:
        """Carry one order to the server and say what became of it."""
        waiting = (order, self._loop_s())
        self._waiting.append(waiting)
        self.draw()
        try:
            said = await self._feed.call(order.op, **order.args)
        except LinectlError as error:
            self.controls.say(*_failed(order, error))
        else:
            self._take(order, said)
        finally:
            self._waiting.remove(waiting)
            self.draw()

    def _take(self, order: Order, said: Mapping[str, Any]) -> None:
        if order.op == "arm":
            self.controls.arming.begin(self._loop_s(), orders.ARMED_S)
            self.controls.say(tr("writes are armed for five minutes; w disarms"))
        elif order.op == "disarm":
            self.controls.arming.end()
            self.controls.say(tr("writes are disarmed"))
        elif orders.doubted(said) and not order.args.get("sure"):
            self.controls.ask_again(order, orders.doubted(said))
        else:
            self.controls.say(*orders.answered(order, said))


def _failed(order: Order, error: LinectlError) -> tuple[str, Mood]:
    """Return why an order came to nothing; of an abort that did not reach the line, what helps then."""
    why = printable(" ".join(part for part in (error.message, error.hint) if part))
    if order.always and isinstance(error, Unreachable):
        form = tr("{what} NOT DELIVERED: {why}. Stop the line at its own panel, or by its emergency stop.")
        return form.format(what=order.what, why=why), Mood.ALARM
    return tr("{what}: not done. {why}").format(what=order.what, why=why), Mood.WARNING
