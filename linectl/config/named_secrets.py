"""Secrets by name, kept outside every configuration file: for a service, for a person, or in the environment.

They are looked for in this order: a file of that name in $CREDENTIALS_DIRECTORY (systemd's LoadCredential), a file of
that name in the user's own folder, readable by its owner alone (`linectl secrets set`), and LINECTL_SECRET_NAME. What
is found first counts; when it cannot be used, nothing else is tried, so that a mistake does not go unseen.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from linectl.errors import ConfigError
from linectl.words import tr

__all__ = [
    "Found",
    "Unusable",
    "Where",
    "first_line",
    "is_name",
    "keep",
    "known",
    "places_of",
    "secret",
    "secret_folder",
]

_MAX_BYTES = 4096  # a secret beyond this is another file
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VARIABLE = "LINECTL_SECRET_"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Unusable(Exception):
    """A secret cannot be had; the message says why and what to do, and never the secret."""


class Where(StrEnum):
    """Where a secret is kept."""

    CREDENTIALS = "credentials"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Found:
    """A place that has the secret `name`: a file's path or the variable's name. `trouble`: why it cannot be used."""

    name: str
    where: Where
    at: str
    trouble: str = ""


def is_name(text: str) -> bool:
    """Return whether a secret may be called so: small letters, digits and _, a letter first."""
    return _NAME.fullmatch(text) is not None


def secret_folder() -> Path:
    """Return the user's folder of secrets (in XDG_CONFIG_HOME, else ~/.config; on Windows in APPDATA)."""
    home = os.environ.get("XDG_CONFIG_HOME") or (os.environ.get("APPDATA") if os.name == "nt" else "")
    return (Path(home) if home else Path.home() / ".config") / "linectl" / "secrets"


def secret(name: str) -> str:
    """Return the secret called `name`.

    Raises:
        Unusable: it is nowhere, or where it was found first it cannot be used.
    """
    for found in places_of(name):
        return _value(found)
    raise Unusable(
        tr("the secret {name} is not kept anywhere: linectl secrets set {name}, or export {variable}").format(
            name=name, variable=_VARIABLE + name.upper()
        )
    )


def places_of(name: str) -> list[Found]:
    """Return where the secret is kept, the one that counts first."""
    return list(_places_of(name))


def known() -> dict[str, list[Found]]:
    """Return where each secret is kept that is kept anywhere, by name."""
    names = {path.name for folder in (_credentials(), secret_folder()) if folder for path in _files(folder)}
    names |= {key.removeprefix(_VARIABLE).lower() for key in os.environ if key.startswith(_VARIABLE)}
    found = {name: places_of(name) for name in sorted(names) if is_name(name)}
    return {name: places for name, places in found.items() if places}


def keep(name: str, value: str) -> Path:
    """Keep a secret in the user's folder, in a file that only its owner may read, and return the file.

    It is written aside and moved in place at once: whoever reads it finds the old one or the new one, whole.

    Raises:
        ConfigError: `value` is no line of text.
        OSError: the folder cannot be written.
    """
    if not value or len(value.encode()) >= _MAX_BYTES or not value.isprintable():
        raise ConfigError(tr("a secret is one line of text, and not empty"), code="E-SEC-001")
    folder = secret_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, part = tempfile.mkstemp(prefix=f".{name}.", dir=folder)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{value}\n")
            out.flush()
            os.fsync(out.fileno())
        return Path(part).replace(folder / name)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def first_line(path: Path, *, of_service: bool = False) -> str:
    """Return the first line of a file that only its owner may read (`of_service`: its group too, as systemd has it).

    Raises:
        Unusable: it cannot be read, others may read it, or it holds no line of text.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = tr("{path} cannot be read: {why}").format(path=path, why=error.strerror or error)
        raise Unusable(message) from error
    trouble = _readable_by_others(path, mode, of_service=of_service)
    if trouble:
        raise Unusable(trouble)
    text = data[:_MAX_BYTES].decode("utf-8", errors="replace").partition("\n")[0].rstrip("\r")
    if len(data) > _MAX_BYTES or not text or "\ufffd" in text:
        raise Unusable(tr("{path} holds no password: expected one line of text").format(path=path))
    return text


def _readable_by_others(path: Path, mode: int, *, of_service: bool = False) -> str:
    """Return what is wrong with the rights of a secret's file; the group bits of a credential are systemd's own ACL."""
    others = stat.S_IRWXO if of_service else _OTHERS
    if os.name != "posix" or not mode & others:
        return ""
    text = tr("{path} may be read by others (mode {mode}): chmod 600 {path}")
    return text.format(path=path, mode=f"{stat.S_IMODE(mode):o}")


def _credentials() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from (path for path in folder.iterdir() if path.is_file())
    except OSError:
        return


def _places_of(name: str) -> Iterator[Found]:
    credentials = _credentials()
    if credentials is not None and (credentials / name).is_file():
        yield _file(name, Where.CREDENTIALS, credentials / name)
    if (secret_folder() / name).is_file():
        yield _file(name, Where.FILE, secret_folder() / name)
    variable = _VARIABLE + name.upper()
    if variable in os.environ:
        empty = "" if os.environ[variable] else tr("the environment variable {name} is empty").format(name=variable)
        yield Found(name, Where.ENVIRONMENT, variable, empty)


def _file(name: str, where: Where, path: Path) -> Found:
    try:
        first_line(path, of_service=where is Where.CREDENTIALS)
    except Unusable as error:
        return Found(name, where, str(path), str(error))
    return Found(name, where, str(path))


def _value(found: Found) -> str:
    if found.where is Where.ENVIRONMENT:
        if found.trouble:
            raise Unusable(found.trouble)
        return os.environ[found.at]
    return first_line(Path(found.at), of_service=found.where is Where.CREDENTIALS)
