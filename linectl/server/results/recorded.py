"""Which store a question about what was recorded goes to: read-only, whoever writes it meanwhile."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from linectl.errors import Unreachable
from linectl.server.finding import connect, find_if_up
from linectl.server.places import store_path
from linectl.server.results.opened import open_reader

__all__ = ["store_of"]


def store_of(line: str, data: Path | None) -> Path:
    """Return the store of `line`, a name or a file ("": of the line that is served, else of the last run).

    Raises:
        Refused: no line is named, and several are served, or nothing was recorded in `data` yet.
        ConfigError: there is no such line, or its file has a mistake.
    """
    name = Path(line).stem if line.endswith((".yaml", ".yml")) else line
    if find_if_up(data, name) is not None:
        with suppress(Unreachable), connect(data, name) as server:  # a server that hangs does not hide its store
            return Path(server.call("status", sections=["line"])["line"]["store"])
    if not line:
        return open_reader(data).path
    from linectl.config.files import find_file
    from linectl.config.load import load_line  # the forms of lines: half a second that the others do not wait for

    definition = load_line(find_file(line, folder="config"))
    of_wires, of_virtual = (store_path(definition, data, virtual=virtual) for virtual in (False, True))
    return of_virtual if of_virtual.exists() and not of_wires.exists() else of_wires
