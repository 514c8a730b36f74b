"""The French catalogue: complete, without dead entries, and what machines read stays the same in every language.

The messages are found in the syntax tree, not with pybabel: its reader of Python 3.11 does not look into f-strings.
"""

from __future__ import annotations

import ast
import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import drivers
import linectl
from linectl import words
from linectl.cli.verbs import VERBS
from linectl.config.files import find_file
from linectl.errors import ConfigError

PACKAGE = Path(linectl.__file__).parent
FRENCH = PACKAGE / "words" / "fr" / "LC_MESSAGES"
# tr(variable): VERBS and the texts of wrong addresses are read below, and tr itself
HAND_THROUGH = {("cli", "verbs.py"), ("config", "address_words.py"), ("words", "__init__.py")}

Key = str | tuple[str, str]


def messages(tree: ast.AST, names: tuple[str, str]) -> Iterator[Key | None]:
    """Give the message of each call of `names` (one form, two forms); None for a call without literal text."""
    one, two = names
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in names:
            continue
        texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if node.func.id == one:
            yield texts[0] if texts else None
        if node.func.id == two:
            yield (texts[0], texts[1]) if len(texts) > 1 else None


@cache
def of_package(folder: Path, names: tuple[str, str]) -> dict[Path, list[Key | None]]:
    """Return the messages of each source file in `folder`."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    return {path.relative_to(folder): list(messages(tree, names)) for path, tree in trees.items()}


def of_linectl() -> set[Key]:
    found = of_package(PACKAGE, ("tr", "ntr")).values()
    addresses = of_package(Path(drivers.__file__).parent, ("BadAddress", "")).values()
    texts = {key for keys in (*found, *addresses) for key in keys if key is not None}
    return texts | {line for _, line in VERBS.values()}


def of_click() -> set[Key]:
    found = of_package(Path(click.__file__).parent, ("_", "ngettext")).values()
    return {key for keys in found for key in keys if key is not None} | {"required"}  # _(extra["required"])


@cache
def catalogue() -> Catalog:
    with (FRENCH / "linectl.po").open("rb") as source:
        return read_po(source, abort_invalid=True)


def entries() -> dict[Key, Message]:
    return {key_of(message): message for message in catalogue() if message.id}


def key_of(message: Message) -> Key:
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if text is None else (text,) if isinstance(text, str) else tuple(text)


def fields(text: str) -> set[tuple[str, str, str]]:
    """Return the placeholders of `text` with their conversions and formats; `%(name)s` counts too."""
    braces = {
        (name, conversion or "", spec or "") for _, name, spec, conversion in string.Formatter().parse(text) if name
    }
    return braces | {(part.split(")")[0], "%", part.split(")")[1][:1]) for part in text.split("%(")[1:]}


def edges(text: str) -> tuple[str, str]:
    """Return the blanks and line ends around `text`; a no-break blank belongs to the French colon or semicolon."""
    bare = text.strip("\u00a0")
    return bare[: len(bare) - len(bare.lstrip())], bare[len(bare.rstrip()) :]


def faults(message: Message) -> list[str]:
    """Return what is wrong with the French of a message."""
    english, french = forms(message.id), forms(message.string)
    if len(french) != len(english) or not all(text.strip() for text in french):
        return ["not translated"]
    found = []
    for text in french:
        if fields(text) not in [fields(each) for each in english]:
            found.append(f"other placeholders: {text}")
        if edges(text) != edges(english[0]):
            found.append(f"other blanks or lines at its ends: {text!r}")
        if re.search(r"[\w)»}'] [:;?](?:\s|$)", text):
            found.append(f"a blank before : ; ? at which a line may break: {text}")
    return found


def run_linectl(*argv: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    spoken = {"LINECTL_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}
    inherited = {name: value for name, value in os.environ.items() if name not in spoken}
    return subprocess.run(
        [sys.executable, "-m", "linectl", *argv],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
        cwd=folder,
        env={**inherited, "PYTHONUTF8": "1", **environment},
    )


def test_every_message_of_the_code_is_literal() -> None:
    for path, keys in of_package(PACKAGE, ("tr", "ntr")).items():
        if path.parts not in HAND_THROUGH:
            assert None not in keys, f"{path}: tr() needs a literal text"


def test_messages_in_f_strings_are_found() -> None:
    found = list(messages(ast.parse("""f"<b>{tr('x' 'y')}</b>" + ntr("a", "b", n) + tr(z)"""), ("tr", "ntr")))
    assert sorted(map(str, found)) == ["('a', 'b')", "None", "xy"]


def test_every_message_has_its_french() -> None:
    missing = sorted(map(str, of_linectl() - entries().keys()))
    assert not missing, "add to linectl.po:\n" + "\n".join(missing)


def test_no_entry_is_dead() -> None:
    dead = sorted(map(str, entries().keys() - of_linectl() - of_click()))
    assert not dead, "not used any more, take out of linectl.po:\n" + "\n".join(dead)
    assert not catalogue().obsolete


NEVER_SEEN = {  # of click: mistakes of whoever declares a verb, and what no verb of linectl uses
    "Arguments take exactly one parameter declaration, got {length}: {decls}.",
    "Boolean option {decl!r} cannot use the same flag for true/false.",
    "Could not determine name for option with declarations {decls!r}",
    "Invalid start character for option ({option})",
    "Name '{name}' defined twice",
    (
        "No options defined but a name was passed ({name}). Did you mean to declare an argument instead? "
        "Did you mean to pass '--{name}'?"
    ),
    "Unknown color {colour!r}",
    "Unknown standard stream '{name}'",
    "Value must be an iterable.",
    "d",  # days in a progress bar
    "{editor}: Editing failed",
    "{editor}: Editing failed: {e}",
}


def test_every_message_of_click_that_a_person_can_see_is_there() -> None:
    usual = {"Usage:", "Options", "Commands", "Error: {message}", "No such command {name!r}.", "Missing argument"}
    assert usual <= entries().keys() & of_click()
    assert sorted(map(str, of_click() - entries().keys() - NEVER_SEEN)) == []


def test_every_entry_is_translated_and_none_is_fuzzy() -> None:
    wrong = [f"{message.id}: {fault}" for message in entries().values() for fault in faults(message)]
    assert not wrong, "\n".join(wrong)
    assert [message.id for message in entries().values() if message.fuzzy] == []


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("{n} baths", ""),
        ("{n} baths", "{m} bains"),
        ("{n:g} baths", "{n} bains"),
        ("{n!r}", "{n}"),
        ("%(prog)s", "prog"),
        ("\nstop", "arrêt"),
        ("stop: why", "arrêt : pourquoi"),
    ],
)
def test_a_wrong_translation_is_noticed(english: str, french: str) -> None:
    assert faults(Message(english, french))


def test_header_names_charset_and_plural_forms() -> None:
    assert catalogue().charset == "utf-8"
    assert str(catalogue().locale) == "fr"
    assert catalogue().plural_expr.strip("()") == "n > 1"


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    compiled = FRENCH / "linectl.mo"
    assert compiled.exists(), "compile it: make words"
    with compiled.open("rb") as source:
        told = {key_of(message): forms(message.string) for message in read_mo(source) if message.id}
    expected = {key: forms(message.string) for key, message in entries().items()}
    assert told == expected, "compile it again: make words"


def test_french_is_spoken_and_left_again() -> None:
    words.use("fr")
    assert words.tr("MORE BOTTLES") == "ENCORE DES BOUTEILLES"
    words.use("en")
    assert words.tr("MORE BOTTLES") == "MORE BOTTLES"


@pytest.mark.parametrize(
    ("lang", "wrong", "usage"), [("fr", "Commande inconnue", "Usage\u00a0:"), ("en", "No such", "Usage:")]
)
def test_a_misspelt_verb_is_told_in_the_language_asked(lang: str, wrong: str, usage: str) -> None:
    ended = run_linectl("stauts", "--lang", lang)
    assert ended.returncode == 2
    assert wrong in ended.stderr
    assert usage in ended.stderr


def test_french_is_spoken_where_no_language_is_told() -> None:
    assert "Commande inconnue" in run_linectl("stauts").stderr
    assert "No such" in run_linectl("stauts", LANG="en_GB.UTF-8").stderr


def test_machines_read_the_same_in_every_language() -> None:
    try:
        file = find_file("simulated").resolve()
    except ConfigError:
        pytest.skip("config/simulated.yaml is not here")
    french, english = (run_linectl("config", "check", str(file), "--json", "--lang", lang) for lang in words.LANGUAGES)
    assert french.returncode == english.returncode == 0
    assert french.stdout == english.stdout
    assert json.loads(french.stdout)
