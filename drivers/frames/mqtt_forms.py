"""The forms in which sensors publish over MQTT, and how a received message is kept as one frame: pure functions.

Facts from the makers' pages: Tasmota (tasmota.github.io/docs/MQTT: `tele/<topic>/SENSOR`, `STATE`, `LWT` with Online
and Offline, TelePeriod 300 s), Shelly (shelly-api-docs.shelly.cloud/gen2: `<id>/events/rpc` with NotifyStatus, whose
changes lie over the last known status, `<id>/status/<component>`, `<id>/online`), Zigbee2MQTT
(www.zigbee2mqtt.io/guide/usage: `<base>/<name>`, `<base>/<name>/availability`, `<base>/bridge/state`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.errors import BadReply
from drivers.frames.payload import BadPayload, Json, decode, decode_number, source_time_ns, time_ns
from drivers.settings import MqttSource

__all__ = ["DEFAULT_PERIOD_S", "FORMS", "Said", "belongs", "filters", "frame_of", "of_frame", "part_of", "understood"]

FORMS = ("json", "number", "tasmota", "shelly", "zigbee2mqtt")
DEFAULT_PERIOD_S: Mapping[str, float] = {"tasmota": 300.0}
"""The period of a form, s, as its maker ships it; of the others nothing is known beforehand."""

_WHOLE = ""  # the name of the only part of a sensor whose messages are one document
_PRESENCE = {"online": True, "offline": False, "true": True, "false": False}
_TASMOTA_PARTS = ("SENSOR", "STATE")
_TASMOTA_TEMPERATURE = re.compile(r"\w*Temperature\d*|DewPoint|HeatIndex")


@dataclass(frozen=True, slots=True)
class Said:
    """What one message of a sensor says.

    `parts` are documents by the name of the part of the sensor they describe (Tasmota's SENSOR, a component of a
    Shelly, a quantity of Zigbee2MQTT, "" for all there is); with `overlay` they lie over what is known of the part.
    `online` is the word of a last will or an availability topic. `source_ns` is the device's own time, ns UTC; `seq`
    its message number. `note` says what was converted.
    """

    parts: Mapping[str, Json] = field(default_factory=dict)
    overlay: bool = False
    online: bool | None = None
    source_ns: int | None = None
    seq: int | None = None
    note: str = ""


def filters(source: MqttSource) -> tuple[str, ...]:
    """Return the topic filters under which everything of `source` comes.

    Raises:
        ValueError: no such form, or a topic with a wildcard.
    """
    if source.form not in FORMS:
        raise ValueError(f"{source.form!r} is no form of MQTT sensors: expected {', '.join(FORMS)}")
    if not source.topic or set("+#\0") & set(source.topic):
        raise ValueError(f"{source.topic!r} is no topic of a sensor: expected one without wildcards")
    return _FILTERS[source.form](_base(source))


def belongs(source: MqttSource, topic: str) -> bool:
    """Return whether a message on `topic` is one of `source`."""
    base = _base(source)
    status = f"{base}/status/"
    if source.form == "shelly" and topic.startswith(status):
        return "/" not in topic[len(status) :]
    return topic in _FILTERS[source.form](base)


def understood(source: MqttSource, topic: str, payload: bytes) -> Said:
    """Return what the message on `topic`, which belongs to `source`, says.

    Raises:
        BadPayload: the payload is too large, no sound text of its kind, or not shaped as the form has it.
    """
    return _READERS[source.form](_base(source), topic, payload)


def part_of(form: str, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the part of a sensor of `form` in which `path` leads, and the path inside it.

    Tasmota's SENSOR need not be named: `DS18B20.Temperature` is `SENSOR.DS18B20.Temperature`.
    """
    if form == "tasmota":
        return (path[0], path[1:]) if path and path[0] in _TASMOTA_PARTS else ("SENSOR", path)
    if form in {"shelly", "zigbee2mqtt"} and path:
        return path[0], path[1:]
    return _WHOLE, path


def frame_of(topic: str, payload: bytes) -> bytes:
    """Return a received message as one frame: the topic in UTF-8, a zero byte (no topic holds one), the payload."""
    return topic.encode() + b"\0" + payload


def of_frame(frame: bytes) -> tuple[str, bytes]:
    """Return topic and payload of a frame made by `frame_of`.

    Raises:
        BadReply: it is none.
    """
    topic, zero, payload = frame.partition(b"\0")
    if not zero:
        raise BadReply("no MQTT message: no zero byte behind a topic")
    try:
        return topic.decode(), payload
    except UnicodeDecodeError as exc:
        raise BadReply("no MQTT message: its topic is no UTF-8") from exc


