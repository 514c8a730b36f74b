"""Where a line is served on this machine: a file with address and token, readable by those who may speak to it.

It stands in the user's runtime folder, else in the state folder, or where the service manager says; whoever reads it
finds the socket. The token in it is new at each start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from linectl.server.api.protocol import API
from linectl.server.places import state_folder

__all__ = ["Endpoint", "alive", "endpoint_folders", "endpoints_in", "published", "read_endpoint"]

_SUFFIX = ".json"
_SYSTEM = Path("/run/linectl")  # of a service that the system's manager started


class Endpoint(NamedTuple):
    """A socket of the local API on this machine, who serves it (`operator`, since when) and with what language.

    `role` is what the bearer of this token may.
    """

    line: str
    pid: int
    host: str
    port: int
    token: str
    api: int = API
    lang: str = ""
    operator: str = ""
    since: str = ""
    data: str = ""
    store: str = ""
    role: str = "service"

    def __repr__(self) -> str:
        """Return the address; the token is nobody's business."""
        return f"<Endpoint {self.line} {self.host}:{self.port} pid {self.pid}>"


def endpoint_folders(data: Path | None = None) -> tuple[Path, ...]:
    """Return where endpoint files stand, the place where a new one is put first: `data`, else the user's folders."""
    if data is not None:
        return (data,)
    service = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    user = Path(runtime) / "linectl" if runtime and Path(runtime).is_dir() else state_folder()
    return tuple(dict.fromkeys([*([Path(service)] if service else []), user, _SYSTEM]))


def endpoints_in(folders: tuple[Path, ...], prefix: str) -> list[tuple[Path, Endpoint]]:
    """Return the endpoint files that stand in `folders`, by name; some may have been left by a killed program."""
    files = [file for folder in folders for file in sorted(folder.glob(f"{prefix}*{_SUFFIX}"))]
    return [(file, found) for file in files if (found := read_endpoint(file)) is not None]


def read_endpoint(file: Path) -> Endpoint | None:
    """Return what `file` says; None when it has gone meanwhile, may not be read, or says nothing of the kind."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        values = {key: value for key, value in said.items() if key in Endpoint._fields}
        return Endpoint(**{**values, "pid": int(values["pid"]), "port": int(values["port"])})
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


@contextmanager
def published(endpoint: Endpoint, folder: Path, name: str, *, group: int | None = None) -> Iterator[Path]:
    """Let others find `endpoint` for the time of the block: written aside with mode 0600, then moved in place.

    With a `group` (its number) that group may read it too.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{name}{_SUFFIX}"
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)  # one left by a killed program would keep its mode
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        if group is not None:
            folder.chmod(folder.stat().st_mode | 0o011)  # the group must get at it; what others cannot read stays so
            os.fchown(out.fileno(), -1, group)
            os.fchmod(out.fileno(), 0o640)
        json.dump(endpoint._asdict(), out)
    part.replace(file)
    try:
        yield file
    finally:
        said = read_endpoint(file)
        if said is not None and said.token == endpoint.token:  # not that of one who has the line by now
            file.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Return whether a process of that number is there (signal 0 asks, and does nothing)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and not ours
        return True
    return True
