"""What counts as a fresh sample: sequence numbers, restarts, and a bounded memory."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import RawReading
from drivers.mqtt.inbox import TOPICS_LIMIT, Inbox
from drivers.mqtt.newest import Arrival
from drivers.mqtt.sensor import LATE_S, PARTS_LIMIT
from drivers.settings import MqttSource
from drivers.wire_tap import WireTap

TOPIC = "sensors/room/climate"


def take(inbox: Inbox, value: object, now_s: float = 0.0, *, retained: bool = False, **fields: object) -> bool:
    return heard(inbox, TOPIC, {"v": value, **fields}, now_s, retained=retained)


def heard(inbox: Inbox, topic: str, said: object, now_s: float = 0.0, *, retained: bool = False) -> bool:
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    return inbox.take(Arrival(topic, payload[:4096], now_s, retained, len(payload)))


def read(inbox: Inbox, kind: str = "float", now_s: float = 0.0) -> RawReading:
    return inbox.reading(TOPIC, ("v",), kind, now_s)


def value(inbox: Inbox, kind: str = "float") -> object:
    return read(inbox, kind).value


def test_nothing_has_come_yet() -> None:
    reading = read(Inbox())
    assert (reading.value, reading.reason) == (None, "waiting_for_initial_data")
    assert TOPIC in reading.detail


def test_the_newest_wins_and_brings_its_arrival() -> None:
    inbox = Inbox()
    assert take(inbox, 1.0, 10.0)
    assert take(inbox, 2.0, 11.5)
    reading = read(inbox)
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
    assert read(inbox).t_reply_s == 0.0


def test_without_numbers_the_devices_time_tells_what_is_late() -> None:
    inbox = Inbox()
    assert take(inbox, 2.0, 0.0, ts="2026-01-01T00:00:02Z")
    assert not take(inbox, 1.0, 0.1, ts="2026-01-01T00:00:01Z")
    assert not take(inbox, 2.0, 0.2, ts="2026-01-01T00:00:02Z")
    assert take(inbox, 2.5, 0.3, ts="2026-01-01T00:00:02Z")
    assert take(inbox, 0.5, LATE_S + 1, ts="2025-01-01T00:00:00Z")  # its clock was set
    assert inbox.counts == {"late": 1, "duplicate": 1}


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
    reading = read(inbox, kind)
    assert reading.value == value_
    assert type(reading.value) is type(value_)
    assert reading.reason == reason


def test_a_bad_payload_leaves_the_last_value_as_it_was() -> None:
    inbox = Inbox()
    take(inbox, 1.0, 5.0)
    assert not heard(inbox, TOPIC, b"{", 6.0)
    assert not heard(inbox, TOPIC, b" " * 5000, 6.0)
    assert read(inbox).t_reply_s == 5.0
    assert inbox.counts == {"bad_json": 1, "oversize": 1}


def test_memory_is_bounded_and_keeps_the_topics_that_speak() -> None:
    inbox = Inbox()
    for k in range(3 * TOPICS_LIMIT):
        heard(inbox, f"noise/{k}", b"{}", float(k))
        if k % 500 == 0:
            take(inbox, float(k), float(k))
    assert value(inbox) == 3000.0
    assert len(inbox._others) == TOPICS_LIMIT - 1  # and the one that is read now
    assert len(inbox._tap.devices) <= TOPICS_LIMIT + 1
    assert inbox.counts["forgotten_topic"] > TOPICS_LIMIT


def test_a_topic_that_is_read_is_never_forgotten() -> None:
    inbox = Inbox()
    assert value(inbox) is None
    take(inbox, 7.0)
    for k in range(TOPICS_LIMIT + 5):
        heard(inbox, f"noise/{k}", b"{}")
    assert value(inbox) == 7.0


def test_after_a_loss_nothing_is_fresh() -> None:
    inbox = Inbox()
    take(inbox, 1.0, seq=900)
    inbox.forget()
    assert value(inbox) is None
    assert take(inbox, 2.0, seq=1)
    assert repr(inbox) == "<Inbox 1 read, 0 others, {}>"


FAHRENHEIT = {"Time": "2026-01-01T00:00:00", "DS18B20": {"Temperature": 160.16}, "TempUnit": "F"}


def sensors(**sources: MqttSource) -> tuple[Inbox, WireTap]:
    tap = WireTap()
    return Inbox(sources, tap=tap), tap


def test_a_sensor_that_is_offline_has_no_value_until_it_speaks_again() -> None:
    inbox, _tap = sensors(bath=MqttSource("bath", "tasmota", 300.0))
    path = ("DS18B20", "Temperature")
    heard(inbox, "tele/bath/LWT", b"Online", retained=True)
    assert inbox.reading("bath", path, "float", 0.0).reason == "waiting_for_initial_data"
    heard(inbox, "tele/bath/SENSOR", FAHRENHEIT, 1.0)
    reading = inbox.reading("bath", path, "float", 2.0)
    assert (reading.value, reading.fresh_s, reading.detail) == (71.2, 750.0, "converted from °F")
    heard(inbox, "tele/bath/LWT", b"Offline", 3.0)
    reading = inbox.reading("bath", path, "float", 3.0)
    assert (reading.value, reading.reason) == (None, "not_connected")
    assert "tele/bath/LWT says offline" in reading.detail
    heard(inbox, "tele/bath/LWT", b"Online", 4.0)
    assert inbox.reading("bath", path, "float", 4.0).reason == "waiting_for_initial_data"
    heard(inbox, "tele/bath/SENSOR", FAHRENHEIT, 5.0)
    assert inbox.reading("bath", path, "float", 5.0).value == 71.2


def test_a_retained_offline_counts_at_once_and_a_retained_online_is_no_sample() -> None:
    inbox, _tap = sensors(bath=MqttSource("bath", "tasmota"))
    heard(inbox, "tele/bath/SENSOR", FAHRENHEIT, retained=True)
    heard(inbox, "tele/bath/LWT", b"Offline", retained=True)
    assert inbox.reading("bath", ("DS18B20", "Temperature"), "float", 0.0).reason == "not_connected"
    heard(inbox, "tele/bath/LWT", b"Online", retained=True)
    assert inbox.reading("bath", ("DS18B20", "Temperature"), "float", 0.0).reason == "waiting_for_initial_data"
    assert inbox.counts == {"retained": 1}


def test_a_sample_between_offline_and_online_is_there_once_it_is_online() -> None:
    inbox, _tap = sensors(lid=MqttSource("zigbee2mqtt/lid", "zigbee2mqtt"))
    heard(inbox, "zigbee2mqtt/lid/availability", {"state": "offline"})
    heard(inbox, "zigbee2mqtt/lid", {"temperature": 21.3}, 1.0)
    assert inbox.reading("lid", ("temperature",), "float", 1.0).reason == "not_connected"
    heard(inbox, "zigbee2mqtt/lid/availability", b"online", 1.1)
    assert inbox.reading("lid", ("temperature",), "float", 1.2).value == 21.3
    heard(inbox, "zigbee2mqtt/bridge/state", {"state": "offline"}, 2.0)
    assert inbox.reading("lid", ("temperature",), "float", 2.0).reason == "not_connected"


def test_what_a_bridge_repeats_from_its_memory_is_not_fresh() -> None:
    inbox, _tap = sensors(lid=MqttSource("zigbee2mqtt/lid", "zigbee2mqtt"))
    said = {"temperature": 21.3, "battery": 97, "last_seen": "2026-01-01T00:00:00Z"}
    assert heard(inbox, "zigbee2mqtt/lid", said, 0.0)
    assert not heard(inbox, "zigbee2mqtt/lid", said, 600.0)
    assert inbox.reading("lid", ("temperature",), "float", 600.0).t_reply_s == 0.0


def test_each_quantity_of_a_zigbee_sensor_has_its_own_arrival() -> None:
    inbox, _tap = sensors(lid=MqttSource("zigbee2mqtt/lid", "zigbee2mqtt"))
    heard(inbox, "zigbee2mqtt/lid", {"temperature": 21.3, "humidity": 40}, 0.0)
    heard(inbox, "zigbee2mqtt/lid", {"humidity": 41}, 50.0)
    assert inbox.reading("lid", ("temperature",), "float", 51.0).t_reply_s == 0.0
    assert inbox.reading("lid", ("humidity",), "float", 51.0).t_reply_s == 50.0
    assert inbox.reading("lid", ("pressure",), "float", 51.0).reason == "waiting_for_initial_data"


def notified(method: str, ts: float, **components: object) -> dict[str, object]:
    return {"src": "shelly1", "method": method, "params": {"ts": ts, **components}}


def test_changes_of_a_shelly_lie_over_its_last_full_status() -> None:
    inbox, _tap = sensors(ht=MqttSource("shelly1", "shelly"))
    rpc = "shelly1/events/rpc"
    heard(inbox, rpc, notified("NotifyStatus", 1.7e9, **{"switch:0": {"apower": 5.0}}), 0.0)
    assert inbox.reading("ht", ("switch:0", "temperature", "tC"), "float", 0.0).reason == "waiting_for_initial_data"
    assert inbox.reading("ht", ("switch:0", "apower"), "float", 0.0).value == 5.0
    heard(inbox, "shelly1/status/switch:0", {"apower": 6.0, "temperature": {"tC": 40.0, "tF": 104.0}}, 1.0)
    heard(inbox, rpc, notified("NotifyStatus", 1.7e9 + 2, **{"switch:0": {"temperature": {"tC": 41.0}}}), 2.0)
    assert inbox.reading("ht", ("switch:0", "temperature", "tC"), "float", 2.0).value == 41.0
    assert inbox.reading("ht", ("switch:0", "temperature", "tF"), "float", 2.0).value == 104.0
    assert inbox.reading("ht", ("switch:0", "apower"), "float", 2.0).value == 6.0
    late = notified("NotifyStatus", 1.7e9 + 1, **{"switch:0": {"temperature": {"tC": 39.0}}})
    assert not heard(inbox, rpc, late, 2.1)
    assert heard(inbox, rpc, notified("NotifyEvent", 1.7e9 + 3, events=[]), 2.2)
    assert inbox.reading("ht", ("switch:0", "temperature", "tC"), "float", 2.2).t_reply_s == 2.0
    heard(inbox, "shelly1/online", b"false", 3.0)
    assert inbox.reading("ht", ("switch:0", "apower"), "float", 3.0).reason == "not_connected"


def test_a_bad_payload_tells_when_there_is_nothing_better() -> None:
    inbox, tap = sensors(bath=MqttSource("bath", "number", 10.0))
    for k in range(50):
        heard(inbox, "bath", b"1e999", k / 10)
    reading = inbox.reading("bath", (), "float", 5.0)
    assert (reading.value, reading.reason) == (None, "bad_reply")
    assert "too large" in reading.detail
    heard(inbox, "bath", b"21.5", 6.0)
    heard(inbox, "bath", b"NaN", 7.0)
    assert inbox.reading("bath", (), "float", 30.9).value == 21.5  # fresh for 25 s: something better
    assert inbox.reading("bath", (), "float", 31.1).reason == "bad_reply"
    assert inbox.counts == {"not_finite": 50, "bad_number": 1}
    assert [dump.why for dump in tap.dumps] == ["payload dropped: not_finite", "payload dropped: bad_number"]
    device = tap.devices["bath"]
    assert (device.bad_replies, device.dropped, device.replies) == (51, 51, 1)
    assert tap.frames[-1].data == b"bath\0NaN"
    assert (tap.frames[-1].device, tap.frames[-1].note) == ("bath", "bad_number")


def test_what_nobody_reads_is_counted_and_no_fault() -> None:
    inbox, tap = sensors(bath=MqttSource("bath"))
    heard(inbox, "other/LWT", b"Online")
    assert inbox.counts == {"bad_json": 1}
    assert not tap.dumps


def test_a_topic_of_a_sensor_can_be_read_by_itself_too() -> None:
    inbox, tap = sensors(bath=MqttSource("bath", "tasmota"), twin=MqttSource("tele/bath", "tasmota"))
    topic = "tele/bath/SENSOR"
    assert inbox.reading(topic, ("DS18B20", "Temperature"), "float", 0.0).reason == "waiting_for_initial_data"
    heard(inbox, topic, FAHRENHEIT)
    assert inbox.reading(topic, ("DS18B20", "Temperature"), "float", 0.0).value == 160.16  # as it stands there
    for name in ("bath", "twin"):
        assert inbox.reading(name, ("DS18B20", "Temperature"), "float", 0.0).value == 71.2
    assert set(tap.devices) == {"bath", "twin", topic}


def test_a_topic_alone_is_a_plain_number() -> None:
    inbox = Inbox()
    for text, number in ((b"21.5", 21.5), (b" -3\n", -3.0), (b"+07.", 7.0), (b"1e2", 100.0)):
        assert heard(inbox, "room", text)
        assert inbox.reading("room", (), "float", 0.0).value == number
    for text in (b"21.5 C", b"1_000", b"0x10", b"inf", b"--1", b"", b"\xff"):
        assert not heard(inbox, "room", text)
    assert inbox.reading("room", (), "i16", 0.0).value == 100
    assert heard(inbox, "room", b' {"v": 1}')


def test_the_overflow_of_the_queue_is_counted_where_it_happened() -> None:
    inbox, tap = sensors(bath=MqttSource("bath", "number"))
    inbox.take(Arrival("bath", b"1", 0.0, size=1, lost=7))
    inbox.overflowed(2)
    assert inbox.counts == {"overflow": 9}
    assert tap.devices["bath"].dropped == 7
    assert len(tap.dumps) == 1


def test_the_parts_of_a_sensor_are_bounded() -> None:
    inbox, _tap = sensors(lid=MqttSource("z/lid", "zigbee2mqtt"))
    for k in range(3 * PARTS_LIMIT):
        heard(inbox, "z/lid", {f"made_up_{k}": k, "temperature": k}, float(k))
    assert len(inbox._read["lid"]._parts) == len(inbox._read["lid"]._rhythms) == PARTS_LIMIT
    assert inbox.reading("lid", ("temperature",), "float", 0.0).value == 3 * PARTS_LIMIT - 1


@pytest.mark.fault("F19")
@given(st.permutations([*range(1, 9), *range(3, 6)]))
def test_any_order_of_a_shellys_changes_ends_with_the_newest(order: list[int]) -> None:
    inbox, _tap = sensors(ht=MqttSource("shelly1", "shelly"))
    for k, number in enumerate(order):
        said = notified("NotifyStatus", 1.7e9 + number, **{"temperature:0": {"tC": float(number)}})
        heard(inbox, "shelly1/events/rpc", said, k / 10)
    assert inbox.reading("ht", ("temperature:0", "tC"), "float", 2.0).value == 8.0


@given(st.binary(max_size=300), st.sampled_from(["json", "number", "tasmota", "shelly", "zigbee2mqtt"]))
def test_any_payload_on_any_topic_is_survived(payload: bytes, form: str) -> None:
    inbox, _tap = sensors(s=MqttSource("a/b", form))
    topics = (
        "a/b",
        "tele/a/b/SENSOR",
        "tele/a/b/LWT",
        "a/b/events/rpc",
        "a/b/status/x",
        "a/b/online",
        "a/bridge/state",
    )
    for topic in topics:
        heard(inbox, topic, payload)
    reading = inbox.reading("s", ("x", "y"), "float", 0.0)
    assert reading.value is None or isinstance(reading.value, float)
