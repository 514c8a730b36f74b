"""Where a served simulated line can be spoken to: a file with address and token, readable by its owner alone.

One file for each `linectl sim up` that runs, in the runtime folder of the user, else in the state folder. Whoever
reads it finds the control socket; the token in it is new at each start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from linectl.server.places import state_folder

__all__ = ["API", "Endpoint", "endpoint_files", "endpoint_folder", "published", "read_endpoint"]

API = 1
_PREFIX, _SUFFIX = "sim-", ".json"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A control socket on this machine, and who serves it."""

    line: str
    pid: int
    host: str
    port: int
    token: str
    api: int = API

    def __repr__(self) -> str:
        """Return the address; the token is nobody's business."""
        return f"<Endpoint {self.line} {self.host}:{self.port} pid {self.pid}>"


def endpoint_folder(data: Path | None = None) -> Path:
    """Return where endpoint files stand: `data`, else the user's runtime folder, else the state folder."""
    if data is not None:
        return data
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "linectl" if runtime and Path(runtime).is_dir() else state_folder()


def endpoint_files(data: Path | None = None) -> list[Path]:
    """Return the endpoint files that stand there, by name; some may have been left by a killed program."""
    return sorted(endpoint_folder(data).glob(f"{_PREFIX}*{_SUFFIX}"))


def read_endpoint(file: Path) -> Endpoint | None:
    """Return what `file` says; None when it has gone meanwhile, or says nothing of the kind."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Endpoint(
            str(said["line"]), int(said["pid"]), str(said["host"]), int(said["port"]), str(said["token"]), said["api"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def published(endpoint: Endpoint, data: Path | None = None) -> Iterator[Path]:
    """Let others find `endpoint` for the time of the block: written aside with mode 0600, then moved in place."""
    folder = endpoint_folder(data)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{_PREFIX}{endpoint.line}-{endpoint.pid}{_SUFFIX}"
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)  # one left by a killed program with our number would keep its mode
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(asdict(endpoint), out)
    part.replace(file)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
