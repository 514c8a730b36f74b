"""What a shell completes at TAB: names out of files, at once.

No device, broker or server is asked, and nothing is ever told as an error: a prompt is being typed. Names of tags are
kept in the user's cache, since to know them a line must be read as a whole; kept names count as long as no file beside
the line's or of devices has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from linectl.errors import LinectlError

__all__ = [
    "Completer",
    "any_file",
    "codes",
    "experiments",
    "fault_kinds",
    "lines",
    "run_words",
    "runs",
    "scenarios",
    "stored_tags",
    "tags",
]

Completer = Callable[[click.Context, click.Parameter, str], list["CompletionItem[str]"]]
_KIND = re.compile(rb"^kind:[ \t]*([a-z_-]+)", re.MULTILINE)
_HEAD = 4096  # bytes of a file in which its kind must stand to be found
_MOST_RUNS = 30
_FOLDERS = {"experiment": "experiments", "line": "config", "scenario": "config/scenarios"}


def lines(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return the line files: those here, and those that came with linectl by name."""
    return _files(("line",), incomplete)


def experiments(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:  # click's signature
    """Return the experiment files and scripts: those here, and those that came with linectl by name."""
    return _files(("experiment",), incomplete, scripts=param.name == "file" and ctx.info_name == "run")


def scenarios(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return the scenario files: those here, and those that came with linectl by name."""
    return _files(("scenario",), incomplete)


def any_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return the files here that say a kind of their own."""
    found = [path.name for path in _here(".yaml", ".yml") if _kind(path)]
    return _items(found, incomplete) or _path(incomplete)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return `last` and the newest runs of the store of the last run, newest first, each with what was run."""
    found = [CompletionItem("last")]
    try:
        from linectl.server.places import last_run
        from linectl.store.reader import StoreReader

        stored = StoreReader(last_run(ctx.params.get("data")).store).runs()
        found += [CompletionItem(each.id, help=each.ref) for each in reversed(stored[-_MOST_RUNS:])]
    except (LinectlError, OSError):
        pass
    return [each for each in found if each.value.startswith(incomplete)]


def run_words(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return the words that runs of the store of the last run have."""
    try:
        from linectl.server.places import last_run
        from linectl.store.run_words import WordReader

        found = WordReader(last_run(ctx.params.get("data")).store).words()
    except (LinectlError, OSError):
        return []
    return _items(sorted({word for words in found.values() for word in words}), incomplete)


def tags(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # click's signature
    """Return the tags of the line that was named before."""
    try:
        from linectl.config.files import find_file

        names = _tags_of(find_file(ctx.params["line"], folder="config").resolve())
    except (LinectlError, OSError, KeyError, TypeError):
        return []
    said = ctx.params.get(param.name or "") or ()
    return _items((name for name in names if name not in said), incomplete)


def stored_tags(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:  # click's signature
    """Return the tags that the store of the last run holds, or of the line served last."""
    try:
        from linectl.server.results.opened import open_reader
        from linectl.store.history import HistoryReader

        names = HistoryReader(open_reader(ctx.params.get("data")).path).tag_names()
    except (LinectlError, OSError):
        return []
    said = ctx.params.get(param.name or "") or ()
    return _items((name for name in names if name not in said), incomplete)


def codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return the error codes with their meanings."""
    from linectl.cli.codes.catalogue import catalogue

    wanted = incomplete.upper()
    return [CompletionItem(each.code, help=each.meaning) for each in catalogue() if each.code.startswith(wanted)]


def fault_kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001  # click's signature
    """Return the kinds of faults of the simulated plant."""
    from linectl.model.faults import KINDS

    return _items(KINDS, incomplete)


def _files(kinds: tuple[str, ...], incomplete: str, *, scripts: bool = False) -> list[CompletionItem[str]]:
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
    from linectl.config.files import homes

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


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _path(incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(incomplete, type="file")]


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
