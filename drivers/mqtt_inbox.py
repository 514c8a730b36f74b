"""The last live value of each MQTT topic: what counts as fresh, and what is dropped and counted."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.errors import BadReply
from drivers.frames import payload as frames
from drivers.link import RawReading

__all__ = ["LATE_S", "TOPICS_LIMIT", "Inbox"]

TOPICS_LIMIT = 1024  # topics remembered; beyond it the one that was silent for longest is forgotten
LATE_S = 30.0  # s; a lower number this long after a newer one is no late message but a device that started again


@dataclass(frozen=True, slots=True)
class _Sample:
    document: frames.Json
    arrived_s: float
    seq: int | None
    source_ns: int | None


class Inbox:
    """Newest live sample per topic; nothing here waits, so the newest is never dropped for want of room.

    A message is dropped when it is retained (a broker's memory is not a fresh sample), no sound JSON of at most 4 KB,
    or not newer than the one that is there. Newer by `seq`: a higher number. A lower or equal one is a late or
    doubled message, unless its own time `ts` is later, or 30 s went by since the newer one: then the device has
    started again and counts from the beginning. `counts` says why how many were dropped.
    """

    def __init__(self) -> None:
        self._samples: OrderedDict[str, _Sample] = OrderedDict()
        self.counts: Counter[str] = Counter()

    def __repr__(self) -> str:
        """Return how many topics are known and what was dropped."""
        return f"<Inbox {len(self._samples)} topics, {dict(self.counts)}>"

    def take(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> bool:
        """Keep a message that arrived at `now_s` (loop time); return whether it is the topic's newest."""
        if retained:
            return self._drop("retained")
        if len(payload) > frames.SIZE_LIMIT:
            return self._drop("oversize")
        try:
            document = frames.decode(payload)
        except BadReply:
            return self._drop("bad_payload")
        sample = _Sample(document, now_s, _sequence(document), frames.source_time_ns(document))
        before = self._samples.get(topic)
        if before is not None and not _is_newer(sample, before):
            return self._drop("duplicate" if sample.seq == before.seq else "late")
        self._samples[topic] = sample
        self._samples.move_to_end(topic)
        if len(self._samples) > TOPICS_LIMIT:
            self._samples.popitem(last=False)
            self.counts["forgotten_topic"] += 1
        return True

    def reading(self, topic: str, path: Sequence[str], kind: str) -> RawReading:
        """Return the field at `path` of the topic's newest sample, with its time of arrival."""
        sample = self._samples.get(topic)
        if sample is None:
            return RawReading(None, "waiting_for_initial_data", f"nothing live has come on {topic}")
        try:
            field = frames.field_at(sample.document, path)
            value = None if field is None else frames.typed(field, kind)
        except BadReply as exc:
            return _reading(sample, None, "bad_reply", f"{topic}: {exc}")
        if value is None:
            return _reading(sample, None, "out_of_service", f"{topic} says null")
        return _reading(sample, value)

    def forget(self) -> None:
        """Forget all samples: after a loss of the broker nothing is fresh."""
        self._samples.clear()

    def _drop(self, why: str) -> bool:
        self.counts[why] += 1
        return False


def _reading(sample: _Sample, value: float | bool | str | None, reason: str = "", detail: str = "") -> RawReading:
    return RawReading(value, reason, detail, sample.arrived_s, sample.arrived_s, sample.source_ns)


def _sequence(document: frames.Json) -> int | None:
    seq = document.get("seq") if isinstance(document, dict) else None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


def _is_newer(sample: _Sample, before: _Sample) -> bool:
    if sample.seq is None or before.seq is None or sample.seq > before.seq:
        return True
    if sample.source_ns is not None and before.source_ns is not None:
        if sample.source_ns > before.source_ns:
            return True
        if sample.source_ns == before.source_ns and sample.seq == before.seq:
            return False
    return sample.arrived_s - before.arrived_s > LATE_S
