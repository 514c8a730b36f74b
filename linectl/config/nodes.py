"""YAML text -> plain data with the position of every key and item. No schema here.

Plain words are read as YAML 1.2 reads them: `no`, `on`, `12:30` and dates stay text, 1e3 is a number. What YAML
allows and a reader would stumble over is refused with its place: a key given twice, aliases, merge keys, own tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from linectl.config.files import SourceText
from linectl.errors import Problem
from linectl.words import tr

__all__ = ["PLAIN_WORDS", "Document", "Loc", "parse"]

Loc = tuple[str | int, ...]

_YAML = "tag:yaml.org,2002:"
_MAX_DIGITS = 40  # beyond this a number is a mistake, and Python refuses very long ones


@dataclass(slots=True)
class Document:
    """Plain data (dict, tuple, scalars), where each part stands (line and column from 1), and what was wrong.

    `marks` has the place of keys and items, `texts` that of the first character of texts written in one line.
    """

    source: SourceText
    data: Any = None
    marks: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    texts: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, loc: Loc, message: str) -> Problem:
        """Return a problem at `loc`, or at its nearest parent that stands in the file."""
        place = loc
        while place and place not in self.marks:
            place = place[:-1]
        line, column = self.marks.get(place, (1, 1))
        return Problem(self.source.path, line, column, where(loc), message)

    def complain(self, loc: Loc, message: str) -> None:
        """Add a problem at `loc`."""
        self.problems.append(self.problem(loc, message))

    def complain_in(self, loc: Loc, offset: int, message: str) -> None:
        """Add a problem `offset` characters into the text at `loc`; at its key, when it goes over lines."""
        problem = self.problem(loc, message)
        if loc in self.texts:
            line, column = self.texts[loc]
            problem = problem._replace(line=line, column=column + offset)
        self.problems.append(problem)


def where(loc: Loc) -> str:
    """Return `loc` as people write it: `factors.temperature_c[2]`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


PLAIN_WORDS = (
    (_YAML + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    (_YAML + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    (_YAML + "int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")),
    (
        _YAML + "float",
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+0123456789."),
    ),
)
"""What plain (unquoted) words mean besides text: tag, pattern, first characters. The core schema of YAML 1.2."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the plain scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own name


for _tag, _pattern, _first in PLAIN_WORDS:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)


def parse(source: SourceText) -> Document:
    """Return the document in `source`; what is wrong with its YAML is in its `problems`."""
    document = Document(source)
    try:
        root = yaml.compose(source.text, Loader=_Loader)
    except yaml.YAMLError as error:
        document.problems.append(_yaml_problem(source, error))
    except RecursionError:
        document.complain((), tr("nested too deeply"))
    except (ValueError, OverflowError) as error:  # an escape such as "\UFFFFFFFF" is no character
        document.complain((), tr("not YAML: {why}").format(why=error))
    else:
        if root is None:
            document.complain((), tr("the file is empty"))
        else:
            _Walk(document).build(root)
    return document


class _Walk:
    """Turns composed nodes into plain data, each node once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: set[int] = set()

    def build(self, root: yaml.Node) -> None:
        self._document.data = self._value(root, ())

    def _value(self, node: yaml.Node, loc: Loc) -> Any:
        if id(node) in self._seen:
            self._complain(node, loc, tr("aliases (*name) are not used here: write the value out"))
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, loc))
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._items(node, loc))
        return self._scalar(node, loc)

    def _pairs(self, node: yaml.MappingNode, loc: Loc) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                self._complain(key_node, loc, tr("a key must be plain text"))
                continue
            key: str = key_node.value
            if key in first:
                message = tr("given twice; the first stands in line {line}").format(line=first[key])
                self._complain(key_node, (*loc, key), message)
                continue
            first[key] = key_node.start_mark.line + 1
            self._document.marks[(*loc, key)] = _mark(key_node)
            yield key, self._value(value_node, (*loc, key))

    def _items(self, node: yaml.SequenceNode, loc: Loc) -> Iterator[Any]:
        for number, item in enumerate(node.value):
            self._document.marks[(*loc, number)] = _mark(item)
            yield self._value(item, (*loc, number))

    def _scalar(self, node: yaml.Node, loc: Loc) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(_YAML)
        if kind == "str":
            self._place_text(node, loc)
            return text
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        try:
            if kind == "int" and len(text) <= _MAX_DIGITS:
                return int(text)
            if kind == "float":
                return _float(text)
        except ValueError:
            pass  # an explicit tag on other text: said below
        self._complain(node, loc, tr("{text} cannot be read as {kind}").format(text=text[:40], kind=node.tag))
        return None

    def _place_text(self, node: yaml.Node, loc: Loc) -> None:
        """Keep where a text begins, when each of its characters stands in the file as it is, in one line."""
        begin, end = node.start_mark, node.end_mark
        quotes = end.column - begin.column - len(node.value)
        if begin.line == end.line and quotes in {0, 2}:
            self._document.texts[loc] = (begin.line + 1, begin.column + 1 + quotes // 2)

    def _complain(self, node: yaml.Node, loc: Loc, message: str) -> None:
        line, column = _mark(node)
        self._document.problems.append(Problem(self._document.source.path, line, column, where(loc), message))


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _yaml_problem(source: SourceText, error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        before = source.text[: error.position]
        column = error.position - (before.rfind("\n") + 1) + 1
        message = tr("character {code} is not allowed in YAML").format(code=f"U+{error.character:04X}")
        return Problem(source.path, before.count("\n") + 1, column, "", message)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    why = getattr(error, "problem", None) or getattr(error, "context", None) or error
    return Problem(source.path, line, column, "", tr("not YAML: {why}").format(why=why))
