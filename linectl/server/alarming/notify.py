"""Who else is told of alarms: a broker's topics, and a program. What fails there is noted, and harms nothing here.

    TOPIC              the alarms that stand, retained: whoever subscribes later sees them too
    TOPIC/announced    each announcement

Both are JSON with words that never change with the language, and messages in all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from drivers.mqtt.publisher import MqttPublisher
from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.line.alarms.step import standing
from linectl.model.alarms import Alarm, Alarms, Change, Entry, Hook, Priority, Publication, State
from linectl.model.lines import Tag
from linectl.server.alarming.hook import HookRunner
from linectl.server.alarming.record import wall_ns
from linectl.store.audit import time_text

__all__ = ["Notifiers"]

Note = Callable[[str, Mapping[str, object]], None]


class Notifiers:
    """Those whom the alarms file of `line` names, for the time of an `async with` block.

    `broker` are the settings of the link that it names, with its password. `note` keeps what did not work.
    """

    def __init__(
        self,
        rules: Alarms,
        clock: Clock,
        note: Note,
        *,
        line: str,
        tags: Mapping[str, Tag],
        broker: MqttSettings | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._line = line
        self._tags = tags
        self._publication: Publication | None = rules.notify.mqtt if broker is not None else None
        self._publisher = None if broker is None else MqttPublisher(broker, failed=self._unpublished)
        self._command: Hook | None = rules.notify.command
        self._hook = None if self._command is None else HookRunner(self._command, note)
        self._note = note

    async def __aenter__(self) -> Self:
        """Begin to tell."""
        if self._publisher is not None:
            self._publisher.open()
        if self._hook is not None:
            self._hook.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell what waits, as far as it goes at once, and end."""
        if self._hook is not None:
            await self._hook.close()
        if self._publisher is not None:
            await self._publisher.close()

    def tell(self, changes: Sequence[Change], state: State) -> None:
        """Take what changed, and the alarms after it; in a flood only the most pressing are announced."""
        least = Priority.HIGH if state.flood else Priority.LOW
        told = [each for each in changes if each.announced and self._rules.alarms[each.name].priority <= least]
        messages = [(self._rules.alarms[each.name], self._message(each.name, state, each.at_s)) for each in told]
        if self._publisher is not None and self._publication is not None:
            self._publish(self._publisher, self._publication, messages, state)
        if self._hook is not None and self._command is not None:
            for alarm, message in messages:
                if alarm.priority <= self._command.priority:
                    self._hook.put(message)

    def _publish(
        self,
        publisher: MqttPublisher,
        publication: Publication,
        messages: Sequence[tuple[Alarm, Mapping[str, Any]]],
        state: State,
    ) -> None:
        for alarm, message in messages:
            if alarm.priority <= publication.priority:
                publisher.put(f"{publication.topic}/announced", _json(message))
        stands = [
            self._message(name, state, state.entry(name).since_s)
            for name in standing(self._rules, state)
            if self._rules.alarms[name].priority <= publication.priority
        ]
        whole = {
            "line": self._line,
            "time": time_text(self._clock.now_ns()),
            "flood": state.flood,
            "first_out": state.first_out,
            "alarms": stands,
        }
        publisher.put(publication.topic, _json(whole), retain=True)

    def _message(self, name: str, state: State, at_s: float) -> dict[str, Any]:
        alarm, entry = self._rules.alarms[name], state.entry(name)
        return {
            "line": self._line,
            "time": time_text(wall_ns(self._clock, at_s)),
            "id": name,
            **_what(alarm, entry, self._tags),
            "message": dict(alarm.message),
            "cause": dict(alarm.cause),
            "action": dict(alarm.action),
            "flood": state.flood,
        }

    def _unpublished(self, why: str) -> None:
        self._note("alarm_mqtt_failed", {"why": why})


def _what(alarm: Alarm, entry: Entry, tags: Mapping[str, Tag]) -> dict[str, Any]:
    tag = tags.get(alarm.tag)
    return {
        "tag": alarm.tag,
        "condition": alarm.condition.value,
        "priority": int(alarm.priority),
        "state": entry.state.value,
        "value": entry.value,
        "limit": alarm.text,
        "unit": "" if tag is None else tag.unit,
    }


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()
