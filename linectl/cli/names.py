"""Names for TAB: out of files, at once.

No device, broker or server is asked, and nothing is ever told as an error: a prompt is being typed. Names of tags are
kept in the user's cache, since to know them a line must be read as a whole; kept names count as long as no file beside
the line's or of devices has changed. Runs, lots, glues and alarms stand in a small file beside the store; where that is
not there, or does not know the last run, the store is read, and the file made again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from linectl.cli.kept import KEPT, is_safe, kept_items

TYPE_CHECKING = False  # as type checkers know it: `typing` itself would take a third of a TAB
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from linectl.cli.kept import Params

__all__ = ["KINDS", "Item", "named"]

Item = tuple[str, str, str]
"""What the shell is told: `plain` (or `file`, which it completes itself), the word, what is told of it."""

_KIND = re.compile(rb"^kind:[ \t]*([a-z_-]+)", re.MULTILINE)
_HEAD = 4096  # bytes of a file in which its kind must stand to be found
_FOLDERS = {"experiment": "experiments", "line": "config", "scenario": "config/scenarios"}


def named(kind: str, params: Params, param: str, incomplete: str) -> list[Item]:
    """Return the names of a kind of `KINDS` that begin as `incomplete`; `params` is what was typed before."""
    said = params.get(param)
    had = {str(each) for each in said} if isinstance(said, list | tuple) else set()
    return [each for each in KINDS[kind](params, incomplete) if each[1] not in had or each[0] != "plain"]


def _lines(_params: Params, incomplete: str) -> list[Item]:
    """Return the line files: those here, and those that came with linectl by name."""
    return _files(("line",), incomplete)


def _experiments(_params: Params, incomplete: str) -> list[Item]:
    """Return the experiment files: those here, and those that came with linectl by name."""
    return _files(("experiment",), incomplete)


def _runnable(_params: Params, incomplete: str) -> list[Item]:
    """Return what may be run: experiment files and scripts."""
    return _files(("experiment",), incomplete, scripts=True)


def _scenarios(_params: Params, incomplete: str) -> list[Item]:
    """Return the scenario files: those here, and those that came with linectl by name."""
    return _files(("scenario",), incomplete)


def _any_file(_params: Params, incomplete: str) -> list[Item]:
    """Return the files here that say a kind of their own."""
    found = [path.name for path in _here(".yaml", ".yml") if _kind(path)]
    return _items(found, incomplete) or _path(incomplete)


def _recipes(_params: Params, incomplete: str) -> list[Item]:
    """Return the recipes of the washer by name."""
    return _items(dict.fromkeys(path.stem for path in _shipped("config/recipes")), incomplete)


def _runs(params: Params, incomplete: str) -> list[Item]:
    """Return `last` and the newest runs of the store of the last run, newest first, each with what was run."""
    return _of_store("runs", params, incomplete) or _items(["last"], incomplete)


def _of_store(kind: str, params: Params, incomplete: str) -> list[Item]:
    """Return names that are kept beside a store; where they are not, or are old, they are read from the store."""
    found = kept_items(kind, params)
    if found is None:
        from linectl.errors import LinectlError

        try:
            from linectl.server.places import last_run

            store = last_run(_data(params)).store
            from linectl.server.kept_names import keep_names  # not where there is no store: it loads SQLite

            keep_names(store)
            found = kept_items(kind, params)
        except (LinectlError, OSError):
            pass
    return [("plain", name, told) for name, told in found or () if name.startswith(incomplete)]


def _served_tags(params: Params, incomplete: str) -> list[Item]:
    """Return the tags of a served line; of one that was typed as a file where no server has told them."""
    return _of_store("served_tags", params, incomplete) or _tags(params, incomplete)


def _run_words(params: Params, incomplete: str) -> list[Item]:
    """Return the words that runs of the store of the last run have."""
    from linectl.errors import LinectlError

    try:
        from linectl.server.places import last_run
        from linectl.store.run_words import WordReader

        found = WordReader(last_run(_data(params)).store).words()
    except (LinectlError, OSError):
        return []
    return _items(sorted({word for words in found.values() for word in words}), incomplete)


def _stored_tags(params: Params, incomplete: str) -> list[Item]:
    """Return the tags that the store of the last run holds, or of the line served last."""
    from linectl.errors import LinectlError

    try:
        from linectl.server.results.opened import open_reader
        from linectl.store.history import HistoryReader

        names = HistoryReader(open_reader(_data(params)).path).tag_names()
    except (LinectlError, OSError):
        return []
    return _items(names, incomplete)


def _data(params: Params) -> Path | None:
    data = params.get("data")
    return Path(data) if data else None


def _kept(kind: str) -> Callable[[Params, str], list[Item]]:
    return lambda params, incomplete: _of_store(kind, params, incomplete)


def _tags(params: Params, incomplete: str) -> list[Item]:
    """Return the tags of the line that was named before."""
    from linectl.errors import LinectlError

    try:
        from linectl.config.files import find_file

        names = _tags_of(find_file(params["line"], folder="config").resolve())
    except (LinectlError, OSError, KeyError, TypeError):
        return []
    return _items(names, incomplete)


def _codes(_params: Params, incomplete: str) -> list[Item]:
    """Return the error codes with their meanings."""
    from linectl.cli.codes.catalogue import catalogue

    wanted = incomplete.upper()
    return [("plain", each.code, each.meaning) for each in catalogue() if each.code.startswith(wanted)]


def _fault_kinds(_params: Params, incomplete: str) -> list[Item]:
    """Return the kinds of faults of the simulated plant."""
    from linectl.model.faults import KINDS as KINDS_OF_FAULTS

    return _items(KINDS_OF_FAULTS, incomplete)


def _files(kinds: tuple[str, ...], incomplete: str, *, scripts: bool = False) -> list[Item]:
    """Return files of `kinds`; with a folder begun, or nothing known, what the shell itself finds."""
    if "/" in incomplete or os.sep in incomplete:
        return _path(incomplete)
    here = [path.name for path in _here(".yaml", ".yml") if _kind(path) in kinds]
    if scripts:
        here += [path.name for path in _here(".py")]
    shipped = [path.stem for kind in kinds for path in _shipped(_FOLDERS[kind]) if _kind(path) == kind]
    return _items(dict.fromkeys([*here, *shipped]), incomplete) or _path(incomplete)


def _here(*suffixes: str) -> list[Path]:
    return sorted(path for path in Path().iterdir() if path.suffix in suffixes and path.is_file())


def _shipped(folder: str) -> list[Path]:
    from linectl.config.homes import homes

    here = [Path()] if Path(folder).is_dir() else []  # a site's own
    found = (path for home in (*here, *homes()) for path in sorted((home / folder).glob("*.yaml")))
    return [path for path in found if path.is_file()]


def _kind(path: Path) -> str:
    """Return the `kind:` that the head of a file says, without reading it as YAML; empty when it says none."""
    try:
        with path.open("rb") as source:
            found = _KIND.search(source.read(_HEAD))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def _items(names: Iterable[str], incomplete: str) -> list[Item]:
    return [("plain", name, "") for name in names if name.startswith(incomplete) and is_safe(name)]


def _path(incomplete: str) -> list[Item]:
    return [("file", incomplete, "")]


def _tags_of(line: Path) -> list[str]:
    """Return the tags of the line in the file `line`, from the cache when no file of it has changed.

    Raises:
        ConfigError: the file is wrong.
    """
    import json

    kept, stamp = _kept_at(line), _stamp(line)
    try:
        told = json.loads(kept.read_text(encoding="utf-8"))
        if told["stamp"] == stamp:
            return [str(name) for name in told["tags"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    from linectl.config.load import load_line  # pydantic and yaml: once for each change of the file

    names = list(load_line(line).tags)
    _keep(kept, {"stamp": stamp, "tags": names})
    return names


def _keep(file: Path, told: object) -> None:
    import json

    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(file)
    except OSError:  # a cache that cannot be written costs time, nothing else
        pass


def _kept_at(line: Path) -> Path:
    import hashlib

    home = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(home) if home else Path.home() / ".cache") / "linectl" / "names"
    return folder / f"{hashlib.sha256(str(line).encode()).hexdigest()[:16]}.json"


def _stamp(line: Path) -> str:
    """Return a mark that changes with any file from which the line may be made: beside it, or a device's."""
    import hashlib

    facts = []
    for path in _made_of(line):
        try:
            facts.append(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}")
        except OSError:
            continue
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _made_of(line: Path) -> Iterator[Path]:
    yield line
    for folder in (line.parent, line.parent / "devices", line.parent.parent / "config" / "devices"):
        yield from sorted(folder.glob("*.yaml"))
    yield from _shipped("config/devices")


KINDS: dict[str, Callable[[Params, str], list[Item]]] = {
    "lines": _lines,
    "experiments": _experiments,
    "run_words": _run_words,
    "runnable": _runnable,
    "scenarios": _scenarios,
    "any_file": _any_file,
    "recipes": _recipes,
    "runs": _runs,
    "tags": _tags,
    "codes": _codes,
    "fault_kinds": _fault_kinds,
    "served_lines": _kept("served_lines"),
    "served_tags": _served_tags,
    "stored_tags": _stored_tags,
    **{kind: _kept(kind) for kind in KEPT if kind not in {"runs", "served_tags"}},
}
"""The kinds of names, and what finds them."""
