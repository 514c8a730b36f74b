"""What counts as a fresh sample: sequence numbers, restarts, and a bounded memory."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt_inbox import LATE_S, TOPICS_LIMIT, Inbox

TOPIC = "sensors/room/climate"


def take(inbox: Inbox, value: object, now_s: float = 0.0, *, retained: bool = False, **fields: object) -> bool:
    payload = json.dumps({"v": value, **fields}).encode()
    return inbox.take(TOPIC, payload, retained=retained, now_s=now_s)


def value(inbox: Inbox, kind: str = "float") -> object:
    return inbox.reading(TOPIC, ("v",), kind).value


def test_nothing_has_come_yet() -> None:
    reading = Inbox().reading(TOPIC, ("v",), "float")
    assert (reading.value, reading.reason) == (None, "waiting_for_initial_data")
    assert TOPIC in reading.detail


def test_the_newest_wins_and_brings_its_arrival() -> None:
    inbox = Inbox()
    assert take(inbox, 1.0, 10.0)
    assert take(inbox, 2.0, 11.5)
    reading = inbox.reading(TOPIC, ("v",), "float")
    assert (reading.value, reading.t_request_s, reading.t_reply_s, reading.source_ns) == (2.0, 11.5, 11.5, None)


def test_a_retained_message_neither_starts_nor_replaces() -> None:
    inbox = Inbox()
    assert not take(inbox, 9.0, retained=True)
    assert value(inbox) is None
    assert take(inbox, 1.0)
    assert not take(inbox, 9.0, retained=True)
    assert value(inbox) == 1.0
    assert inbox.counts == {"retained": 2}


def test_doubled_and_late_messages_are_dropped() -> None:
    inbox = Inbox()
    for seq in (1, 2, 2, 4, 3, 4, 1, 5):
        take(inbox, float(seq), 0.1 * seq, seq=seq)
    assert value(inbox) == 5.0
    assert inbox.counts == {"duplicate": 2, "late": 2}


@pytest.mark.fault("F19")
@given(st.permutations([*range(1, 9), *range(3, 6)]), st.booleans())
def test_any_order_with_doubles_ends_with_the_newest(order: list[int], with_time: bool) -> None:
    inbox = Inbox()
    kept = []
    for k, seq in enumerate(order):
        if take(inbox, float(seq), k / 10, seq=seq, ts=1_767_225_600 + seq if with_time else None):
            kept.append(seq)
    assert value(inbox) == 8.0
    assert kept == sorted(set(kept))  # no older sample ever replaced a newer one


def test_a_device_that_started_again_is_believed_by_its_own_time() -> None:
    inbox = Inbox()
    take(inbox, 1.0, 0.0, seq=5000, ts="2026-01-01T00:00:00Z")
    assert take(inbox, 2.0, 1.0, seq=1, ts="2026-01-01T00:00:01Z")
    assert not take(inbox, 1.0, 1.1, seq=1, ts="2026-01-01T00:00:01Z")
    assert value(inbox) == 2.0


def test_a_device_that_started_again_without_a_clock_is_believed_after_a_while() -> None:
    inbox = Inbox()
    take(inbox, 1.0, 0.0, seq=5000)
    assert not take(inbox, 2.0, 1.0, seq=1)
    assert take(inbox, 3.0, LATE_S + 0.1, seq=31)
    assert value(inbox) == 3.0


def test_the_same_sample_again_is_never_fresh() -> None:
    inbox = Inbox()
    take(inbox, 1.0, 0.0, seq=7, ts="2026-01-01T00:00:00Z")
    assert not take(inbox, 1.0, 1000.0, seq=7, ts="2026-01-01T00:00:00Z")
    assert inbox.reading(TOPIC, ("v",), "float").t_reply_s == 0.0


def test_without_numbers_each_message_counts() -> None:
    inbox = Inbox()
    assert take(inbox, 1.0, seq=7)
    assert take(inbox, 2.0, seq="8")
    assert take(inbox, 3.0, seq=True)
    assert take(inbox, 3.0)


@pytest.mark.parametrize(
    ("said", "kind", "value_", "reason"),
    [
        (None, "bool", None, "out_of_service"),
        (True, "bool", True, ""),
        (1, "bool", None, "bad_reply"),
        (True, "float", None, "bad_reply"),
        ("20.1", "float", None, "bad_reply"),
        (20, "float", 20.0, ""),
        (70_000, "u16", None, "bad_reply"),
        (-5, "i16", -5, ""),
        (5.5, "u16", None, "bad_reply"),
        ("on", "str", "on", ""),
    ],
)
def test_values_are_of_the_kind_that_was_asked_for(said: object, kind: str, value_: object, reason: str) -> None:
    inbox = Inbox()
    take(inbox, said)
    reading = inbox.reading(TOPIC, ("v",), kind)
    assert reading.value == value_
    assert type(reading.value) is type(value_)
    assert reading.reason == reason


def test_a_bad_payload_leaves_the_last_value_as_it_was() -> None:
    inbox = Inbox()
    take(inbox, 1.0, 5.0)
    assert not inbox.take(TOPIC, b"{", retained=False, now_s=6.0)
    assert not inbox.take(TOPIC, b" " * 5000, retained=False, now_s=6.0)
    assert inbox.reading(TOPIC, ("v",), "float").t_reply_s == 5.0
    assert inbox.counts == {"bad_payload": 1, "oversize": 1}


def test_memory_is_bounded_and_keeps_the_topics_that_speak() -> None:
    inbox = Inbox()
    for k in range(3 * TOPICS_LIMIT):
        inbox.take(f"noise/{k}", b"{}", retained=False, now_s=float(k))
        if k % 500 == 0:
            take(inbox, float(k), float(k))
    assert value(inbox) == 3000.0
    assert len(inbox._samples) == TOPICS_LIMIT
    assert inbox.counts["forgotten_topic"] > TOPICS_LIMIT


def test_after_a_loss_nothing_is_fresh() -> None:
    inbox = Inbox()
    take(inbox, 1.0, seq=900)
    inbox.forget()
    assert value(inbox) is None
    assert take(inbox, 2.0, seq=1)
    assert repr(inbox) == "<Inbox 1 topics, {}>"
