"""What every test shares: no pending task is left, no socket leaves the loopback."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

# Started under nohup or in the background, what tests start would ignore Ctrl+C or a closed terminal too: what is
# ignored is handed down, a handler is not.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LOOPBACK = ("127.", "::1", "localhost")


@pytest_asyncio.fixture(autouse=True)
async def no_pending_tasks() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}  # the end of a fixture is a task of its own
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    assert not left, f"tasks left pending: {left}"


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse_others(address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            pytest.fail(f"a test tried to connect to {address}: only the loopback is allowed")

    def checked(self: socket.socket, address: Any) -> None:
        refuse_others(address)
        connect(self, address)

    def checked_ex(self: socket.socket, address: Any) -> int:
        refuse_others(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_ex)
    yield


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    from linectl import words

    words.use("en")
    monkeypatch.setenv("LINECTL_LANG", "en")


@pytest.fixture(autouse=True)
def mistakes_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a mistake of the program that is started by a test show its traceback, which tests look for."""
    monkeypatch.setenv("LINECTL_TRACEBACK", "1")
