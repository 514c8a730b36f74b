"""Names that a server keeps beside its store, read for TAB: runs, lots, glues, alarms and tags of a line.

Nothing but json and os is loaded here, and nothing is ever told as an error: what is not there offers nothing.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # as type checkers know it: `typing` itself would take a third of a TAB
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Params = Mapping[str, Any]

__all__ = ["KEPT", "Named", "is_safe", "kept_items", "on_one_line", "state_home"]

Named = tuple[str, str]
"""A word, and what is told of it."""

KEPT = {"runs": "runs", "alarms": "alarms", "lots": "lots", "glues": "glues", "served_tags": "tags"}
"""The kinds of names that are kept, by what they are called in the file."""
_SUFFIXES = (".served.json", ".names.json")  # the first is the server's own: nobody else writes it
_SAFE = frozenset("_.@:+-/,")


def state_home() -> str:
    """Return the user's folder for linectl's state, as `linectl.server.places` does."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")  # noqa: PTH111, PTH118  # pathlib costs a third of a TAB
    return os.path.join(home, "linectl")  # noqa: PTH118  # the same


def is_safe(word: str) -> bool:
    """Return whether a shell takes `word` as one plain word: what TAB puts into a line is run as it stands."""
    return word[:1] not in {"", "-"} and all(
        char.isalnum() or char in _SAFE if char.isascii() else char.isprintable() for char in word
    )


def on_one_line(told: str) -> str:
    """Return what is told of a word on one line, without what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in told)


def kept_items(kind: str, params: Params) -> list[Named] | None:
    """Return the names of a kind of `KEPT` for what was typed so far; None: there is no file, or it is out of date.

    Names come from people, also from other labs' files: one that a shell would not take as a plain word is left out.
    """
    found = _kept(kind, params)
    return found and [(word, on_one_line(told)) for word, told in found if is_safe(word)]


def _kept(kind: str, params: Params) -> list[Named] | None:
    if kind == "served_lines":
        return [(str(each.get("line", "")), "") for each in _endpoints(params)]
    if kind == "tags":  # of the line that is named; of one that nobody serves its file is read
        line = str(params.get("line", ""))
        return kept_items("served_tags", params) if any(each["line"] == line for each in _endpoints(params)) else None
    folder = str(params.get("data") or state_home())
    last = _object(f"{folder}/last_run.json")
    if kind == "runs":
        if not last:
            return [("last", "")]
        found = _object(_beside(str(last.get("store", "")))[-1])
        items = _pairs(found.get("runs"))
        is_fresh = any(name == last.get("run") for name, _ in items)
        return [("last", ""), *items] if is_fresh else None
    for file in _files(params, folder, last):
        found = _object(file)
        if KEPT[kind] in found:
            return _pairs(found[KEPT[kind]])
    return None


def _files(params: Params, folder: str, last: Mapping[str, Any]) -> Iterator[str]:
    """Yield where names may stand: of the line that is meant, one that is served, the last run's, any here."""
    line = _line(params)
    served = _endpoints(params)
    for each in served:
        if not line or each.get("line") == line:
            yield from _beside(str(each.get("store", "")))
    if line:
        yield from (f"{folder}/{line}{suffix}" for suffix in _SUFFIXES)
        return
    yield from _beside(str(last.get("store", "")))
    yield from sorted(name for name in _names_in(folder) if name.endswith(_SUFFIXES))


def _line(params: Params) -> str:
    """Return the name of the line that was typed, by its name or its file."""
    typed = str(params.get("line") or "").rpartition("/")[2]
    return typed.removesuffix(".yaml").removesuffix(".yml")


def _beside(store: str) -> list[str]:
    """Return the files of names beside a store, the one in which its runs stand last."""
    return [f"{store.removesuffix('.db')}{suffix}" if store else "" for suffix in _SUFFIXES]


def _endpoints(params: Params) -> list[dict[str, Any]]:
    """Return what servers say of themselves, one a line; those that were killed too: their names still hold."""
    if params.get("data"):
        folders = [str(params["data"])]
    else:
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        folders = [f"{runtime}/linectl"] if runtime else [state_home()]
        folders += [state_home(), "/run/linectl"]
    found: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for file in sorted(_names_in(folder)):
            name = file.rpartition("/")[2]
            if name.startswith("line-") and name.endswith(".json"):
                told = _object(file)
                if told.get("line"):
                    found.setdefault(str(told["line"]), told)
    return list(found.values())


def _names_in(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)]  # noqa: PTH208  # as above
    except OSError:
        return []


def _object(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as source:  # noqa: PTH123  # as above
            found = json.load(source)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _pairs(told: Any) -> list[Named]:
    """Return names with what is told of them; what is none is left out."""
    items = told if isinstance(told, list) else []
    both = [each if isinstance(each, list) else [each, ""] for each in items]
    return [(str(each[0]), str(each[1])) for each in both if len(each) == 2]  # a pair
