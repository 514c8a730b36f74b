"""What one label maker may see of a run: its own glues and the reference, and no trace that there were others.

A pure filter over records. Baths without a bottle of the maker's are left out, baths and bottles are numbered anew
(a hole in a numbering counts what is not shown), and of the journal there remain machine words and figures of these
baths: no free text, no name, no list of positions. Times of what is shown are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from linectl.model.records import Bottle, Check, Event, Run, Trial

__all__ = ["HIDDEN_TAGS", "Redaction", "in_codes", "with_codes"]

HIDDEN_TAGS = ("label.",)  # the camera's tags: a label at each position, whosever glue it is

_KEPT: Mapping[str, tuple[str, ...]] = {
    "run_started": (),
    "run_ended": ("status",),
    "run_interrupted": (),
    "calibrations": ("hash", "sensors"),
    "phase": ("trial", "phase"),
    "state": ("of", "from", "to", "trial"),
    "refill": ("trial", "reason"),
    "held": ("trial", "phase", "held_s"),
    "ended_early": ("trial", "phase"),
    "bath_flagged": ("trial", "flags"),
    "dose_not_shown": ("asked_pct", "found_pct"),
    "sensor_dead": ("tag", "quality"),
    "sensor_alive": ("tag",),
    "clock_step": ("step_s", "against_run_s"),
    "crash": ("trial", "phase", "gap_s", "temperature_c"),
    "resumed": ("trial", "phase", "policy", "temperature_c"),
    "heat_armed": ("wanted_c",),
    "heat_not_armed": (),
    "plc_alarm": (),
    "plc_reboot": (),
    "safe": ("heater",),
    "bottle_skipped": ("trial", "bottle", "position"),
    "checks_missed": ("trial", "planned_ns", "positions"),
    "correction": ("bottle", "position", "attached", "at_ns"),
}
_OF_THE_RUN = frozenset({"run_started", "run_ended", "run_interrupted", "calibrations"})


@dataclass(frozen=True, slots=True)
class _Shown:
    """How a bottle is called in what the maker sees."""

    trial: int
    label: str
    position: int


@dataclass(frozen=True, slots=True)
class Redaction:
    """The filter of one run; `trials` gives the shown number of each bath that is shown."""

    trials: Mapping[int, int]
    _bottles: Mapping[tuple[int, str], _Shown]
    _places: Mapping[tuple[int, int], _Shown]
    _spans: tuple[tuple[int, int], ...]  # ns: the baths that are not shown

    @classmethod
    def of(
        cls, trials: Sequence[Trial], bottles: Sequence[Bottle], *, glues: Iterable[str], own: Iterable[str]
    ) -> Redaction:
        """Return the filter that shows the bottles with `glues` in the baths that hold one with any of `own`."""
        mine, shown_glues = frozenset(own), frozenset(glues)
        baths = {bottle.trial for bottle in bottles if bottle.glue in mine}
        kept = [trial.ord for trial in trials if trial.ord in baths]
        numbers = {ord_: number for number, ord_ in enumerate(kept, start=1)}
        shown: dict[tuple[int, str], _Shown] = {}
        places: dict[tuple[int, int], _Shown] = {}
        for ord_, number in numbers.items():
            told = [bottle for bottle in bottles if bottle.trial == ord_ and bottle.glue in shown_glues]
            for place, bottle in enumerate(told, start=1):
                as_shown = _Shown(number, f"T{number:02d}-{place:02d}", place)
                shown[ord_, bottle.label] = as_shown
                places[ord_, bottle.position] = as_shown
        others = [trial for trial in trials if trial.ord not in numbers and trial.started_ns is not None]
        spans = tuple((t.started_ns or 0, t.ended_ns or 2**63) for t in others)
        return cls(numbers, shown, places, spans)

    def run(self, run: Run) -> Run:
        """Return the run without its definition, its name, and hashes over them."""
        return replace(run, ref="", definition="", config_hash="", reason="", seed=None)

    def of_trials(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return the shown baths under their shown numbers."""
        return [replace(trial, ord=self.trials[trial.ord]) for trial in trials if trial.ord in self.trials]

    def of_bottles(self, bottles: Iterable[Bottle]) -> list[Bottle]:
        """Return the shown bottles under their shown names, without blind codes (a code tells of others)."""
        found = []
        for bottle in bottles:
            shown = self._bottles.get((bottle.trial, bottle.label))
            if shown is not None:
                found.append(replace(bottle, trial=shown.trial, label=shown.label, position=shown.position, code=""))
        return found

    def of_checks(self, checks: Iterable[Check]) -> list[Check]:
        """Return the looks at shown bottles."""
        pairs = ((check, self._bottles.get((check.trial, check.bottle))) for check in checks)
        return [replace(check, trial=shown.trial, bottle=shown.label) for check, shown in pairs if shown is not None]

    def of_events(self, events: Iterable[Event]) -> list[Event]:
        """Return what happened in the shown baths, without free texts."""
        return [told for event in events if (told := self._event(event)) is not None]

    def _event(self, event: Event) -> Event | None:
        keys = _KEPT.get(event.kind)
        if keys is None or str(event.data.get("tag", "")).startswith("label"):
            return None
        data = {key: event.data[key] for key in keys if key in event.data}
        trial = event.data.get("trial")
        if isinstance(trial, int):
            if trial not in self.trials:
                return None
            if "trial" in data:
                data["trial"] = self.trials[trial]
        elif event.kind not in _OF_THE_RUN and self._elsewhere(event.ts_ns):
            return None
        placed = self._placed(event, data)
        return None if placed is None else replace(event, data=placed)

    def _elsewhere(self, ns: int) -> bool:
        return any(start <= ns <= end for start, end in self._spans)

    def _placed(self, event: Event, data: dict[str, object]) -> dict[str, object] | None:
        """Return `data` with shown names for bottles and positions; None when it tells of no shown bottle."""
        if "bottle" in data:
            found = self._by_label(event.data.get("trial"), str(data["bottle"]))
            return None if found is None else {**data, "bottle": found.label, "position": found.position}
        positions = data.get("positions")
        trial = event.data.get("trial")
        if isinstance(positions, list) and isinstance(trial, int):
            shown = [self._places[trial, place] for place in positions if (trial, place) in self._places]
            return {**data, "positions": [each.position for each in shown]} if shown else None
        return data

    def _by_label(self, trial: object, label: str) -> _Shown | None:
        if isinstance(trial, int):
            return self._bottles.get((trial, label))
        found = [shown for (_, name), shown in self._bottles.items() if name == label]
        return found[0] if len(found) == 1 else None


def with_codes(text: str, codes: Mapping[str, str]) -> str:
    """Return `text` with each glue's name replaced by its code, whatever its case; longer names first."""
    for glue in sorted(codes, key=len, reverse=True):
        text = re.sub(re.escape(glue), codes[glue], text, flags=re.IGNORECASE)
    return text


def in_codes(value: object, codes: Mapping[str, str]) -> object:
    """Return JSON-like `value` with each glue's name in its texts (keys too) replaced by its code."""
    if isinstance(value, str):
        return with_codes(value, codes)
    if isinstance(value, Mapping):
        return {with_codes(str(key), codes): in_codes(each, codes) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [in_codes(each, codes) for each in value]
    return value
