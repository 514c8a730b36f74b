"""Words for people, in French or English; what machines read never passes here.

Messages are written in English in the code, `tr("... {name} ...").format(name=...)`, and their French stands in
`words/fr/LC_MESSAGES/linectl.po` (compiled at build). Order: `use(lang)` from `--lang`, LINECTL_LANG, LANGUAGE,
LC_ALL, LC_MESSAGES, LANG, else French: the technicians' language.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

__all__ = ["LANGUAGES", "decimal", "language", "ntr", "number", "speaking", "tr", "use", "with_comma"]

LANGUAGES = ("fr", "en")
LOCALES = Path(__file__).parent
DOMAIN = "linectl"

_state: dict[str, gettext.NullTranslations] = {}
_chosen: dict[str, str] = {}
_spoken: ContextVar[str] = ContextVar("spoken", default="")  # by one task, beside what the process speaks
_catalogues: dict[str, gettext.NullTranslations] = {}


def use(lang: str) -> None:
    """Speak `lang` ("fr" or "en") from now on, in the whole process (click's own messages too).

    Raises:
        ValueError: `lang` is neither.
    """
    if lang not in LANGUAGES:
        msg = f"language {lang!r}: expected one of {', '.join(LANGUAGES)}"
        raise ValueError(msg)
    os.environ["LANGUAGE"] = lang
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)
    _chosen["lang"] = lang
    _state["words"] = _catalogue(lang)


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Speak `lang` for the time of the block, in this task and those that it starts; others are not touched.

    Raises:
        ValueError: `lang` is none of `LANGUAGES`.
    """
    if lang not in LANGUAGES:
        msg = f"language {lang!r}: expected one of {', '.join(LANGUAGES)}"
        raise ValueError(msg)
    before = _spoken.set(lang)
    try:
        yield
    finally:
        _spoken.reset(before)


def language() -> str:
    """Return the language in use, "fr" or "en"."""
    spoken = _spoken.get()
    if spoken:
        return spoken
    if "lang" not in _chosen:
        use(_from_environment())
    return _chosen["lang"]


def tr(message: str) -> str:
    """Return `message` (English) in the language in use; fill its `{fields}` afterwards."""
    return _words().gettext(message)


def ntr(singular: str, plural: str, count: int) -> str:
    """Return the form of a message that fits `count` in the language in use."""
    return _words().ngettext(singular, plural, count)


def _words() -> gettext.NullTranslations:
    spoken = _spoken.get()
    if spoken:
        return _catalogue(spoken)
    language()
    return _state["words"]


def _catalogue(lang: str) -> gettext.NullTranslations:
    found = _catalogues.get(lang)
    if found is None:
        found = _catalogues[lang] = gettext.translation(DOMAIN, LOCALES, [lang], fallback=True)
    return found


def decimal(value: float, digits: int = 1) -> str:
    """Return `value` with `digits` decimals, a comma before them in French."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language() == "fr" else text


def number(value: float) -> str:
    """Return `value` as short as it is (`1.5`, `60`), with a comma in French."""
    return with_comma(f"{value:g}")


def with_comma(text: str) -> str:
    """Return machine-made `text` with the decimal points of its numbers turned into commas in French."""
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text) if language() == "fr" else text


def _from_environment() -> str:
    for name in ("LINECTL_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(name, "").lower()[:2]
        if code in LANGUAGES:
            return code
    return "fr"
