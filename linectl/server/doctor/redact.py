"""What may leave the house: passwords, tokens, keys and the user of a URL are blotted out of texts and data.

Two nets, one behind the other. Secrets that are known here (by name, of a line, of an endpoint) are blotted wherever
they stand, also as URLs, JSON and base64 write them. And what looks like one is blotted, known or not: the value of a
key that is called so, the user part of a URL, what follows Bearer and Basic, private keys. In doubt too much goes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["BLOT", "Redactor"]

BLOT = "••••"
_SHORTEST = 4  # characters: a shorter word stands in too many others; its key gives it away

_WORDS = (
    r"password|passwd|passphrase|passcode|pwd|(?<!password_)secret|token|credentials?|authorization"
    r"|api[_-]?key|private[_-]?key"
)  # `password_secret` names a secret, and is none

_KEY = re.compile(rf"(?i)(?:{_WORDS})$|^LINECTL_SECRET_")
_TOLD = re.compile(rf"(?i)(?P<key>(?:{_WORDS})[\"']?[ \t]*[:=](?!//)[ \t]*)(?P<value>\S[^\n]*)")
_OPTION = re.compile(rf"(?i)(?P<key>--?(?:{_WORDS})[ \t]+)\S+")
_OPENED = re.compile(rf"(?i)^(?P<indent>[ \t]*)(?:- +)?[\"']?[\w.-]*(?:{_WORDS})[\"']?[ \t]*:")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^\s\"'<>]*@")
_BEARER = re.compile(r"(?i)\b(?P<how>Bearer|Basic)\s+(?!auth)[A-Za-z0-9+/=._~-]{8,}")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


class Redactor:
    """Blots out the `secrets` that it is given, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if self._known is not None:
            text = self._known.sub(BLOT, text)
        text = _PEM.sub(BLOT, text)
        text = _URL.sub(rf"\g<scheme>{BLOT}@", text)
        text = _BEARER.sub(rf"\g<how> {BLOT}", text)
        text = _OPTION.sub(rf"\g<key>{BLOT}", text)
        return "\n".join(_without_blocks(_TOLD.sub(rf"\g<key>{BLOT}", text).split("\n")))

    def data(self, value: Any) -> Any:
        """Return plain data without secrets; what stands under a key that is called so goes whole."""
        if isinstance(value, Mapping):
            return {self.text(str(key)): BLOT if _secret(key, item) else self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return self.text(value) if isinstance(value, str) else value


def _secret(key: object, value: object) -> bool:
    return value not in (None, "", BLOT) and not isinstance(value, bool) and _KEY.search(str(key)) is not None


def _forms(secret: str) -> Iterator[str]:
    """Give a secret as it is, and as URLs, JSON, Python and base64 write it."""
    if not secret:
        return
    yield secret
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    coded = base64.b64encode(secret.encode()).decode().rstrip("=")
    yield from (coded, base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="))


def _without_blocks(lines: list[str]) -> Iterator[str]:
    """Give the lines without what YAML puts below a secret's key: a block of text, a value on a line of its own."""
    inside: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if inside is not None and line.strip() and depth > inside:
            yield f"{line[:depth]}{BLOT}"
            continue
        if line.strip():
            opened = _OPENED.match(line)
            inside = len(opened["indent"]) if opened else None
        yield line
