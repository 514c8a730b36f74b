"""Flags that every verb may have: they stand before the verb, after it or between, and act before click is loaded."""

from __future__ import annotations

__all__ = ["GROUPS", "after_verb", "chosen_language", "wants_json"]

_WITH_VALUE = frozenset({"--line", "--data", "--lang", "--timeout", "--reason"})
_ALONE = frozenset(
    {
        "--json",
        "--sim",
        "--plain",
        "--no-color",
        "-q",
        "--quiet",
        "-v",
        "--verbose",
        "--no-input",
        "-y",
        "--yes",
        "--dry-run",
        "--arm",
    }
)
_END = "--"  # what follows are words, whatever they look like

GROUPS = frozenset(
    {
        "alarms",
        "audit",
        "cal",
        "config",
        "confirm",
        "experiment",
        "interlocks",
        "lot",
        "recipe",
        "runs",
        "scan",
        "secrets",
        "sim",
        "sim fault",
        "tags",
    }
)
"""The verbs that have verbs of their own, by their path."""


def after_verb(argv: list[str]) -> list[str]:
    """Return the words with the global flags that stand before the last verb (`sim --json fault ls`) moved behind it.

    What stands behind it stays as it is: there a verb's own options begin.
    """
    path: list[str] = []
    flags: list[str] = []
    rest = list(argv)
    while rest and (not path or " ".join(path) in GROUPS):
        name = rest[0].split("=", 1)[0]
        if name in _WITH_VALUE:
            taken = 1 if "=" in rest[0] else 2
        elif rest[0] in _ALONE:
            taken = 1
        elif rest[0].startswith("-"):
            break
        else:
            path.append(rest.pop(0))
            continue
        flags += rest[:taken]
        rest = rest[taken:]
    return [*path, *flags, *rest]


def chosen_language(argv: list[str]) -> list[str]:
    """Speak the language of --lang before click is imported; return `argv` without it (a wrong one stays)."""
    from linectl import words  # not at TAB

    rest: list[str] = []
    lang, left = words.language(), list(argv)
    while left and left[0] != _END:
        word = left.pop(0)
        value = word.removeprefix("--lang=") if word.startswith("--lang=") else left[0] if left else ""
        if word.split("=")[0] != "--lang" or value not in words.LANGUAGES:
            rest.append(word)
            continue
        lang = value
        if word == "--lang":
            left.pop(0)
    words.use(lang)
    return rest + left


def wants_json(argv: list[str]) -> bool:
    """Return whether an error is to be told to a machine too."""
    return "--json" in (argv[: argv.index(_END)] if _END in argv else argv)
