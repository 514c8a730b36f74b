"""What the keys do: holds what the person has chosen on this screen, and decides whether an order may leave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from linectl.lab.answers import yes_or_no
from linectl.lab.desk import fits
from linectl.tui.styled import Mood
from linectl.tui.typed import typed_value
from linectl.tui.watch import orders
from linectl.tui.watch.alarm_words import state_of
from linectl.tui.watch.alarms_table import chosen_alarm, shown_alarms
from linectl.tui.watch.arming import Arming
from linectl.tui.watch.commands import Typed, command, seconds_of, set_order
from linectl.tui.watch.entry import Entry
from linectl.tui.watch.feed import items, section, text
from linectl.tui.watch.figures import figure
from linectl.tui.watch.orders import Order
from linectl.tui.watch.questions import asking, prompt_of
from linectl.tui.watch.sight import Body, Page, Plot, Sight
from linectl.tui.watch.values import in_order
from linectl.words import tr

__all__ = ["Controls"]

_CHORD_S = 2.0  # the second Ctrl+X must come within this time
_NEXT_PLOT = {Plot.BESIDE: Plot.ALONE, Plot.ALONE: Plot.OFF, Plot.OFF: Plot.BESIDE}


class Controls:
    """Takes keys one by one. `look` gives what is on the screen now, `send` carries an order to the server."""

    def __init__(self, look: Callable[[], Sight], send: Callable[[Order], None], page: Page = Page.ALL) -> None:
        self._look = look
        self._send = send
        self.page = page
        self.arming = Arming()
        self.chosen = ""
        self.filter = ""
        self._home = self.body = Body.ALARMS if page is Page.ALARMS else Body.VALUES
        self.plot = Plot.BESIDE
        self.alarm = ""
        self.scroll = 0
        self.entry: Entry | None = None
        self.said = ""
        self.said_mood = Mood.NORMAL
        self._chord_s = float("-inf")
        self._keys: dict[str, Callable[[], None]] = {
            "?": self._help,
            "escape": self._back,
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "pageup": lambda: self._move(-10),
            "pagedown": lambda: self._move(10),
            "p": self._turn_plot,
            "/": self._filter,
            "a": self._alarms,
            "z": self._shelve,
            "c": self._comment,
            "r": self._reset,
            "e": self._answer,
            "n": self._note,
            "w": self._arm,
            "s": self._set,
            ":": self._command,
            "H": lambda: self.order(orders.hold()),
        }

    def sight(self, sight: Sight) -> Sight:
        """Return `sight` with what was chosen here."""
        entry = self.entry
        return replace(
            sight,
            asking=None if entry is None else entry.asking,
            typed="" if entry is None else entry.typed,
            said=self.said,
            said_mood=self.said_mood,
            chosen=self.chosen,
            filter=self.filter,
            page=self.page,
            body=self.body,
            plot=self.plot,
            alarm=self.alarm,
            scroll=self.scroll,
        )

    def say(self, words: str, mood: Mood = Mood.NORMAL) -> None:
        """Put words above the keys, until the next key."""
        self.said, self.said_mood = words, mood

    def key(self, key: str) -> None:
        """Take one key: a character, or a name such as `enter` or `up`."""
        self.say("")
        if self.entry is not None:
            self._type(self.entry, key)
        elif key in self._keys:
            self._keys[key]()

    def paste(self, words: str) -> None:
        """Take what was pasted: into an open line, and nowhere else; it never acts as keys."""
        if self.entry is not None:
            self.entry.typed += "".join(char for char in words if char.isprintable())
            self._typed(self.entry)

    def abort_key(self, now_s: float) -> None:
        """Take Ctrl+X: the second one within two seconds aborts, armed or not, whatever is being typed."""
        if now_s - self._chord_s <= _CHORD_S:
            self._chord_s = float("-inf")
            self.order(orders.abort())
        else:
            self._chord_s = now_s
            self.say(tr("Ctrl+X once more: ABORT THE LINE. This is not the emergency stop."), Mood.ALARM)

    def ask_again(self, order: Order, doubt: str) -> None:
        """Ask whether an unusual value is meant; while something else is being typed it is only told."""
        if self.entry is not None:
            self.say(tr("{what}: REFUSED, {why}").format(what=order.what, why=doubt), Mood.WARNING)
            return
        sure = replace(order, args={**order.args, "sure": True})
        words = tr("{what}: {doubt} Meant so? y/N").format(what=order.what, doubt=doubt)
        self.entry = Entry(words, self._confirming(sure))

    def _confirming(self, order: Order) -> Callable[[str], str]:
        def done(said: str) -> str:
            if yes_or_no(said):
                self.order(order)
            else:
                self.say(tr("{what}: not done").format(what=order.what))
            return ""

        return done

    def order(self, order: Order) -> None:
        """Hand an order on, unless this screen may not send it now."""
        sight = self._look()
        if sight.dead and not order.always:
            self.say(tr("no server: nothing was sent"), Mood.WARNING)
        elif order.writes and sight.armed_s is None:
            self.say(tr("read-only: w arms writes for five minutes"), Mood.WARNING)
        else:
            self._send(order)

    # typing

    def _type(self, entry: Entry, key: str) -> None:
        if key == "escape":
            self.entry = None
            if entry.live is not None:
                entry.live("")
            return
        if key == "enter":
            why = entry.done(entry.typed)
            if why:
                self.say(why, Mood.WARNING)
            elif self.entry is entry:  # else it has opened the next one
                self.entry = None
            return
        if key == "backspace":
            entry.typed = entry.typed[:-1]
        elif len(key) == 1:
            entry.typed += key
        self._typed(entry)

    def _typed(self, entry: Entry) -> None:
        if entry.live is not None:
            entry.live(entry.typed)

    def _state(self) -> Mapping[str, Any]:
        return self._look().state

    # looking

    def _help(self) -> None:
        self.scroll = 0
        self.body = self._home if self.body is Body.HELP else Body.HELP

    def _back(self) -> None:
        self.body = self._home
        self.filter = ""

    def _turn_plot(self) -> None:
        self.plot = _NEXT_PLOT[self.plot]

    def _filter(self) -> None:
        self.entry = Entry(tr("show only"), lambda _typed: "", self.filter, self._filtered)

    def _filtered(self, typed: str) -> None:
        self.filter = typed
        names = in_order(self._look())
        if self.chosen not in names and names:
            self.chosen = names[0]

    def _move(self, by: int) -> None:
        sight = self._look()
        if self.body is Body.HELP:
            self.scroll = min(40, max(0, self.scroll + by))
        elif self.body is Body.ALARMS:
            ids = [text(each.get("id")) for each in shown_alarms(sight)]
            self.alarm = _beside(ids, self._under_cursor(), by)
        else:
            self.chosen = _beside(in_order(sight), self.chosen, by)

    # alarms

    def _alarms(self) -> None:
        """Unfold the alarms with the most pressing one under the cursor; there, acknowledge what is under it."""
        alarm = chosen_alarm(self._look())
        if self.body is not Body.ALARMS:
            self.body = Body.ALARMS
            self.alarm = ""
            first = chosen_alarm(self._look())
            self.alarm = "" if first is None else text(first.get("id"))
        elif alarm is not None:
            words = tr("acknowledge {alarm}").format(alarm=text(alarm.get("id")))
            self.order(Order("ack", {"ids": [text(alarm.get("id"))]}, words, writes=False))

    def _under_cursor(self) -> str:
        alarm = chosen_alarm(self._look()) if self.body is Body.ALARMS else None
        return "" if alarm is None else text(alarm.get("id"))

    def _shelve(self) -> None:
        name = self._under_cursor()
        if not name:
            return
        if self._look().armed_s is None:
            self.say(tr("read-only: w arms writes for five minutes"), Mood.WARNING)
            return

        chosen = chosen_alarm(self._look())
        if chosen is not None and state_of(chosen) == "shelved":
            self.order(Order("unshelve", {"ids": [name]}, tr("take back {alarm}").format(alarm=name)))
            return

        def done(typed: str) -> str:
            time, _, reason = typed.strip().partition(" ")
            seconds = seconds_of(time)
            if seconds is None or not reason.strip():
                return tr("give a time and a reason, such as: 30m sensor is being changed")
            args = {"ids": [name], "for_s": seconds, "reason": reason.strip()}
            self.order(Order("shelve", args, tr("shelve {alarm}").format(alarm=name)))
            return ""

        self.entry = Entry(tr("shelve {alarm}: TIME REASON").format(alarm=name), done)

    def _reset(self) -> None:
        name = self._under_cursor()
        if name:
            self.order(Order("alarm_reset", {"ids": [name]}, tr("reset {alarm}").format(alarm=name)))

    def _comment(self) -> None:
        name = self._under_cursor()
        if not name:
            return

        def done(typed: str) -> str:
            if typed.strip():
                args = {"id": name, "text": typed.strip()}
                self.order(Order("comment", args, tr("comment on {alarm}").format(alarm=name), writes=False))
            return ""

        self.entry = Entry(tr("comment on {alarm}").format(alarm=name), done)

    # what is said

    def _answer(self) -> None:
        waiting = items(self._state(), "prompts")
        if not waiting:
            self.say(tr("no question is open"))
            return
        prompt = prompt_of(waiting[0])

        def done(typed: str) -> str:
            if prompt.id not in {each.get("id") for each in items(self._state(), "prompts")}:
                self.say(tr("the question is closed: somebody else was first, or its time is over"), Mood.WARNING)
                return ""
            value = typed_value(prompt, typed.strip()) if typed.strip() or prompt.task == "check" else None
            why = tr("not understood") if value is None else fits(prompt, value)
            if why:
                return why
            shown = tr("answer {value}").format(value=typed.strip() or "–")
            self.order(Order("answer", {"prompt": prompt.id, "value": value}, shown, writes=False))
            return ""

        self.entry = Entry(asking(prompt), done)

    def _note(self) -> None:
        def done(typed: str) -> str:
            if typed.strip():
                self.order(Order("note", {"text": typed.strip()}, tr("note"), writes=False))
            return ""

        self.entry = Entry(tr("note"), done)

    # what writes

    def _arm(self) -> None:
        self.order(orders.arm() if self._look().armed_s is None else orders.disarm())

    def _set(self) -> None:
        sight = self._look()
        name = self.chosen
        info = section(section(sight.state, "tags"), name)
        if not info.get("writable"):
            self.say(tr("{name} cannot be written; choose one with ↑ ↓").format(name=name), Mood.WARNING)
            return
        if sight.armed_s is None:
            self.say(tr("read-only: w arms writes for five minutes"), Mood.WARNING)
            return
        reading = section(section(sight.state, "values"), name)
        now = f"{figure(reading.get('value'), info)} {text(info.get('unit'))}".strip()
        limits = f"{figure(info.get('low'), info)}…{figure(info.get('high'), info)}"
        words = tr("set {name} (now {now}; {limits}):").format(name=name, now=now, limits=limits)
        self.entry = Entry(words, lambda typed: self._take(set_order(name, typed, self._state())))

    def _command(self) -> None:
        self.entry = Entry(":", lambda typed: self._take(command(typed, self._state())) if typed.strip() else "")

    def _take(self, typed: Typed) -> str:
        """Send what was typed; an order that ends something is asked for again first."""
        order = typed.order
        if order is None:
            return typed.why
        if not typed.ask:
            self.order(order)
            return ""
        if order.writes and self._look().armed_s is None:
            return tr("read-only: w arms writes for five minutes")
        self.entry = Entry(typed.ask, self._confirming(order))
        return ""


def _beside(names: list[str], name: str, by: int) -> str:
    """Return the name so many places further on, the ends at most."""
    if not names:
        return ""
    at = names.index(name) if name in names else -1 if by > 0 else 0
    return names[min(len(names) - 1, max(0, at + by))]
