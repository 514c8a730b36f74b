"""The forms of MQTT sensors: topics, shapes, conversions, and frames."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadReply
from drivers.frames.mqtt_forms import FORMS, belongs, filters, frame_of, of_frame, part_of, understood
from drivers.frames.payload import BadPayload, Json
from drivers.settings import MqttSource


def said(form: str, base: str, topic: str, payload: object) -> dict[str, Json]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return dict(understood(MqttSource(base, form), topic, raw).parts)


@pytest.mark.parametrize(
    ("form", "topic", "expected"),
    [
        ("json", "room/climate", ["room/climate"]),
        ("number", "room/t", ["room/t"]),
        ("tasmota", "bath", ["tele/bath/SENSOR", "tele/bath/STATE", "tele/bath/LWT"]),
        ("tasmota", "tele/bath", ["tele/bath/SENSOR", "tele/bath/STATE", "tele/bath/LWT"]),
        ("tasmota", "lab/bath/tele", ["lab/bath/tele/SENSOR", "lab/bath/tele/STATE", "lab/bath/tele/LWT"]),
        ("shelly", "shellyht-1", ["shellyht-1/events/rpc", "shellyht-1/status/+", "shellyht-1/online"]),
        ("zigbee2mqtt", "z/lid", ["z/lid", "z/lid/availability", "z/bridge/state"]),
    ],
)
def test_what_is_subscribed_belongs_to_the_sensor(form: str, topic: str, expected: list[str]) -> None:
    source = MqttSource(topic, form)
    assert list(filters(source)) == expected
    for each in expected:
        assert belongs(source, each.replace("+", "temperature:0"))
    assert not belongs(source, "other/topic")
    assert not belongs(source, f"{topic}/status/a/b")


def test_a_device_whose_name_has_a_slash_is_found_under_any_base() -> None:
    assert set(filters(MqttSource("home/zigbee/oven/lid", "zigbee2mqtt"))) >= {
        "home/bridge/state",
        "home/zigbee/bridge/state",
    }


@pytest.mark.parametrize(
    ("topic", "form"), [("a/+", "json"), ("#", "tasmota"), ("", "json"), ("a", "homie"), ("a\0", "json")]
)
def test_a_wrong_source_is_refused(topic: str, form: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        filters(MqttSource(topic, form))


def test_tasmota_in_fahrenheit_is_told_in_celsius() -> None:
    document = {
        "Time": "2026-01-01T00:00:00",
        "DS18B20-1": {"Id": "01", "Temperature": 212},
        "AM2301": {"Temperature": 32.0, "Humidity": 32.4, "DewPoint": 50},
        "ANALOG": {"Temperature1": None},
        "TempUnit": "F",
    }
    told = understood(MqttSource("t", "tasmota"), "tele/t/SENSOR", json.dumps(document).encode())
    assert told.parts["SENSOR"] == document | {
        "DS18B20-1": {"Id": "01", "Temperature": 100.0},
        "AM2301": {"Temperature": 0.0, "Humidity": 32.4, "DewPoint": 10.0},
        "TempUnit": "C",
    }
    assert told.note == "converted from °F"
    same = understood(MqttSource("t", "tasmota"), "tele/t/SENSOR", json.dumps(document | {"TempUnit": "C"}).encode())
    assert same.parts["SENSOR"] == document | {"TempUnit": "C"}  # in °C nothing is touched
    assert same.note == ""


def test_tasmotas_parts_need_not_be_named() -> None:
    assert part_of("tasmota", ("DS18B20", "Temperature")) == ("SENSOR", ("DS18B20", "Temperature"))
    assert part_of("tasmota", ("STATE", "Wifi", "RSSI")) == ("STATE", ("Wifi", "RSSI"))
    assert part_of("shelly", ("temperature:0", "tC")) == ("temperature:0", ("tC",))
    assert part_of("json", ("a", "b")) == ("", ("a", "b"))


def test_a_shelly_says_changes_full_statuses_and_events() -> None:
    params = {"ts": 1680962879.62, "temperature:0": {"id": 0, "tC": 19.8, "tF": 67.6}}
    changed = understood(
        MqttSource("s", "shelly"), "s/events/rpc", json.dumps({"method": "NotifyStatus", "params": params}).encode()
    )
    assert changed.parts == {"temperature:0": {"id": 0, "tC": 19.8, "tF": 67.6}}
    assert (changed.overlay, changed.source_ns) == (True, 1_680_962_879_620_000_000)
    full = said("shelly", "s", "s/status/temperature:0", {"id": 0, "tC": 19.8})
    assert full == {"temperature:0": {"id": 0, "tC": 19.8}}
    assert said("shelly", "s", "s/events/rpc", {"method": "NotifyEvent", "params": {"ts": 1, "events": []}}) == {}
    with pytest.raises(BadPayload):
        said("shelly", "s", "s/events/rpc", {"method": "NotifyStatus"})


@pytest.mark.parametrize(
    ("form", "base", "topic", "payload", "online"),
    [
        ("tasmota", "t", "tele/t/LWT", b"Online", True),
        ("tasmota", "t", "tele/t/LWT", b"Offline", False),
        ("shelly", "s", "s/online", b"true", True),
        ("shelly", "s", "s/online", b"false", False),
        ("zigbee2mqtt", "z/a", "z/a/availability", b'{"state": "online"}', True),
        ("zigbee2mqtt", "z/a", "z/a/availability", b"offline", False),
        ("zigbee2mqtt", "z/a", "z/bridge/state", b'{"state":"offline"}', False),
    ],
)
def test_presence(form: str, base: str, topic: str, payload: bytes, online: bool) -> None:
    assert understood(MqttSource(base, form), topic, payload).online is online
    for other in (b"", b"maybe", b'{"state": 1}', b"\xff", b"[]", b"1"):
        with pytest.raises(BadPayload):
            understood(MqttSource(base, form), topic, other)


@pytest.mark.parametrize("form", ["tasmota", "shelly", "zigbee2mqtt"])
def test_a_document_that_is_no_object_is_refused(form: str) -> None:
    topic = {"tasmota": "tele/x/SENSOR", "shelly": "x/events/rpc", "zigbee2mqtt": "x"}[form]
    with pytest.raises(BadPayload, match="no JSON object"):
        said(form, "x", topic, b"[1]")


@given(st.binary(max_size=300), st.sampled_from(FORMS))
def test_nothing_but_a_bad_payload_comes_out_of_garbage(payload: bytes, form: str) -> None:
    source = MqttSource("z/a", form)
    for topic in filters(source):
        try:
            understood(source, topic.replace("+", "x"), payload)
        except BadPayload as exc:
            assert exc.reason  # noqa: PT017  # it may or may not raise


@given(st.text(min_size=1).filter(lambda text: "\0" not in text), st.binary())
def test_a_frame_holds_topic_and_payload(topic: str, payload: bytes) -> None:
    assert of_frame(frame_of(topic, payload)) == (topic, payload)


@pytest.mark.parametrize("frame", [b"", b"topic", b"\xff\0x"])
def test_what_is_no_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(BadReply):
        of_frame(frame)
