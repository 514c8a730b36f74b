"""The reference of the local API is that of the program, and everything that may be asked is asked at random."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.codes.catalogue import catalogue
from linectl.errors import LinectlError
from linectl.server.api.feed import Sections
from linectl.server.api.operations import Operation
from linectl.server.api.reference import reference, schemas
from linectl.server.api.stream import Watcher
from linectl.server.line_ops import LineOps
from linectl.server.serving import operations_of
from linectl.server.submitting import Submitted
from tests.server.lines import held, up

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "local-api.md"
SCHEMAS = PAGE.with_name("local-api.schema.json")
WAITS = {"run_outcome", "subscribe"}  # answered when something happens, or by a stream


async def of_washer(folder: Path) -> tuple[Operation, ...]:
    async with held(folder, line="simulated_washer", speed=1.0) as (server, _rig):
        ops = LineOps(server, Sections({}), operations_of(server))
        return (*ops.operations, *Submitted(server, None).operations())


@pytest.mark.skipif(
    not PAGE.parent.is_dir() and "CI" not in os.environ, reason="the documents are not beside the tests"
)
async def test_the_reference_is_made_from_the_program(tmp_path: Path) -> None:
    operations = sorted(await of_washer(tmp_path), key=lambda each: each.name)
    if os.environ.get("LINECTL_WRITE_DOCS"):
        PAGE.write_text(reference(operations), encoding="utf-8")
        SCHEMAS.write_text(schemas(operations), encoding="utf-8")
    if not PAGE.is_file():
        pytest.skip("the documents are not beside the tests")
    hint = "make it again: LINECTL_WRITE_DOCS=1 pytest tests/server/api/test_reference.py"
    assert PAGE.read_text(encoding="utf-8") == reference(operations), hint
    assert SCHEMAS.read_text(encoding="utf-8") == schemas(operations), hint


TEXTS = (
    "",
    "x",
    "é\u0000",
    "9" * 300,
    "../../etc/passwd",
    "bath.setpoint",
    "bath.heater_enable",
    "\ud83d",
    "30m",
    "-5",
)
SAMPLES: Mapping[str, Sequence[Any]] = {
    "string": TEXTS,
    "boolean": (True, False),
    "integer": (0, 1, -1, 7, 10**9, 10**17),
    "number": (0, 1, -1, 7, 0.5, 62.5, 1e9, -1e14, 1e300),
    "null": (None,),
}


def made_up(schema: Mapping[str, Any], rng: random.Random) -> Any:
    """Return something that the schema allows, or now and then something that it does not."""
    if rng.random() < 0.07:
        return rng.choice([None, [], {}, "?", -1, True, [[1]], {"a": 1}])
    if "anyOf" in schema:
        return made_up(rng.choice(schema["anyOf"]), rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema["type"] == "array":
        return [made_up(schema["items"], rng) for _ in range(rng.randrange(4))]
    return rng.choice(SAMPLES[schema["type"]])


def request(operation: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    schema = operation["args"]
    wanted = {
        name: each for name, each in schema["properties"].items() if name in schema["required"] or rng.random() < 0.6
    }
    found = {name: made_up(each, rng) for name, each in wanted.items() if rng.random() < 0.95}
    return found | ({"nonsense": 1} if rng.random() < 0.03 else {})


async def asked(watcher: Watcher, operations: Sequence[Mapping[str, Any]], seed: int, count: int) -> dict[str, int]:
    """Ask at random, and count the codes of the refusals."""
    rng, codes = random.Random(seed), dict.fromkeys(("ok",), 0)
    known = {each.code for each in catalogue()}
    for _ in range(count):
        operation = rng.choice(operations)
        args = request(operation, rng)
        code, message = await answered(watcher, operation["name"], args)
        assert code == "ok" or (code in known and code != "E-INT-001" and message), (operation["name"], args, message)
        codes[code] = codes.get(code, 0) + 1
        if code == "E-API-003":
            await asyncio.sleep(0.5)
    return codes


async def answered(watcher: Watcher, op: str, args: Mapping[str, Any]) -> tuple[str, str]:
    try:
        async with asyncio.timeout(30.0):
            await watcher.ask(op, args)
    except LinectlError as error:
        return error.code, error.message
    return "ok", ""


async def test_whatever_is_asked_is_answered_and_never_by_an_internal_error(tmp_path: Path) -> None:
    async with up(tmp_path, speed=50.0) as (server, found):
        watcher = Watcher(lambda: found.endpoint, operator="op1", wanted=("line",))
        await watcher.start()
        try:
            async with asyncio.timeout(20.0):
                while not watcher.connected:
                    await asyncio.sleep(0.02)
            operations = [each for each in await watcher.call("operations") if each["name"] not in WAITS]
            codes = await asked(watcher, operations, seed=1, count=600)
            assert codes["ok"] > 50
            assert codes["E-API-004"] > 20
            assert (await watcher.call("status", sections=["line"]))["line"]["name"] == "simulated"
        finally:
            await watcher.stop()
        setpoint = (await server.line.read("bath.setpoint")).value
        assert setpoint is None or setpoint <= 92.0
