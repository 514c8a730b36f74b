"""The first look at a file: is it keys with values, of the kind that is asked for; and all its problems at the end."""

from __future__ import annotations

from typing import Any

from linectl.config.files import SourceText
from linectl.config.nodes import Document, parse
from linectl.config.schema import nearest
from linectl.errors import ConfigError
from linectl.words import tr

__all__ = ["complain_of_kind", "parsed", "stop_on_problems"]


def parsed(source: SourceText, kind: str) -> Document:
    """Return the document, when it is of `kind` at all; of another kind, each key would be called unknown.

    Raises:
        ConfigError: it is no document, or one of another kind.
    """
    document = parse(source)
    if document.data is None and document.problems:
        raise ConfigError(document.problems)
    if not isinstance(document.data, dict):
        document.complain((), tr("expected keys with values, the first of them `kind: {kind}`").format(kind=kind))
        raise ConfigError(document.problems)
    if document.data.get("kind") != kind:
        complain_of_kind(document, document.data.get("kind"), (kind,))
        raise ConfigError(document.problems)
    return document


def complain_of_kind(document: Document, kind: Any, kinds: tuple[str, ...]) -> None:
    """Add to the document that its kind is none of `kinds`."""
    if kind is None:
        document.complain(("kind",), tr("missing; expected one of {words}").format(words=", ".join(kinds)))
    else:
        message = tr("`{kind}` is not known here; {nearest}")
        document.complain(("kind",), message.format(kind=kind, nearest=nearest(str(kind), kinds)))


def stop_on_problems(document: Document) -> None:
    """Raise what is wrong, in the order of the file; what is wrong in other files that it names comes last.

    Raises:
        ConfigError: something is wrong.
    """
    if document.problems:
        path = document.source.path
        key = sorted(document.problems, key=lambda each: (each.file != path, each.file, each.line, each.column))
        raise ConfigError(key)