def _base(source: MqttSource) -> str:
    """Return the base topic; Tasmota's may be given without its prefix (`%prefix%/%topic%/` as shipped)."""
    if source.form == "tasmota" and "tele" not in source.topic.split("/"):
        return f"tele/{source.topic}"
    return source.topic


def _one(base: str) -> tuple[str, ...]:
    return (base,)


def _tasmota_filters(base: str) -> tuple[str, ...]:
    return f"{base}/SENSOR", f"{base}/STATE", f"{base}/LWT"


def _shelly_filters(base: str) -> tuple[str, ...]:
    return f"{base}/events/rpc", f"{base}/status/+", f"{base}/online"


def _zigbee_filters(base: str) -> tuple[str, ...]:
    """Return the device's topics and the bridge's, wherever the base topic ends and the name of the device begins."""
    steps = base.split("/")
    roots = ("/".join(steps[:count]) for count in range(1, len(steps)))
    return base, f"{base}/availability", *(f"{root}/bridge/state" for root in roots)


def _json(_base_topic: str, _topic: str, payload: bytes) -> Said:
    document = decode(payload)
    return Said({_WHOLE: document}, source_ns=source_time_ns(document), seq=_sequence(document))


def _number(_base_topic: str, _topic: str, payload: bytes) -> Said:
    return Said({_WHOLE: decode_number(payload)})


def _tasmota(base: str, topic: str, payload: bytes) -> Said:
    part = topic[len(base) + 1 :]
    if part == "LWT":
        return Said(online=_presence(payload))
    document = _document(payload)
    if document.get("TempUnit") != "F":
        return Said({part: document})
    return Said({part: _celsius(document) | {"TempUnit": "C"}}, note="converted from °F")


def _celsius(document: dict[str, Json]) -> dict[str, Json]:
    """Return the document with its temperatures in °C; to a hundredth, as Tasmota shows no more."""
    converted: dict[str, Json] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            converted[name] = _celsius(value)
        elif _TASMOTA_TEMPERATURE.fullmatch(name) and isinstance(value, int | float) and not isinstance(value, bool):
            converted[name] = round((value - 32) / 1.8, 2)
        else:
            converted[name] = value
    return converted


def _shelly(base: str, topic: str, payload: bytes) -> Said:
    rest = topic[len(base) + 1 :]
    if rest == "online":
        return Said(online=_presence(payload))
    document = _document(payload)
    if rest.startswith("status/"):
        return Said({rest[len("status/") :]: document})
    method, params = document.get("method"), document.get("params")
    if not isinstance(method, str) or method not in {"NotifyStatus", "NotifyFullStatus"}:
        return Said()  # an event, or the answer to somebody's call: no status
    if not isinstance(params, dict):
        raise BadPayload("bad_json", f"{method} without params")
    parts: dict[str, Json] = {name: status for name, status in params.items() if isinstance(status, dict)}
    return Said(parts, overlay=method == "NotifyStatus", source_ns=time_ns(params.get("ts")))


def _zigbee2mqtt(base: str, topic: str, payload: bytes) -> Said:
    if topic != base:
        return Said(online=_presence(payload))
    document = _document(payload)
    return Said(document, source_ns=time_ns(document.get("last_seen")))


def _document(payload: bytes) -> dict[str, Json]:
    document = decode(payload)
    if not isinstance(document, dict):
        raise BadPayload("bad_json", "no JSON object")
    return document


def _presence(payload: bytes) -> bool:
    """Return what a presence topic says: Online, true, or {"state": "online"}, and their opposites."""
    text: Json = payload[:64].decode("utf-8", "replace").strip()
    if isinstance(text, str) and text.startswith("{"):
        text = _document(payload).get("state")
    online = _PRESENCE.get(text.lower()) if isinstance(text, str) else None
    if online is None:
        raise BadPayload("bad_json", f"{str(text)[:40]!r} is neither online nor offline")
    return online


def _sequence(document: Json) -> int | None:
    seq = document.get("seq") if isinstance(document, dict) else None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


_FILTERS = {
    "json": _one,
    "number": _one,
    "tasmota": _tasmota_filters,
    "shelly": _shelly_filters,
    "zigbee2mqtt": _zigbee_filters,
}
_READERS = {"json": _json, "number": _number, "tasmota": _tasmota, "shelly": _shelly, "zigbee2mqtt": _zigbee2mqtt}
