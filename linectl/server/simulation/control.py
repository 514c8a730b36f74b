"""The control socket of a simulated line: what another process may ask of it while it is up."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linectl.model.people import Role
from linectl.server.api.endpoint import Endpoint, endpoint_folders, published
from linectl.server.api.listener import Handler, Listener, Request
from linectl.server.api.protocol import HOST

__all__ = ["PREFIX", "Op", "SimControl"]

Op = Callable[[Mapping[str, Any]], Any]
"""Answers the `args` of a request with what can be said in JSON; raises LinectlError to refuse."""

PREFIX = "sim-"  # of the endpoint files; several simulated lines may be up at once


class SimControl:
    """Serves `ops` by name for the time of an `async with` block, and publishes where.

    Raises:
        OSError: the endpoint file cannot be written.
    """

    def __init__(self, line: str, ops: Mapping[str, Op], *, data: Path | None = None) -> None:
        self._line = line
        self._handlers = {name: _handler(op) for name, op in ops.items()}
        self._folder = endpoint_folders(data)[0]
        self._open = AsyncExitStack()
        self.file = Path()

    async def __aenter__(self) -> Self:
        """Listen, then say where."""
        token = secrets.token_urlsafe(24)
        async with AsyncExitStack() as stack:
            listener = await stack.enter_async_context(Listener(self._line, self._handlers, {token: Role.SERVICE}))
            endpoint = Endpoint(self._line, os.getpid(), HOST, listener.port, token)
            name = f"{PREFIX}{self._line}-{endpoint.pid}"
            self.file = stack.enter_context(published(endpoint, self._folder, name))
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the file away, then hang up."""
        await self._open.aclose()


def _handler(op: Op) -> Handler:
    async def handle(request: Request) -> Any:
        return op(request.args)

    return handle
