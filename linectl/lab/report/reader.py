"""Views of a store that show less than it holds: to one label maker, or of a run that is still blind.

Reports, fits and exports read through them and need not know what is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from linectl.lab.report.redact import HIDDEN_TAGS, Redaction, in_codes, with_codes
from linectl.model.records import Bottle, Check, Event, Run, Trial
from linectl.store.codec import Block
from linectl.store.reader import Group, StoreReader, TrialSpan

__all__ = ["CodedReader", "MakersReader"]


class MakersReader(StoreReader):
    """Shows the bottles with `glues` in the baths that hold one with any of `own`; see `Redaction`.

    Readings between the shown baths are left out as soon as a bath is; the tags of the camera are never shown.
    """

    def __init__(self, whole: StoreReader, *, glues: frozenset[str], own: frozenset[str]) -> None:
        super().__init__(whole.path)
        self._whole = whole
        self._glues = glues
        self._own = own
        self._known: dict[str, Redaction] = {}

    def runs(self) -> list[Run]:
        """Return all runs, without their definitions."""
        return [replace(run, ref="", definition="", config_hash="", reason="", seed=None) for run in super().runs()]

    def trials(self, run_id: str) -> list[Trial]:
        """Return the shown baths, numbered anew."""
        return self._redaction(run_id).of_trials(super().trials(run_id))

    def bottles(self, run_id: str) -> list[Bottle]:
        """Return the shown bottles, numbered anew."""
        return self._redaction(run_id).of_bottles(super().bottles(run_id))

    def checks(self, run_id: str) -> list[Check]:
        """Return the looks at shown bottles."""
        return self._redaction(run_id).of_checks(super().checks(run_id))

    def events(self, run_id: str) -> list[Event]:
        """Return what happened in the shown baths."""
        return self._redaction(run_id).of_events(super().events(run_id))

    def events_of(self, kind: str) -> list[Event]:  # noqa: ARG002  # the reader's signature
        """Return nothing: what concerns the whole store is not the maker's."""
        return []

    def groups(self, run_id: str) -> list[Group]:
        """Return the scan groups with the tags that are shown."""
        found = []
        for group in super().groups(run_id):
            tags = tuple(tag for tag in group.tags if not tag.name.startswith(HIDDEN_TAGS))
            if tags:
                found.append(Group(group.name, group.period_s, tags))
        return found

    def blocks(
        self, run_id: str, group: str, *, trial: int | None = None, tags: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the scans of the shown baths, or of one by its shown number."""
        numbers = self._redaction(run_id).trials
        if trial is None and len(numbers) == len(self._whole.trials(run_id)):
            yield from super().blocks(run_id, group, tags=tags)
            return
        for stored, shown in numbers.items():
            if trial in {None, shown}:
                yield from super().blocks(run_id, group, trial=stored, tags=tags)

    def trial_spans(self, run_id: str, group: str) -> list[TrialSpan]:
        """Return which scans belong to which shown bath."""
        numbers = self._redaction(run_id).trials
        spans = super().trial_spans(run_id, group)
        return [replace(span, ord=numbers[span.ord]) for span in spans if span.ord in numbers]

    def _redaction(self, run_id: str) -> Redaction:
        if run_id not in self._known:
            trials, bottles = self._whole.trials(run_id), self._whole.bottles(run_id)
            self._known[run_id] = Redaction.of(trials, bottles, glues=self._glues, own=self._own)
        return self._known[run_id]


class CodedReader(StoreReader):
    """Shows glues by their codes in the runs of `codes` (run id -> glue -> code), in every text too."""

    def __init__(self, whole: StoreReader, codes: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(whole.path)
        self._codes = codes

    def runs(self) -> list[Run]:
        """Return all runs; the names of glues in their texts are codes."""
        return [self._run(run) for run in super().runs()]

    def bottles(self, run_id: str) -> list[Bottle]:
        """Return the bottles of a run with codes in place of their glues."""
        codes = self._codes.get(run_id)
        found = super().bottles(run_id)
        if codes is None:
            return found
        return [replace(bottle, glue=bottle.code or codes.get(bottle.glue, "?")) for bottle in found]

    def events(self, run_id: str) -> list[Event]:
        """Return the events of a run with codes in their texts."""
        codes = self._codes.get(run_id, {})
        return [
            replace(event, data={key: in_codes(value, codes) for key, value in event.data.items()})
            for event in super().events(run_id)
        ]

    def _run(self, run: Run) -> Run:
        codes = self._codes.get(run.id, {})
        return replace(run, ref=with_codes(run.ref, codes), reason=with_codes(run.reason, codes))
