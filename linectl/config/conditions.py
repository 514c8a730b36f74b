"""Conditions as people write them -> `linectl.model.conditions`: parsed, checked against the line's tags, never run.

    z3.temperature < z3.setpoint - 2 K or not washer.exhaust_ok
    washer.feed_enable and (washer.fresh_flow < 5 L/min or z7.pressure < 1.5 bar)

A number carries the unit of the tag that it is compared with (a difference of °C is in K), a contact stands alone,
`not` binds before `and`, `and` before `or`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from linectl.config.schema import nearest
from linectl.model.conditions import COMPARES, AllOf, AnyOf, Comparison, Condition, Negation, Operand, Says
from linectl.model.lines import Tag
from linectl.words import number, tr

__all__ = ["Complain", "condition"]

Complain = Callable[[int, str], None]
"""Takes what is wrong: how many characters into the text, and the message."""

_MOST_CHARACTERS = 1000
_DEEPEST = 20  # brackets and `not` inside each other
_KEYWORDS = ("and", "or", "not")
_TOKEN = re.compile(
    r"(?P<number>\d{1,15}(?:[.,]\d{1,15})?)|(?P<tag>[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)+)"
    r"|(?P<sign><=|>=|==|!=|[<>()+-])|(?P<word>[^\s<>()=!+&|-]+)|(?P<other>\S)"
)
_DIFFERENCE = {"°C": "K"}


def condition(text: str, tags: Mapping[str, Tag] | None, complain: Complain) -> Condition | None:
    """Return the condition that `text` writes; None when it cannot be read, which `complain` was told.

    With `tags` their names, types, units and ranges are checked too; without, what is written alone.
    """
    if len(text) > _MOST_CHARACTERS:
        complain(0, tr("a condition has at most {most} characters").format(most=_MOST_CHARACTERS))
        return None
    try:
        return _Parser(text, tags, complain).whole()
    except _Unreadable as error:
        complain(error.at, error.message)
        return None


class _Unreadable(Exception):
    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, tag, sign, word, other; "" at the end
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a comparison: its operand, and the number's unit as it was written."""

    operand: Operand
    unit: str
    at: int
    number_at: int


