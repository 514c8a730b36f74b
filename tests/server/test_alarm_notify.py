"""Who else is told: a program, and a broker. Neither can stall, harm or flood anything here."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from amqtt.broker import Broker as EmbeddedBroker

from drivers.mqtt.publisher import MqttPublisher
from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.model.alarms import (
    AlarmEvent,
    Alarms,
    AlarmState,
    Change,
    Entry,
    Hook,
    Notify,
    Priority,
    Publication,
    State,
)
from linectl.server.alarming.hook import HookRunner
from linectl.server.alarming.notify import Notifiers
from tests.drivers.mqtt_bench import free_port
from tests.line.alarm_plant import rules

HOT = "hot: tag: bath.temperature, condition: HI, limit: 80 °C, priority: 1"
LOW = "low: tag: bath.level, condition: LO, limit: 30 %, priority: 3"
STANDS = Entry(AlarmState.UNACKNOWLEDGED, cause=True, active=True, told=True, value=81.5)
Notes = list[tuple[str, Mapping[str, object]]]


def raised(name: str = "hot") -> Change:
    return Change(name, AlarmEvent.RAISE, AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, 0.0, announced=True, value=81.5)


def program(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "hook.py"
    file.write_text(text)
    return (sys.executable, str(file), "two words", "$(touch x)")


@asynccontextmanager
async def hook(command: tuple[str, ...], notes: Notes, **more: Any) -> AsyncIterator[HookRunner]:
    runner = HookRunner(Hook(command, **more), lambda kind, data: notes.append((kind, data)))
    runner.open()
    try:
        yield runner
    finally:
        await runner.close()


def words(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def seen(what: Path) -> str:
    while not words(what):
        await asyncio.sleep(0.02)
    return words(what)


async def noted(notes: Notes) -> tuple[str, Mapping[str, object]]:
    while not notes:
        await asyncio.sleep(0.02)
    return notes[0]


async def test_the_program_gets_the_announcement_its_arguments_as_they_are_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINECTL_SECRET_BROKER", "hush")
    out = tmp_path / "out.json"
    text = f"""
import json, os, sys
told = {{"argv": sys.argv[1:], "in": json.load(sys.stdin), "env": dict(os.environ)}}
open({str(out)!r} + ".new", "w").write(json.dumps(told)); os.rename({str(out)!r} + ".new", {str(out)!r})
"""
    notes: Notes = []
    async with hook(program(tmp_path, text), notes) as runner:
        runner.put({"id": "hot", "message": {"fr": "Trop chaud à 80 °C"}})
        told = json.loads(await seen(out))
    assert told["argv"] == ["two words", "$(touch x)"]  # no shell has looked at them
    assert told["in"]["message"]["fr"] == "Trop chaud à 80 °C"
    assert told["env"]["LINECTL_ALARM"] == "hot"
    assert "LINECTL_SECRET_BROKER" not in told["env"]
    assert notes == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import sys; sys.exit('no modem')", "exit code 1: no modem"),
        ("import time; time.sleep(600)", "not done within 0.5 s"),
    ],
)
async def test_a_program_that_fails_or_hangs_is_noted_and_the_next_is_started(
    tmp_path: Path, text: str, why: str
) -> None:
    notes: Notes = []
    async with hook(program(tmp_path, text), notes, timeout_s=0.5) as runner:
        runner.put({"id": "hot"})
        kind, data = await noted(notes)
        assert (kind, data["alarm"], data["why"]) == ("alarm_hook_failed", "hot", why)
        notes.clear()
        runner.put({"id": "low"})
        assert (await noted(notes))[1]["alarm"] == "low"


async def test_a_program_that_is_not_there_is_noted() -> None:
    notes: Notes = []
    async with hook(("/no/such/program",), notes) as runner:
        runner.put({"id": "hot"})
        assert "No such file" in str((await noted(notes))[1]["why"])


async def test_it_is_not_started_without_end(tmp_path: Path) -> None:
    notes: Notes = []
    async with hook(program(tmp_path, "pass"), notes, most=2) as runner:
        for _ in range(5):
            runner.put({"id": "hot"})
    assert [(kind, data["skipped"]) for kind, data in notes] == [("alarm_hook_skipped", k) for k in (1, 2, 3)]


async def test_a_program_that_runs_ends_with_the_server(tmp_path: Path) -> None:
    out = tmp_path / "pid"
    text = f"import os, time; open({str(out)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    async with hook(program(tmp_path, text), []) as runner:
        runner.put({"id": "hot"})
        pid = int(await seen(out))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# the broker


@asynccontextmanager
async def broker(port: int) -> AsyncIterator[None]:
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    embedded = EmbeddedBroker(config)
    await embedded.start()
    try:
        yield
    finally:
        await embedded.shutdown()


def notified(**more: Any) -> Alarms:
    return replace(rules(HOT, LOW), notify=Notify(**more))


async def test_the_broker_has_what_stands_and_each_announcement() -> None:
    port = free_port()
    made = notified(mqtt=Publication("sensors", "plant/alarms", Priority.HIGH))
    settings = MqttSettings("127.0.0.1", port, identifier="linectl")
    async with broker(port), aiomqtt.Client("127.0.0.1", port) as listener:
        await listener.subscribe("plant/alarms/announced")
        async with Notifiers(made, Clock(), lambda *_: None, line="bath", tags={}, broker=settings) as notifiers:
            notifiers.tell([raised(), raised("low")], State(entries={"hot": STANDS, "low": STANDS}, first_out="hot"))
            message = await anext(aiter(listener.messages))
            told = json.loads(bytes(message.payload))
            assert (told["id"], told["line"], told["priority"], told["value"]) == ("hot", "bath", 1, 81.5)
            assert told["message"] == {"en": "It is so.", "fr": "It is so."}
        await listener.subscribe("plant/alarms")
        message = await anext(aiter(listener.messages))
        whole = json.loads(bytes(message.payload))
        assert message.retain
        assert whole["first_out"] == "hot"
        assert [each["id"] for each in whole["alarms"]] == ["hot"]  # the other is not pressing enough


async def test_a_broker_that_is_not_there_is_noted_once_and_told_when_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.mqtt.publisher._PAUSE_S", 0.1)
    port = free_port()
    failures: list[str] = []
    publisher = MqttPublisher(MqttSettings("127.0.0.1", port), failed=failures.append)
    publisher.open()
    publisher.put("t", b"old", retain=True)
    publisher.put("t", b"new", retain=True)
    while not failures:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    assert len(failures) == 1
    async with broker(port), aiomqtt.Client("127.0.0.1", port) as listener:
        await listener.subscribe("t")
        message = await anext(aiter(listener.messages))
        assert message.payload == b"new"
        await publisher.close()
    assert repr(publisher) == f"<MqttPublisher mqtt://127.0.0.1:{port}, 0 waiting>"


async def test_in_a_flood_only_the_most_pressing_are_announced(tmp_path: Path) -> None:
    notes: Notes = []
    made = notified(command=Hook(("/no/such/program",), priority=Priority.LOW))
    async with Notifiers(
        made, Clock(), lambda kind, data: notes.append((kind, data)), line="bath", tags={}
    ) as notifiers:
        notifiers.tell([raised("low"), raised("hot")], State(entries={"hot": STANDS, "low": STANDS}, flood=True))
        await noted(notes)
        await asyncio.sleep(0.1)
    assert [data["alarm"] for _, data in notes] == ["hot"]
