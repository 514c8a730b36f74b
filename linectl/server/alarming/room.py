"""The alarm desk of a line for the time that its server is open: what it remembers, and who else is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from drivers.settings import MqttSettings
from linectl.clock import Clock, VirtualTimeLoop
from linectl.config.secrets import with_secrets
from linectl.model.alarms import Alarms
from linectl.model.lines import LineDefinition
from linectl.model.records import Event
from linectl.server.alarming.desk import AlarmDesk
from linectl.server.alarming.notify import Notifiers
from linectl.store.reader import StoreReader
from linectl.store.store import Store

__all__ = ["opened_desk"]

_REMEMBERED = 1000  # events of alarms that are read when the server starts


@asynccontextmanager
async def opened_desk(
    rules: Alarms, definition: LineDefinition, clock: Clock, store: Store, store_file: Path
) -> AsyncIterator[AlarmDesk]:
    """Give the desk of `rules` on `definition`, whose `store` (in `store_file`) is open.

    Feed it with `line.on_scan(desk.scan)` and `line.on_event(desk.event)`. On a clock that jumps nobody else is told:
    a program or a broker lives in real time.

    Raises:
        ConfigError: the password of the broker that is to be told is not where the line says.
        StoreError: the store cannot be read.
    """

    def note(kind: str, data: Mapping[str, object]) -> None:
        store.log_event(Event(clock.now_ns(), kind, data))

    async with AsyncExitStack() as stack:
        notifiers = None
        if not isinstance(asyncio.get_running_loop(), VirtualTimeLoop):
            broker = _broker(rules, definition)
            made = Notifiers(rules, clock, note, line=definition.name, tags=definition.tags, broker=broker)
            notifiers = await stack.enter_async_context(made)
        yield AlarmDesk(
            rules,
            clock,
            store.log_event,
            tags=definition.tags,
            keep=store.add_event,
            events=StoreReader(store_file).alarm_events(_REMEMBERED),
            notifier=notifiers,
        )


def _broker(rules: Alarms, definition: LineDefinition) -> MqttSettings | None:
    """Return the settings of the broker that is to be told; None: nobody is, or it is in memory."""
    publication = rules.notify.mqtt
    if publication is None:
        return None
    settings = with_secrets(definition, (publication.link,)).links.get(publication.link)
    return settings if isinstance(settings, MqttSettings) else None
