"""Passwords and TLS files of a line's links, looked up when the line is opened; no password stands in a line file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from drivers.settings import LinkSettings, MqttSettings
from linectl.config.files import SourceText, is_file, read_source
from linectl.config.nodes import Document, parse
from linectl.errors import ConfigError, Problem
from linectl.model.lines import LineDefinition, Secret
from linectl.words import tr

__all__ = ["with_secrets"]

_MAX_BYTES = 4096  # a password beyond this is another file


def with_secrets(definition: LineDefinition, names: Iterable[str] | None = None) -> LineDefinition:
    """Return the line with the passwords of its links `names` (else all) in their settings; TLS files are looked for.

    A link that was put in the place of the one in the file (a simulated broker) has another user, and gets none.

    Raises:
        ConfigError: a password, certificate or key is missing or may be read by others; each with the place in the
            line file that names it.
    """
    problems: list[Problem] = []
    links = dict(definition.links)
    for name in links if names is None else names:
        settings = links[name]
        secret = definition.secrets.get(name)
        if not isinstance(settings, MqttSettings):
            continue
        if secret is not None and (secret.file or secret.env) and secret.username == settings.username:
            links[name] = _with_password(settings, secret, problems)
        troubles = list(_tls_troubles(settings))
        if troubles:
            document = _document(definition.source)
            problems += [document.problem(("links", name, "tls", key), message) for key, message in troubles]
    if problems:
        raise ConfigError(problems)
    return replace(definition, links=links)


def _with_password(settings: MqttSettings, secret: Secret, problems: list[Problem]) -> LinkSettings:
    try:
        return replace(settings, password=_of_file(Path(secret.file)) if secret.file else _of_environment(secret.env))
    except _Trouble as error:
        problems.append(Problem(*secret.place, str(error)))
        return settings


class _Trouble(Exception):
    """A secret cannot be had; the message says why and what to do."""


def _of_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise _Trouble(tr("the environment variable {name} is not set: export it before starting").format(name=name))
    return value


def _of_file(path: Path) -> str:
    """Return the first line of a file that only its owner may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = tr("{path} cannot be read: {why}").format(path=path, why=error.strerror or error)
        raise _Trouble(message) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _Trouble(
            tr("{path} may be read by others (mode {mode}): chmod 600 {path}").format(path=path, mode=_mode(mode))
        )
    text = data[:_MAX_BYTES].decode("utf-8", errors="replace").partition("\n")[0].rstrip("\r")
    if len(data) > _MAX_BYTES or not text or "\ufffd" in text:
        raise _Trouble(tr("{path} holds no password: expected one line of text").format(path=path))
    return text


def _document(source: str) -> Document:
    """Return where things stand in the line's file; a line that no file describes has no such places."""
    try:
        return parse(read_source(Path(source)))
    except ConfigError:
        return Document(SourceText(source, "", ""))


def _tls_troubles(settings: MqttSettings) -> Iterator[tuple[str, str]]:
    """Give the key of each file that cannot be used, and why."""
    if settings.tls is None:
        return
    for name in ("ca_file", "certificate_file", "key_file"):
        path = getattr(settings.tls, name)
        if path and not is_file(Path(path)):
            yield name, tr("{path}: no such file").format(path=path)
    key = Path(settings.tls.key_file)
    if settings.tls.key_file and os.name == "posix" and is_file(key):
        mode = key.stat().st_mode
        if mode & stat.S_IRWXO:
            text = tr("{path} may be read by others (mode {mode}): chmod 600 {path}")
            yield "key_file", text.format(path=key, mode=_mode(mode))


def _mode(mode: int) -> str:
    return f"{stat.S_IMODE(mode):o}"
