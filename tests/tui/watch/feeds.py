"""A line's server as a script: its state is set by the test, what is asked of it is kept."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from linectl.errors import LinectlError, Unreachable

NOW = datetime(2026, 11, 22, 14, 18, 6, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def reading(value: object, *, quality: str = "GOOD", reason: str = "", age_s: float = 0.4) -> dict[str, Any]:
    return {
        "value": value,
        "quality": quality,
        "reason": reason,
        "source_time": None,
        "received_time": ago(age_s),
        "sequence": 1,
        "age_s": age_s,
        "detail": "",
    }


def tag(unit: str = "", low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    plain = {"normal_low": None, "normal_high": None, "decimals": 1, "writable": False, "states": None}
    return {"unit": unit, "description": "", "label": "", "low": low, "high": high, "max_age_s": 2.5, **plain, **more}


TAGS = {
    "bath.temperature": tag("°C", -20, 120, normal_low=60.0, normal_high=64.0),
    "bath.level": tag("%", 0, 110, normal_low=70.0, normal_high=95.0, decimals=0),
    "bath.naoh": tag("%", 0, 4, normal_low=1.4, normal_high=1.8, decimals=2),
    "bath.setpoint": tag("°C", 0, 100, writable=True),
    "rinse.temperature": tag("°C", 0, 90, normal_low=35.0, normal_high=42.0),
    "chain.speed": tag("b/min", 0, 100, decimals=0),
    "room.humidity": tag("%RH", 0, 100, decimals=0, max_age_s=75.0),
    "bath.heater_on": tag(),
    "bath.state": tag(states={"4": "idle", "6": "execute"}),
}
VALUES = {
    "bath.temperature": reading(64.2),
    "bath.level": reading(80.4),
    "bath.naoh": reading(1.62, quality="UNCERTAIN", reason="substituted"),
    "bath.setpoint": reading(62.0),
    "rinse.temperature": reading(None, quality="BAD", reason="sensor_failure"),
    "chain.speed": reading(45),
    "room.humidity": reading(47.6, age_s=31.0),
    "bath.heater_on": reading(True),
    "bath.state": reading(6),
}
HIGH = {
    "id": "bath_hot",
    "tag": "bath.temperature",
    "condition": "HI",
    "priority": 2,
    "state": "unacknowledged",
    "value": 64.2,
    "limit": 64.0,
    "unit": "°C",
    "since": ago(4),
    "acknowledged_by": "",
    "shelved_until": None,
    "message": "bath above its band",
    "cause": "setpoint too high, or the controller has drifted",
    "action": "lower the setpoint, look at TT-101",
    "comments": [],
}
SHELVED = {
    **HIGH,
    "id": "room_dry",
    "tag": "room.humidity",
    "condition": "LO",
    "priority": 3,
    "state": "shelved",
    "value": 47.6,
    "limit": 50.0,
    "since": ago(1000),
    "shelved_until": ago(-1800),
    "message": "air too dry",
    "cause": "",
    "action": "",
}
QUESTION = {
    "id": "gsm",
    "kind": "number",
    "text": "glue on the label",
    "task": "covariate",
    "options": [],
    "low": 5,
    "high": 40,
    "unit": "g/m2",
    "asked": ago(10),
    "default": None,
    "timeout_s": None,
    "facts": {},
}
RUN = {
    "id": "0042",
    "experiment": "glue_b3",
    "state": "running",
    "bath": 3,
    "baths": 5,
    "treatment": "62 °C, 1,5 % NaOH",
    "phase": "soak",
    "elapsed_s": 552.0,
    "fraction": 0.61,
    "eta_s": 834.0,
    "eta_low_s": 714.0,
    "eta_high_s": 1074.0,
    "temperature_c": 64.2,
    "operator": "op1",
    "started": ago(552),
}
JOURNAL = [
    {"time": ago(545), "kind": "run", "text": "run 0042 began", "who": "op1"},
    {"time": ago(336), "kind": "note", "text": "bottle 3: label has bubbles", "who": "op1"},
    {"time": ago(4), "kind": "alarm", "text": "bath above its band", "who": ""},
]


def counts(**known: int) -> dict[str, int]:
    names = ("1", "2", "3", "unacknowledged", "shelved", "suppressed", "out_of_service")
    return {**dict.fromkeys(names, 0), **known}


def calm() -> dict[str, Any]:
    """A line at rest, with nothing to tell."""
    return copy.deepcopy(
        {
            "line": {"name": "ligne1", "description": "", "simulated": True, "version": "0.1.0", "pid": 7},
            "machine": {"state": "idle", "state_number": 4, "mode": "produce", "recipe": "", "counters": {}},
            "armed": None,
            "holder": {"who": "op1", "pid": 7, "since": ago(3000)},
            "links": {
                "plc": {"kind": "modbus_tcp", "address": "a", "state": "ok", "since": ago(99), "round_trip_ms": 42.0},
                "sensors": {"kind": "mqtt", "address": "b", "state": "ok", "since": ago(99), "round_trip_ms": None},
            },
            "tags": TAGS,
            "values": {**VALUES, "bath.temperature": reading(62.1), "rinse.temperature": reading(38.0)},
            "run": None,
            "prompts": [],
            "alarms": {"counts": counts(), "flood": False, "first_out": "", "list": []},
            "interlocks": {"tripped": [], "missing": []},
            "journal": [],
        }
    )


def busy() -> dict[str, Any]:
    """A run in its soak, one alarm, one sensor broken, one link lost, one question."""
    state = calm()
    state["machine"]["state"] = "execute"
    state["links"]["probe2"] = {"kind": "ezo", "address": "c", "state": "lost", "reason": "", "since": ago(3)}
    state["values"] = copy.deepcopy(VALUES)
    state["run"] = dict(RUN)
    state["prompts"] = [copy.deepcopy(QUESTION)]
    state["alarms"]["counts"] = {**counts(unacknowledged=1, shelved=1), "2": 1}
    state["alarms"]["list"] = [dict(SHELVED), dict(HIGH)]
    state["journal"] = copy.deepcopy(JOURNAL)
    return state


class ScriptedFeed:
    """What a test says, is heard; what the screen asks, is in `calls`. `answers` are given by operation."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self.told = calm() if state is None else state
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Mapping[str, Any] | LinectlError] = {}
        self.hangs = False
        self.lost_why = ""
        self.now_s = 1000.0
        self.heard_s: float | None = 1000.0
        self._news: asyncio.Queue[str] = asyncio.Queue()

    @property
    def state(self) -> Mapping[str, Any]:
        return self.told

    async def changes(self) -> AsyncIterator[str]:
        while True:
            yield await self._news.get()

    async def call(self, op: str, /, **args: Any) -> Mapping[str, Any]:
        self.calls.append((op, args))
        if self.hangs:
            await asyncio.Event().wait()
        if self.lost_why:
            raise Unreachable(self.lost_why)
        answer = self.answers.get(op, {})
        if isinstance(answer, LinectlError):
            raise answer
        return answer

    # what the test does

    @property
    def ops(self) -> list[str]:
        return [op for op, _ in self.calls]

    def tell(self, name: str, value: Any) -> None:
        self.told[name] = value
        self.heard_s = self.now_s
        self._news.put_nowait(name)

    def value(self, name: str, value: object, **more: Any) -> None:
        known = self.told["values"][name]
        self.tell(
            "values", {**self.told["values"], name: {**reading(value, **more), "sequence": known["sequence"] + 1}}
        )

    def later(self, seconds: float, *, alive: bool = True) -> None:
        """Let time pass; alive, the server gives signs of life."""
        self.now_s += seconds
        if alive:
            self.heard_s = self.now_s

    def loop_s(self) -> float:
        return self.now_s

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.now_s - 1000.0)
