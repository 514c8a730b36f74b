"""The control socket of a simulated line: who may ask, what is answered, and what is left when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from linectl import words
from linectl.errors import ConfigError, LinectlError, Refused, Unreachable
from linectl.server.api.endpoint import Endpoint, endpoint_folders, published, read_endpoint
from linectl.server.simulation.client import SimClient, connect_to_sim
from linectl.server.simulation.control import SimControl
from linectl.words import tr


def endpoint_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("sim-*.json"))


def echo(args: Mapping[str, Any]) -> Any:
    return {"args": dict(args)}


def refuse(_args: Mapping[str, Any]) -> Any:
    raise ConfigError(tr("done"), hint="try again", code="E-SIM-005")


def fail(_args: Mapping[str, Any]) -> Any:
    raise ValueError("a mistake of ours")


@asynccontextmanager
async def control(folder: Path, line: str = "simulated") -> AsyncIterator[Endpoint]:
    async with SimControl(line, {"echo": echo, "refuse": refuse, "fail": fail}, data=folder) as served:
        endpoint = read_endpoint(served.file)
        assert endpoint is not None
        yield endpoint
    assert endpoint_files(folder) == []


async def say(endpoint: Endpoint, *lines: bytes) -> list[bytes]:
    """Send lines and return all that comes until the other side hangs up, or the last line was answered."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        answers = []
        for line in lines:
            writer.write(line)
            answers.append(await asyncio.wait_for(reader.readline(), 10))
            if not answers[-1]:
                break
    except ConnectionError:
        return [b""]
    finally:
        writer.close()
    return answers


def hello(endpoint: Endpoint, **changes: Any) -> bytes:
    return json.dumps({"api": 1, "token": endpoint.token, "lang": "en", **changes}).encode() + b"\n"


def call(folder: Path, op: str, **args: Any) -> Any:
    with connect_to_sim(folder) as sim:
        return sim.call(op, **args)


async def test_an_operation_is_answered(tmp_path: Path) -> None:
    async with control(tmp_path):
        assert await asyncio.to_thread(call, tmp_path, "echo", kind="reply_late", share=0.5) == {
            "args": {"kind": "reply_late", "share": 0.5}
        }


async def test_a_refusal_comes_as_the_error_it_was(tmp_path: Path) -> None:
    async with control(tmp_path):
        with pytest.raises(ConfigError) as caught:
            await asyncio.to_thread(call, tmp_path, "refuse")
    assert (caught.value.code, caught.value.hint, caught.value.exit_code) == ("E-SIM-005", "try again", 3)


async def test_a_mistake_in_an_operation_is_answered_and_ends_nothing(tmp_path: Path) -> None:
    async with control(tmp_path):
        with pytest.raises(LinectlError, match="a mistake of ours") as caught:
            await asyncio.to_thread(call, tmp_path, "fail")
        assert caught.value.exit_code == 1
        assert await asyncio.to_thread(call, tmp_path, "echo") == {"args": {}}


async def test_it_is_refused_in_the_language_of_the_client(tmp_path: Path) -> None:
    words.use("en")
    async with control(tmp_path) as endpoint:
        found = {}
        for lang in ("fr", "en"):
            answers = await say(endpoint, hello(endpoint, lang=lang), b'{"id": 1, "op": "refuse"}\n')
            found[lang] = json.loads(answers[-1])["error"]["message"]
    assert found["en"] == "done"
    assert found["fr"] != "done"
    assert words.language() == "en"


async def test_an_unknown_operation_is_refused_by_its_name(tmp_path: Path) -> None:
    async with control(tmp_path):
        with pytest.raises(Refused, match="knows no operation ecco; it knows echo, refuse, fail") as caught:
            await asyncio.to_thread(call, tmp_path, "ecco")
    assert "echo" in caught.value.hint


@pytest.mark.parametrize(
    "first",
    [b'{"api": 1, "token": "guess"}\n', b'{"api": 1}\n', b"POST / HTTP/1.1\r\n", b"[]\n", b'{"token": [' * 9 + b"\n"],
)
async def test_who_has_no_token_is_cut_off(tmp_path: Path, first: bytes) -> None:
    async with control(tmp_path) as endpoint:
        assert await say(endpoint, first, b'{"id": 1, "op": "echo"}\n') == [b""]
        assert len(await say(endpoint, hello(endpoint), b'{"id": 1, "op": "echo"}\n')) == 2  # the control


async def test_a_line_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    async with control(tmp_path) as endpoint:
        answers = await say(endpoint, hello(endpoint), b'{"id": 1, "op": "' + b"x" * 200_000 + b'"}\n')
    assert answers[-1] == b""


async def test_another_version_is_named(tmp_path: Path) -> None:
    async with control(tmp_path) as endpoint:
        answers = await say(endpoint, hello(endpoint, api=2))
    assert "version 1" in json.loads(answers[0])["error"]["message"]


async def test_garbage_after_the_token_is_answered(tmp_path: Path) -> None:
    async with control(tmp_path) as endpoint:
        answers = await say(endpoint, hello(endpoint), b"garbage\n", b'{"id": 7, "op": "echo", "args": 5}\n')
    assert not json.loads(answers[1])["ok"]
    assert json.loads(answers[2]) == {"id": 7, "ok": True, "data": {"args": {}}, "error": None}


async def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with control(tmp_path) as endpoint:
        (file,) = endpoint_files(tmp_path)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert endpoint.pid == os.getpid()
        assert endpoint.token not in repr(endpoint)


async def test_two_that_are_up_must_be_told_apart(tmp_path: Path) -> None:
    words.use("en")
    async with control(tmp_path, "one"), SimControl("two", {"echo": echo}, data=tmp_path):
        with pytest.raises(Refused, match="several simulated lines are up"):
            await asyncio.to_thread(call, tmp_path, "echo")

        def of_two() -> str:
            with connect_to_sim(tmp_path, "two") as sim:
                return sim.endpoint.line

        assert await asyncio.to_thread(of_two) == "two"


def test_nothing_is_up(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        connect_to_sim(tmp_path)
    assert "linectl sim up" in caught.value.hint
    assert caught.value.exit_code == 4


def test_a_file_that_a_dead_process_left_is_told_and_put_away(tmp_path: Path) -> None:
    words.use("en")
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = Endpoint("simulated", int(dead.stdout), "127.0.0.1", 1, "token")
    with published(left, tmp_path, f"sim-simulated-{left.pid}") as file:
        with pytest.raises(Unreachable, match=f"process {left.pid}, which is dead") as caught:
            connect_to_sim(tmp_path)
        assert not file.exists()
    assert "linectl sim up" in caught.value.hint


def test_a_damaged_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "sim-simulated-1.json").write_text("{")
    with pytest.raises(Unreachable):
        connect_to_sim(tmp_path)


async def test_a_simulator_that_goes_away_is_told(tmp_path: Path) -> None:
    async with control(tmp_path) as endpoint:
        sim = await asyncio.to_thread(SimClient, endpoint)
    with pytest.raises(Unreachable):
        await asyncio.to_thread(sim.call, "echo")
    sim.__exit__(None, None, None)


def test_the_file_stands_in_the_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert endpoint_folders()[0] == tmp_path / "linectl"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert endpoint_folders()[0] == tmp_path / "state" / "linectl"