class _Parser:
    """Reads one text from left to right, one method for each rule."""

    def __init__(self, text: str, tags: Mapping[str, Tag] | None, complain: Complain) -> None:
        self._tokens = [_Token(str(each.lastgroup), each.group(), each.start()) for each in _TOKEN.finditer(text)]
        self._end = _Token("", "", len(text))
        self._tags = tags
        self._complain = complain
        self._next = 0
        self._depth = 0

    def whole(self) -> Condition:
        found = self._either()
        if self._now.kind:
            self._fail(tr("expected `and`, `or` or the end, not {got}"))
        return found

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self, *texts: str) -> _Token | None:
        """Return the token and go on, when it is one of `texts`."""
        token = self._now
        if token.text not in texts or not token.kind:
            return None
        self._next += 1
        return token

    def _fail(self, message: str) -> NoReturn:
        token = self._now
        hints = {"&": "and", "|": "or", "!": "not", "=": "==", "AND": "and", "OR": "or", "NOT": "not"}
        got = f"`{token.text[:40]}`" if token.kind else tr("the end")
        text = message.format(got=got)
        if token.text in hints:
            text += tr("; write `{word}`").format(word=hints[token.text])
        raise _Unreadable(token.at, text)

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self) -> Condition:
        parts = [self._part()]
        while self._take("and"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _part(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unreadable(self._now.at, tr("nested too deeply"))
        try:
            if self._take("not"):
                return Negation(self._part())
            if self._take("("):
                inside = self._either()
                if not self._take(")"):
                    self._fail(tr("expected `)`, not {got}"))
                return inside
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Condition:
        left = self._side()
        compare = self._take(*COMPARES)
        if compare is None:
            return self._contact(left)
        right = self._side()
        if self._now.text in COMPARES:
            self._fail(tr("{got} compares a third time: write `a < b and b < c`"))
        self._check(left, compare, right)
        return Comparison(left.operand, compare.text, right.operand)

    def _side(self) -> _Side:
        token = self._now
        if token.kind == "tag":
            self._next += 1
            self._known(token)
            sign = self._take("+", "-")
            if sign is None:
                return _Side(Operand(0.0, token.text), "", token.at, token.at)
            at = self._now.at
            value, unit = self._number()
            return _Side(Operand(-value if sign.text == "-" else value, token.text), unit, token.at, at)
        sign = self._take("+", "-")
        value, unit = self._number()
        return _Side(Operand(-value if sign and sign.text == "-" else value), unit, token.at, token.at)

    def _number(self) -> tuple[float, str]:
        token = self._now
        if token.kind != "number":
            self._fail(tr("expected a tag or a number, not {got}"))
        if "," in token.text:
            raise _Unreadable(token.at, tr("write the number as {number}").format(number=token.text.replace(",", ".")))
        self._next += 1
        after = self._now
        if after.kind != "word" or after.text in _KEYWORDS:
            return float(token.text), ""
        self._next += 1
        return float(token.text), after.text

    # what the line says of the tags

    def _known(self, token: _Token) -> None:
        if self._tags is None:
            return
        tag = self._tags.get(token.text)
        if tag is None:
            message = tr("this line has no tag {tag}; {nearest}")
            near = nearest(token.text, list(self._tags))
            self._complain(token.at, message.format(tag=token.text, nearest=near))
        elif not tag.scan:
            message = tr("{tag} is not scanned, so it would never be known; give it a `scan` in the line")
            self._complain(token.at, message.format(tag=token.text))

    def _contact(self, side: _Side) -> Condition:
        name = side.operand.tag
        tag = self._tag(side)
        measured = tag is not None and tag.dtype != "bool"
        goes_on = self._now.kind and self._now.text not in {"and", "or", ")"}
        if not name or side.operand.value or side.unit or (measured and goes_on):
            self._fail(tr("expected one of < <= > >= == !=, not {got}"))
        if measured:
            message = tr("{tag} is a number: compare it, as in `{tag} > 1`")
            self._complain(side.at, message.format(tag=name))
        return Says(name)

    def _check(self, left: _Side, compare: _Token, right: _Side) -> None:
        if not left.operand.tag and not right.operand.tag:
            self._complain(left.at, tr("two numbers are compared: name a tag"))
            return
        tags = [tag for tag in (self._tag(left), self._tag(right)) if tag is not None]
        for side, tag in ((left, self._tag(left)), (right, self._tag(right))):
            if tag is not None and tag.dtype == "bool":
                message = tr("{tag} is true or false: write `{tag}` or `not {tag}`")
                self._complain(side.at, message.format(tag=tag.name))
                return
        if compare.text in {"==", "!="} and any(tag.dtype != "int" for tag in tags):
            message = tr("{tag} is measured, and hardly ever equal to anything: use <, <=, > or >=")
            odd = next(tag.name for tag in tags if tag.dtype != "int")
            self._complain(compare.at, message.format(tag=odd))
        self._check_units(left, right)

    def _check_units(self, left: _Side, right: _Side) -> None:
        one, other = self._tag(left), self._tag(right)
        if one is not None and other is not None and one.unit != other.unit:
            message = tr("{one} is in {unit}, {other} in {other_unit}: they cannot be compared")
            shown = {"unit": one.unit or "1", "other_unit": other.unit or "1"}
            self._complain(left.at, message.format(one=one.name, other=other.name, **shown))
        for side, across in ((left, other), (right, one)):
            if side.operand.tag:
                self._check_difference(side)
            elif across is not None:
                self._check_number(side, across)

    def _check_difference(self, side: _Side) -> None:
        tag = self._tag(side)
        if tag is not None and (side.unit or side.operand.value):
            self._check_unit(side, _DIFFERENCE.get(tag.unit, tag.unit), tr("a difference of {tag} is in {unit}"), tag)

    def _check_number(self, side: _Side, tag: Tag) -> None:
        self._check_unit(side, tag.unit, tr("{tag} is in {unit}"), tag)
        value = side.operand.value
        low = tag.low is not None and value < tag.low
        if low or (tag.high is not None and value > tag.high):
            message = tr("{value} is outside the range of {tag}, {low} to {high}: a reading there is BAD")
            limits = [tr("no limit") if each is None else number(each) for each in (tag.low, tag.high)]
            shown = message.format(value=number(value), tag=tag.name, low=limits[0], high=limits[1])
            self._complain(side.number_at, shown)

    def _check_unit(self, side: _Side, unit: str, message: str, tag: Tag) -> None:
        if side.unit != unit:
            said = message.format(tag=tag.name, unit=unit or tr("no unit"))
            value = f"{abs(side.operand.value):g} {unit}".strip()
            self._complain(side.number_at, tr("{said}: write `{value}`").format(said=said, value=value))

    def _tag(self, side: _Side) -> Tag | None:
        return self._tags.get(side.operand.tag) if self._tags is not None and side.operand.tag else None
