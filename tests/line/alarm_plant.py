"""A plant of a few tags and an alarm system on it, for tests: values are given, time goes on by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from linectl.config.files import SourceText
from linectl.config.load import load_alarms_text
from linectl.line.alarms.gate import Gate
from linectl.line.alarms.step import act, next_due_s, step
from linectl.model.alarms import AlarmEvent, Alarms, AlarmState, Change, State
from linectl.model.readings import GOOD, Quality, Reading, Scan, ScanLayout, Value, bad

HEAD = "kind: alarms\nline: simulated\nalarms:\n"
TEXTS = "message: It is so., cause: It broke., action: Mend it."


def rules(*alarms: str) -> Alarms:
    """Return alarms of the simulated bath, each given as `name: keys`."""
    lines = [f"  {each.split(':', 1)[0]}: {{{each.split(':', 1)[1]}, {TEXTS}}}\n" for each in alarms]
    return load_alarms_text(SourceText("a.yaml", HEAD + "".join(lines), "0" * 64))


@dataclass
class Plant:
    """Alarms over values that a test gives. With `gated` only what the gate lets through is judged."""

    rules: Alarms
    gated: bool = False
    now_s: float = 0.0
    state: State = field(default_factory=State)
    changes: list[Change] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    judged: int = 0
    _readings: dict[str, Reading] = field(default_factory=dict)
    _gate: Gate | None = None

    def at(self, now_s: float, given: Mapping[str, Value | Quality] | None = None) -> Plant:
        """Go to `now_s`, with what due delays do on the way, and give readings there."""
        while (due_s := next_due_s(self.rules, self.state)) < now_s:
            self._step(max(due_s, self.state.now_s), None)
        self.now_s = now_s
        readings = {tag: _reading(tag, said) for tag, said in (given or {}).items()}
        if self.gated:
            self._scan(readings)
        else:
            self._readings |= readings
            self._step(now_s, None)
        return self

    def lose(self, *links: str) -> None:
        self.lost = set(links)
        self._step(self.now_s, None)

    def do(self, name: str, event: AlarmEvent, *, who: str = "anna", until_s: float | None = None) -> bool:
        """Have a person act; return whether it was taken."""
        done = act(self.rules, self.state, name, event, self.now_s, who=who, why="so", until_s=until_s)
        if done is not None:
            self.state = done[0]
            self.changes += done[1]
        return done is not None

    def is_(self, name: str) -> AlarmState:
        return self.state.entry(name).state

    @property
    def announced(self) -> list[str]:
        return [each.name for each in self.changes if each.announced]

    def _scan(self, readings: Mapping[str, Reading]) -> None:
        if self._gate is None:
            self._gate = Gate(self.rules)
        layout = ScanLayout("all", 1.0, tuple(readings))
        touched = self._gate.touched(Scan(layout, "test", 0, 0, 0, tuple(readings.values())))
        self._readings |= {each.tag: each for each in touched}
        due = self.now_s >= next_due_s(self.rules, self.state)
        if touched or due:
            self.judged += 1
            self._step(self.now_s, None if due else self._gate.alarms_of(touched))
            self._gate.seen(touched, self.state)

    def _step(self, now_s: float, names: list[str] | None) -> None:
        self.state, changes = step(self.rules, self.state, self._readings, now_s, self.lost, names)
        self.changes += changes


def _reading(tag: str, said: Value | Quality) -> Reading:
    if isinstance(said, Quality):
        return Reading(tag, None, said, 0, 0, 0)
    return Reading(tag, said, GOOD, 0, 0, 0)


def without_guards(rules: Alarms) -> Alarms:
    """Return the rules without delays and deadbands, for negative controls."""
    bare = {name: replace(each, on_delay_s=0.0, off_delay_s=0.0, deadband=0.0) for name, each in rules.alarms.items()}
    return replace(rules, alarms=bare)


DEAD = bad("sensor_failure")
WAITING = bad("waiting_for_initial_data")
