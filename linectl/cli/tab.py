"""TAB answered before click is loaded: the verbs and options as click last told of them, and names out of files.

What click offers for a verb is kept in the user's cache as a table (see `linectl.cli.tab_table`). Where the table does
not know the verb, is of another version or language, or the line is an unusual one, nothing is answered here: click is
asked as ever, and what it says is kept. Nothing is loaded here but json and os, and each kind of names by itself.
"""

from __future__ import annotations

import binascii
import json
import os
import sys

from linectl.cli.flags import after_verb

TYPE_CHECKING = False  # as type checkers know it: `typing` itself would take a third of a TAB
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Node = Mapping[str, Any]

__all__ = ["VARIABLE", "answered", "stamp", "table_file"]

VARIABLE = "_LINECTL_COMPLETE"
"""By which a shell's script tells linectl that words are asked for, and how it wants them."""

Item = tuple[str, str, str]
_SPOKEN = [os.environ.get(name, "") for name in ("LINECTL_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
"""What says the language, as it was at the start: to speak one, LANGUAGE is set."""
_QUOTES = frozenset("'\"\\")


def answered(environment: Mapping[str, str]) -> bool:
    """Print what the shell asks for and return True; False: it is for click to say."""
    shell, _, instruction = environment.get(VARIABLE, "").partition("_")
    typed = environment.get("COMP_WORDS", "")
    if instruction != "complete" or shell not in _FORMS or _QUOTES.intersection(typed):
        return False
    try:
        args, incomplete = _words(shell, typed.split(), environment.get("COMP_CWORD", ""))
        with open(table_file(), encoding="utf-8") as source:  # noqa: PTH123  # pathlib costs a third of a TAB
            table = json.load(source)
        if table["stamp"] != stamp():
            return False
        found = _found(table["commands"], after_verb(args), incomplete)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if found is None:
        return False
    sys.stdout.buffer.write("".join(f"{_FORMS[shell](each)}\n" for each in found).encode() or b"\n")
    sys.stdout.flush()
    return True


def table_file() -> str:
    """Return where the table of this linectl in this language stands."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  # as above
    mark = "|".join((__file__, *_SPOKEN))
    return f"{cache}/linectl/tab-{binascii.crc32(mark.encode()):08x}.json"


def stamp() -> str:
    """Return a mark that changes with any module of a verb."""
    newest, count = 0, 0
    with os.scandir(__file__.rpartition("/")[0] or ".") as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                newest, count = max(newest, entry.stat().st_mtime_ns), count + 1
    return f"{newest} {count}"


def _words(shell: str, words: list[str], place: str) -> tuple[list[str], str]:
    """Return the words before the one that is being typed, and that one, as click does for the shell."""
    if shell == "fish":
        args = words[1:]
        if place and args and args[-1] == place:
            args.pop()
        return args, place
    number = int(place)
    return words[1:number], words[number] if number < len(words) else ""


def _found(commands: Mapping[str, Node], args: list[str], incomplete: str) -> list[Item] | None:
    """Return what fits; None: the table does not tell."""
    path, node, rest = "", commands[""], list(args)
    while node["verbs"] and rest:
        word = rest.pop(0)
        path = f"{path} {word}".strip()
        if path not in commands:
            return None
        node = commands[path]
    if node["verbs"]:
        verbs = [("plain", name, told) for name, told in node["verbs"] if name.startswith(incomplete)]
        return [*verbs, *_options(node, set(), incomplete)]
    return _of_verb(node, rest, incomplete)


def _of_verb(node: Node, words: list[str], incomplete: str) -> list[Item] | None:
    read = _read(node, words)
    if read is None or "=" in incomplete:
        return None
    params, given, pending = read
    if incomplete.startswith("-"):
        return None if pending else _options(node, given, incomplete)
    if incomplete and not (incomplete[0].isalnum() or incomplete[0] in "./_"):
        return None
    return _named(pending or _next(node, params), params, incomplete)


def _options(node: Node, given: set[str], incomplete: str) -> list[Item]:
    """Return the options that were not given yet, once a dash is typed."""
    if not incomplete.startswith("-"):
        return []
    free = [each for each in node["options"] if each["many"] or each["name"] not in given]
    return [("plain", word, each["help"]) for each in free for word in each["words"] if word.startswith(incomplete)]


def _read(node: Node, words: list[str]) -> tuple[dict[str, Any], set[str], Node | None] | None:
    """Return what was typed: values by name, which options, and the option whose value comes next; None: unusual."""
    known = {word: each for each in node["options"] for word in each["words"]}
    params: dict[str, Any] = {}
    given: set[str] = set()
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        option = known.get(name)
        if option is None or (equals and not option["takes"]):
            return None
        given.add(option["name"])
        if option["takes"] and not equals:
            if not rest:
                return _placed(node, plain, params), given, option
            value = rest.pop(0)
        params[option["name"]] = value
    return _placed(node, plain, params), given, None


def _placed(node: Node, plain: list[str], params: dict[str, Any]) -> dict[str, Any]:
    """Return `params` with the words that are no options, each under the name of its argument."""
    rest = list(plain)
    for each in node["arguments"]:
        if each["many"]:
            params[each["name"]], rest = rest, []
        elif rest:
            params[each["name"]] = rest.pop(0)
    return params


def _next(node: Node, params: Mapping[str, Any]) -> Node | None:
    """Return the argument that is typed now, None when there is none left."""
    return next((each for each in node["arguments"] if each["many"] or each["name"] not in params), None)


def _named(param: Node | None, params: Mapping[str, Any], incomplete: str) -> list[Item] | None:
    if param is None:
        return []
    how = param["how"]
    if how == "choice":
        return [("plain", each, "") for each in param["choices"] if each.startswith(incomplete)]
    if how in {"file", "dir"}:
        return [(how, incomplete, "")]
    if how != "names":
        return [] if how == "" else None
    from linectl.cli.kept import KEPT, kept_items

    if param["kind"] in {*KEPT, "served_lines", "tags"}:
        kept = kept_items(param["kind"], params)
        said = params.get(param["name"])
        had = said if isinstance(said, list) else []
        if kept is not None:
            return [("plain", *each) for each in kept if each[0].startswith(incomplete) and each[0] not in had]
    from linectl.cli.names import named

    return named(param["kind"], params, param["name"], incomplete)


def _bash(item: Item) -> str:
    return f"{item[0]},{item[1]}"


def _zsh(item: Item) -> str:
    how, word, told = item
    return f"{how}\n{word.replace(':', chr(92) + ':') if told else word}\n{told or '_'}"


def _fish(item: Item) -> str:
    how, word, told = item
    return f"{how},{word}\t{told}".replace("\n", "\\n") if told else f"{how},{word}"


_FORMS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
