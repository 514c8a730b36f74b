"""Where files of a line or an experiment are looked for, and how they are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from linectl.config.homes import homes, share
from linectl.errors import ConfigError, Problem
from linectl.words import tr

__all__ = ["SourceText", "came_with_linectl", "find_any", "find_file", "homes", "is_file", "read_source"]

SUFFIX = ".yaml"
_FOLDERS = ("config", "experiments")
MAX_BYTES = 1_000_000  # a configuration beyond this is a mistake (a log, a database), and YAML is slow


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file as it was read: its path as people wrote it, its text, and the SHA-256 of its bytes."""

    path: str
    text: str
    sha256: str


def find_file(name: str | Path, *, beside: str | Path | None = None, folder: str = "config") -> Path:
    """Return the file called `name` (the suffix `.yaml` may be left out).

    It is looked for as given, then beside the file that names it (`beside`), in that file's sister folder and in the
    folder above it, then in `folder` of the working folder (a site's own), then in `folder` of the source tree of an
    editable install, last in `share/linectl` of the installation.

    Raises:
        ConfigError: it is in none of these places; the message names them all.
    """
    return _first(name, [path for place in _places(Path(name), beside, folder) for path in _with_suffix(place)])


def _first(name: str | Path, places: list[Path]) -> Path:
    found = next((path for path in places if is_file(path)), None)
    if found is not None:
        return found
    tried = "\n".join(f"  {path}" for path in dict.fromkeys(places))
    raise ConfigError(
        tr("{name}: no such file; looked for:\n{places}").format(name=name, places=tried), code="E-CFG-002"
    )


def find_any(name: str | Path) -> Path:
    """Return the file of any kind called `name`: as given, else among the lines or experiments that are here.

    Raises:
        ConfigError: it is in none of these places; the message names them all.
    """
    places = [place for folder in _FOLDERS for place in _places(Path(name), None, folder)]
    return _first(name, [path for place in places for path in _with_suffix(place)])


def is_file(path: Path) -> bool:
    """Return whether `path` is a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except OSError:  # too long
        return False


def read_source(path: str | Path) -> SourceText:
    """Return the text of `path`.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8 (with the line of the first wrong byte).
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        message = tr("cannot be read: {why}").format(why=error.strerror or error)
        raise ConfigError([Problem(str(path), 1, 1, "", message)], code="E-CFG-002") from error
    if len(data) > MAX_BYTES:
        message = tr("{size} bytes: a configuration has at most {most}").format(size=len(data), most=MAX_BYTES)
        raise ConfigError([Problem(str(path), 1, 1, "", message)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([_not_utf8(str(path), data, error)]) from error
    return SourceText(str(path), text, hashlib.sha256(data).hexdigest())


def _not_utf8(path: str, data: bytes, error: UnicodeDecodeError) -> Problem:
    before = data[: error.start]
    column = error.start - (before.rfind(b"\n") + 1) + 1
    message = tr("byte 0x{byte:02X} is not UTF-8; save the file as UTF-8").format(byte=data[error.start])
    return Problem(path, before.count(b"\n") + 1, column, "", message)


def _places(name: Path, beside: str | Path | None, folder: str) -> list[Path]:
    if name.is_absolute():
        return [name]
    places = [name]
    if beside is not None:
        home = Path(beside).parent
        places += [home / name, home.parent / folder / name, home.parent / name]
    return [*places, *(home / folder / name for home in (*_site(folder), *homes()))]


def _site(folder: str) -> list[Path]:
    """Return the working folder when it is a site with a `folder` of its own (see `linectl init`)."""
    try:
        here = Path.cwd()
    except OSError:  # taken away meanwhile
        return []
    return [here] if (here / folder).is_dir() else []


def came_with_linectl(path: Path) -> bool:
    """Return whether `path` belongs to the installation, which an update replaces; a source tree is one's own."""
    return path.resolve().is_relative_to(share().resolve())


def _with_suffix(path: Path) -> list[Path]:
    if not path.name:  # "", ".", "/": no file
        return [path]
    return [path] if path.suffix in {SUFFIX, ".yml"} else [path, path.with_name(path.name + SUFFIX)]
