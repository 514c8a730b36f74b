"""Values as people type them, and as they read them: decimal comma or point, yes or no, names of states."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping

from linectl.errors import ConfigError
from linectl.model.lines import Tag
from linectl.model.readings import Value
from linectl.words import number, tr

__all__ = ["value_of_text", "value_text"]

_YES = {"true", "yes", "on", "1", "vrai", "oui", "marche"}
_WITH_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(?!e[-+]?\d)([^\d\s.,+-].*)")  # 46,5 °C
_NO = {"false", "no", "off", "0", "faux", "non", "arrêt", "arret"}


def value_of_text(tag: Tag, text: str) -> Value:
    """Return the value that a person wrote for `tag`: yes or no, the name of a state, a number with point or comma.

    The tag's own unit may stand behind the number; another one is refused, nothing is converted.

    Raises:
        ConfigError: it is none of what the tag takes.
    """
    word = text.strip().lower()
    if tag.dtype == "bool" or (tag.point is not None and tag.point.kind == "bool"):
        if word in _YES | _NO:
            return word in _YES
        raise _not_understood(tag, text, tr("expected yes or no"))
    states: Mapping[str, int] = {name.lower(): number for number, name in tag.states.items()}
    if word in states:
        return states[word]
    with_unit = _WITH_UNIT.fullmatch(word)
    if with_unit is not None and tag.unit:
        word, unit = with_unit.groups()
        if unit not in {tag.unit.lower(), tag.unit.lower().removeprefix("°")}:
            hint = tr("its unit is {unit}: write {number} {unit}, or the number alone")
            raise _not_understood(tag, text, hint.format(unit=tag.unit, number=number(62.5)))
    try:
        value = float(word.replace(",", "."))
    except ValueError:
        near = difflib.get_close_matches(word, states, n=1)
        hint = tr("did you mean `{word}`?").format(word=near[0]) if near else tr("expected a number, such as 62,5")
        raise _not_understood(tag, text, hint) from None
    if not math.isfinite(value):
        raise _not_understood(tag, text, tr("expected a number, such as 62,5"))
    return int(value) if tag.dtype == "int" and value.is_integer() else value


def _not_understood(tag: Tag, text: str, hint: str) -> ConfigError:
    return ConfigError(tr("{tag} cannot take {text}").format(tag=tag.name, text=repr(text)), hint=hint)


def value_text(tag: Tag, value: Value | None) -> str:
    """Return a value as people read it: the name of a state, yes or no, else a number of six digits."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    state = tag.state(value)
    if state:
        return f"{number(value)} {state}"
    return str(value) if isinstance(value, int) else number(float(f"{value:.6g}"))
