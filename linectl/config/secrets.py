"""Passwords and TLS files of a line's links, looked up when the line is opened; no password stands in a line file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from drivers.settings import LinkSettings, MqttSettings
from linectl.config.files import SourceText, is_file, read_source
from linectl.config.named_secrets import Unusable, first_line
from linectl.config.named_secrets import secret as named
from linectl.config.nodes import Document, parse
from linectl.errors import ConfigError, Problem
from linectl.model.lines import LineDefinition, Secret
from linectl.words import tr

__all__ = ["with_secrets"]


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
        if secret is not None and (secret.file or secret.env or secret.name) and secret.username == settings.username:
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
        return replace(settings, password=_password(secret))
    except Unusable as error:
        problems.append(Problem(*secret.place, str(error)))
        return settings


def _password(secret: Secret) -> str:
    """Return the password where it is kept.

    Raises:
        Unusable: it is not there, or others may read it.
    """
    if secret.name:
        return named(secret.name)
    if secret.file:
        return first_line(Path(secret.file))
    value = os.environ.get(secret.env, "")
    if not value:
        raise Unusable(
            tr("the environment variable {name} is not set: export it before starting").format(name=secret.env)
        )
    return value


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
