"""Requests made from the operations' own schemas, right and wrong, and lines that are none: each has one answer.

No request ends the server, its answer is never an internal error, and each refusal has a code that is explained.
A deeper look: LINECTL_MUTATIONS=100000 LINECTL_MUTATION_SEED=7 pytest on this file.
"""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any, Self

import pytest

from linectl.cli.codes.catalogue import explanation
from linectl.server.api import pace
from linectl.server.api.protocol import as_object
from linectl.server.serving import Served
from tests.config.mutants import CASES, SEED
from tests.server.lines import up

pytestmark = pytest.mark.timeout(3600)
COUNT = CASES // 10
TEXTS = ("", "bath.temperature", "bath.setpoint", "no such", "é\u202e", "\ud800", "\x00", "x" * 3000, "60,5", "1 h")
NUMBERS = (0, 1, -1, 60.5, 1e15, -1e308, 10**400, 0.1, 2**63)
ODD: tuple[Any, ...] = (None, True, [], {}, [[]], {"a": 1}, "x", 3, [None], ["bath.level", 1])
RAW = (
    *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"\x00" * 40, b'{"op":', b"[" * 5000, b'"x"', b"GET / HTTP/1.1"),
    *(b'{"id": NaN, "op": "status"}', b'{"id": 1e999, "op": "status"}', b'{"id": "\\ud800", "op": "\\ud800"}'),
    *(b'{"id": {"a": [1]}, "op": "status", "args": []}', b'{"id": 1, "op": ["status"], "key": {}, "reason": 3}'),
)


class Asker:
    """One connection, on which each line that is sent is answered before the next."""

    def __init__(self, found: Served, role: str = "service") -> None:
        self._endpoint = found.endpoint
        self._role = role

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            self._endpoint.host, self._endpoint.port, limit=1 << 24
        )
        hello = {"api": 1, "token": self._endpoint.token, "client": "fuzz", "operator": "op1", "lang": "en"}
        hello["role"] = self._role
        assert (await self.line(json.dumps(hello).encode()))["ok"]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def line(self, line: bytes) -> dict[str, Any]:
        """Send a line and return its answer; what a subscription tells comes between."""
        self._writer.write(line.replace(b"\n", b" ") + b"\n")
        async with asyncio.timeout(60.0):
            while True:
                said = await self._reader.readline()
                assert said, f"hung up after {line[:300]!r}"
                found: dict[str, Any] = json.loads(said)
                if "event" not in found:
                    return found


class Mutants:
    """Requests out of the schemas of `operations`, the same for the same seed."""

    def __init__(self, operations: list[dict[str, Any]]) -> None:
        self._operations = operations

    def line(self, number: int) -> bytes:
        rng = random.Random(f"{SEED} requests {number}")
        if rng.random() < 0.1:
            return rng.choice(RAW)
        operation = rng.choice(self._operations)
        told: dict[str, Any] = {"id": number, "op": operation["name"], "args": self._args(operation["args"], rng)}
        if rng.random() < 0.5:
            told["dry_run"] = rng.choice((True, True, False, "yes"))
        if rng.random() < 0.2:
            told |= {rng.choice(("key", "reason", "id", "op", "args", "extra")): rng.choice((*ODD, *TEXTS))}
        line = json.dumps(told).encode()
        if rng.random() < 0.05:
            at = rng.randrange(len(line))
            line = line[:at] + bytes([rng.randrange(256)]) + line[at + 1 :]
        return line

    def _args(self, schema: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        made = {
            name: self._value(each, rng)
            for name, each in schema["properties"].items()
            if rng.random() < (0.95 if name in schema["required"] else 0.4)
        }
        return made | ({rng.choice(TEXTS): rng.choice(ODD)} if rng.random() < 0.05 else {})

    def _value(self, schema: dict[str, Any], rng: random.Random) -> Any:
        if rng.random() < 0.15:
            return rng.choice((*ODD, *TEXTS, *NUMBERS))
        if "anyOf" in schema:
            return self._value(rng.choice(schema["anyOf"]), rng)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if schema["type"] == "array":
            return [self._value(schema["items"], rng) for _ in range(rng.randrange(3))]
        kinds: dict[str, tuple[Any, ...]] = {
            "string": TEXTS,
            "number": NUMBERS,
            "integer": (0, 1, -1, 7, 2**63),
            "boolean": (True, False),
            "null": (None,),
        }
        return rng.choice(kinds[schema["type"]])


def fault(answer: dict[str, Any]) -> str:
    """Return what is wrong with an answer, empty when nothing is."""
    if set(answer) != {"id", "ok", "data", "error"}:
        return f"of another form: {answer}"
    if answer["ok"]:
        return "" if answer["error"] is None else "well and refused at once"
    error = answer["error"]
    known = explanation(error["code"])
    if error["code"].startswith("E-INT-") or known is None or not error["message"]:
        return f"not explained: {error}"
    return "" if known.exit_code in {error["exit_code"], 0} else f"ends otherwise than explained: {error}"


async def test_each_request_has_one_answer_and_none_ends_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_AT_ONCE", 1e9)  # how fast one may ask is tested elsewhere
    well = 0
    async with up(tmp_path) as (_server, found):
        async with Asker(found) as asker:
            operations = (await asker.line(b'{"id": 0, "op": "operations"}'))["data"]
        mutants = Mutants(operations)
        for first in range(0, COUNT, 200):
            async with Asker(found) as asker:  # a new one now and then: subscriptions add up
                for number in range(first, min(first + 200, COUNT)):
                    line = mutants.line(number)
                    answer = await asker.line(line)
                    wrong = fault(answer)
                    assert not wrong, f"request {number} of seed {SEED}: {wrong}\n{line[:2000]!r}"
                    well += answer["ok"]
        async with Asker(found) as asker:
            assert (await asker.line(b'{"id": 1, "op": "status"}'))["data"]["line"]["name"] == "simulated"
    assert COUNT / 20 < well < COUNT * 0.9


async def test_whoever_may_only_look_changes_nothing_whatever_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_AT_ONCE", 1e9)
    refused = 0
    async with up(tmp_path) as (_server, found), Asker(found, "view") as asker:
        operations = (await asker.line(b'{"id": 0, "op": "operations"}'))["data"]
        more = {each["name"] for each in operations if each["role"] != "view"}
        assert len(more) > 10
        mutants = Mutants([each for each in operations if each["name"] in more])
        for number in range(COUNT // 3):
            line = mutants.line(number)
            answer = await asker.line(line)
            if str(as_object(line).get("op")) in more:
                assert answer["error"]["code"] == "E-API-005", line
                refused += 1
    assert refused > COUNT / 5


def test_the_checks_can_fail() -> None:
    error = {"code": "E-INT-001", "exit_code": 1, "message": "x", "hint": ""}
    assert "not explained" in fault({"id": 1, "ok": False, "data": None, "error": error})
    assert "ends otherwise" in fault(
        {"id": 1, "ok": False, "data": None, "error": {**error, "code": "E-API-002", "exit_code": 3}}
    )
    assert fault({"id": 1})
