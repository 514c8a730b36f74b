"""Serving a line: whoever holds it answers the local API, for good (`serve`) or for the time of a run."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from linectl.model.people import Role
from linectl.server.alarming.ops import alarm_operations
from linectl.server.api.endpoint import Endpoint, endpoint_folders, published
from linectl.server.api.listener import Listener
from linectl.server.api.operations import Operation, handlers
from linectl.server.api.protocol import HOST
from linectl.server.as_data import iso
from linectl.server.calibration_ops import CalibrationOps
from linectl.server.line_ops import LineOps
from linectl.server.line_server import LineServer
from linectl.server.line_state import sections_of
from linectl.server.run_ops import RunOps
from linectl.server.washing.machine_ops import machine_operations
from linectl.server.write_ops import WriteOps
from linectl.words import language

__all__ = ["PREFIX", "Served", "operations_of", "served"]

NOBODY: Mapping[Role, int] = MappingProxyType({})
PREFIX = "line-"  # of the endpoint files: one a line, for a line has one holder


@dataclass(frozen=True, slots=True)
class Served:
    """A line that is served: where (`endpoint` stands in `file`)."""

    endpoint: Endpoint
    file: Path


@asynccontextmanager
async def served(
    server: LineServer,
    more: Sequence[Operation] = (),
    *,
    operator: str,
    data: Path | None = None,
    shares: Mapping[Role, int] = NOBODY,
) -> AsyncIterator[Served]:
    """Answer the local API for the open `server` for the time of the block, and publish where.

    `more` are operations beside those that every line has. `shares` gives a token of a role to a group of this
    computer (its number), in a file of its own that this group alone may read.

    Raises:
        OSError: the endpoint file cannot be written.
    """
    since_ns, token = server.clock.now_ns(), secrets.token_urlsafe(24)
    name = server.definition.name
    sections = sections_of(server, operator=operator, since_ns=since_ns)
    ops = LineOps(server, sections, (*operations_of(server, data), *more))
    tokens = {role: secrets.token_urlsafe(24) for role in shares}
    listener = Listener(
        name, handlers(ops.operations), {token: Role.SERVICE, **{t: role for role, t in tokens.items()}}
    )
    async with listener:
        endpoint = Endpoint(
            name,
            os.getpid(),
            HOST,
            listener.port,
            token,
            lang=language(),
            operator=operator,
            since=iso(since_ns),
            data="" if data is None else str(data),
            store=str(server.store_file.absolute()),
        )
        folder = endpoint_folders(data)[0]
        with ExitStack() as files:
            file = files.enter_context(published(endpoint, folder, f"{PREFIX}{name}"))
            for role, group in shares.items():
                other = endpoint._replace(token=tokens[role], role=str(role))
                files.enter_context(published(other, folder, f"{PREFIX}{name}.{role}", group=group))
            try:
                yield Served(endpoint, file)
            finally:
                await ops.stop()


def operations_of(server: LineServer, data: Path | None = None) -> tuple[Operation, ...]:
    """Return the operations of the rooms of `server`, whose store is in `data`."""
    machine = () if server.machine is None else machine_operations(server.machine)
    own = (*RunOps(server).operations(), *WriteOps(server).operations(), *CalibrationOps(server, data).operations())
    return (*own, *machine, *alarm_operations(server.alarms, server.definition.name))
