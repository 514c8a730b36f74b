"""Listening to a broker: which topics speak, in which form, how often, and how a line file would name them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from drivers.errors import BadReply, LinkDown
from drivers.frames.mqtt_forms import of_frame, understood
from drivers.frames.payload import Json
from drivers.mqtt.link import MqttLink
from drivers.settings import MqttSettings, MqttSource
from drivers.wire_tap import Frame
from linectl.errors import Unreachable
from linectl.line.links import what_to_try

__all__ = ["Topic", "form_of", "listen", "numbers_in"]

_SLICE_S = 0.25
_TOPICS_KEPT = 2000
_FIELDS_NAMED = 40


@dataclass(slots=True)
class Topic:
    """One topic as it was heard: messages, the retained ones, when live ones came (loop time, s), the last payload."""

    name: str
    messages: int = 0
    retained: int = 0
    size: int = 0
    times_s: list[float] = field(default_factory=list)
    payload: bytes = b""

    @property
    def period_s(self) -> float | None:
        """The median time between two live messages, s; None before the second."""
        gaps = sorted(b - a for a, b in zip(self.times_s, self.times_s[1:], strict=False))
        return gaps[len(gaps) // 2] if gaps else None


async def listen(
    settings: MqttSettings, *, seconds: float, on_slice: Callable[[float, int], None] = lambda _left, _topics: None
) -> list[Topic]:
    """Return the topics that were heard in `seconds`, by name, at most 2,000; nothing is published.

    Raises:
        Unreachable: no broker answers there, or it refuses us or the topics.
    """
    link = MqttLink(settings)
    heard: dict[str, Topic] = {}

    def take(frame: Frame) -> None:
        _take(heard, frame)

    stop = link.tap.listen(take)
    try:
        await link.open()
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while loop.time() < end_s:
            await asyncio.sleep(min(_SLICE_S, end_s - loop.time()))
            on_slice(max(0.0, end_s - loop.time()), len(heard))
    except LinkDown as error:
        raise Unreachable(str(error), hint=what_to_try(settings, str(error))) from error
    finally:
        stop()
        await link.close()
    return sorted(heard.values(), key=lambda topic: topic.name)


def _take(heard: dict[str, Topic], frame: Frame) -> None:
    try:
        name, payload = of_frame(frame.data)
    except BadReply:
        return
    topic = heard.get(name)
    if topic is None:
        if len(heard) >= _TOPICS_KEPT:
            return
        topic = heard[name] = Topic(name)
    topic.messages += 1
    topic.size = len(payload)
    topic.payload = payload
    if frame.note == "retained":
        topic.retained += 1
    else:
        topic.times_s.append(frame.t_s)
        del topic.times_s[:-200]


def form_of(topic: str, payload: bytes) -> MqttSource | None:
    """Return the source that a line file would name for a message, in the form that its topic and payload show.

    None for a payload that is neither JSON nor a number.
    """
    steps = topic.split("/")
    if steps[-1] in {"SENSOR", "STATE", "LWT"} and steps[0] == "tele":
        return MqttSource("/".join(steps[:-1]), "tasmota")
    if topic.endswith("/events/rpc"):
        return MqttSource(topic.removesuffix("/events/rpc"), "shelly")
    if len(steps) > 2 and steps[-2] == "status" and ":" in steps[-1]:
        return MqttSource("/".join(steps[:-2]), "shelly")
    if b'"linkquality"' in payload:
        return MqttSource(topic, "zigbee2mqtt")
    for form in ("number", "json"):  # a bare number is JSON too
        source = MqttSource(topic, form)
        try:
            understood(source, topic, payload)
        except BadReply:
            continue
        return source
    return None


def numbers_in(source: MqttSource, topic: str, payload: bytes) -> list[tuple[str, str]]:
    """Return the numbers and switches in a message of `source`: path ("" for a bare one) and kind (float, bool)."""
    try:
        said = understood(source, topic, payload)
    except BadReply:
        return []
    found = [each for part, document in said.parts.items() for each in _paths(document, (part,) if part else ())]
    return found[:_FIELDS_NAMED]


def _paths(document: Json, above: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _paths(value, (*above, key))
    elif isinstance(document, bool | int | float):
        yield ".".join(above), "bool" if isinstance(document, bool) else "float"
