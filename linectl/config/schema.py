"""pydantic's findings -> problems with a position, what was expected, and the nearest valid key."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from linectl.config.nodes import Document, Loc
from linectl.words import tr

__all__ = ["FileModel", "Finite", "nearest", "validate"]

Finite = Annotated[float, Field(allow_inf_nan=False)]


class FileModel(BaseModel):
    """The base of every model of a file: no unknown key, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=FileModel)


def validate(document: Document, model: type[Model]) -> Model | None:
    """Return the document as `model`, or None with the problems added to the document.

    When parts are wrong, the rest is still returned, without the wrong entries, where that makes a whole: so that
    checks across the file can speak in the same go.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
    told = {problem.where for problem in document.problems}
    misspelt = _misspelt(found, model)
    wrong: list[Loc] = []
    for detail in found:
        if detail["type"] == "missing" and detail["loc"] in misspelt:
            continue
        loc = _place(document, detail["loc"])
        if detail["type"] == "union_tag_invalid":
            loc = (*loc, "type")
        wrong.append(loc)
        problem = document.problem(loc, _message(detail, loc, model))
        if problem.where not in told:
            document.problems.append(problem)
    try:
        return model.model_validate(_without(document.data, wrong))
    except ValidationError:
        return None


def nearest(word: str, known: Sequence[str]) -> str:
    """Return ": did you mean `x`?" for the nearest of `known`, else the list of them."""
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if match:
        return tr("did you mean `{word}`?").format(word=match[0])
    return tr("expected one of {words}").format(words=", ".join(known)) if known else tr("there are none")


def _misspelt(found: Sequence[ErrorDetails], model: type[BaseModel]) -> set[tuple[int | str, ...]]:
    """Return the keys that are there after all, under a name that comes near."""
    keys: set[tuple[int | str, ...]] = set()
    for detail in found:
        if detail["type"] == "extra_forbidden":
            *parent, key = detail["loc"]
            keys.update((*parent, each) for each in difflib.get_close_matches(str(key), _keys(model, parent), n=1))
    return keys


def _without(data: Any, wrong: Sequence[Loc]) -> Any:
    """Return `data` without the entry (two levels deep at most; one of a list too) in which each wrong place stands."""
    if not isinstance(data, Mapping):
        return data
    cut = {loc[:2] for loc in wrong}
    return {
        key: {name: item for name, item in value.items() if (key, name) not in cut}
        if isinstance(value, Mapping)
        else tuple(item for number, item in enumerate(value) if (key, number) not in cut)
        if isinstance(value, tuple)
        else value
        for key, value in data.items()
        if (key,) not in cut
    }


def _place(document: Document, loc: tuple[int | str, ...]) -> Loc:
    """Return pydantic's path without what stands in no file: the names of union members, and its mark for keys."""
    place: list[int | str] = []
    data: Any = document.data
    for number, part in enumerate(loc):
        inside = part in data if isinstance(data, dict) else isinstance(data, tuple) and isinstance(part, int)
        if inside:
            data = data[part]
        elif number != len(loc) - 1 or part == "[key]":
            continue
        place.append(part)
    return tuple(place)


def _message(detail: ErrorDetails, loc: Loc, model: type[BaseModel]) -> str:
    kind, got, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return tr("unknown key; {nearest}").format(nearest=nearest(str(loc[-1]), _keys(model, detail["loc"][:-1])))
    if kind == "missing":
        return tr("missing; expected {what}").format(what=_expected(_annotation(model, detail["loc"])))
    if kind in {"literal_error", "union_tag_invalid", "union_tag_not_found"}:
        return _choice(detail, model)
    bounds = {
        "greater_than": tr("above {n}"),
        "greater_than_equal": tr("at least {n}"),
        "less_than": tr("below {n}"),
        "less_than_equal": tr("at most {n}"),
        "too_short": tr("at least {n} entries"),
        "string_too_short": tr("some text"),
        "finite_number": tr("a finite number"),
        "string_pattern_mismatch": tr("small letters, digits and _, in parts joined by dots"),
    }
    if kind in bounds:
        limit = next((context[name] for name in ("gt", "ge", "lt", "le", "min_length") if name in context), "")
        number = f"{limit:g}" if isinstance(limit, float) else limit
        return tr("expected {what}, not {got}").format(what=bounds[kind].format(n=number), got=_show(got))
    if kind == "value_error":
        return str(context["error"])
    return tr("expected {what}, not {got}").format(what=_expected(_annotation(model, detail["loc"])), got=_show(got))


def _choice(detail: ErrorDetails, model: type[BaseModel]) -> str:
    annotation, got = _annotation(model, detail["loc"]), detail["input"]
    if detail["type"] != "literal_error":
        tags = [str(get_args(each.model_fields["type"].annotation)[0]) for each in _members(annotation)]
        if detail["type"] == "union_tag_not_found":
            return tr("`type` is missing; expected one of {words}").format(words=", ".join(tags))
        return tr("unknown type {got}; {nearest}").format(
            got=_show(got["type"]), nearest=nearest(str(got["type"]), tags)
        )
    words = [str(word) for word in get_args(_plain(annotation))]
    return tr("{got} is not known here; {nearest}").format(got=_show(got), nearest=nearest(str(got), words))


def _show(got: Any) -> str:
    if got is None:
        return tr("nothing")
    if isinstance(got, bool):
        return str(got).lower()
    if isinstance(got, Mapping):
        return tr("keys with values")
    if isinstance(got, tuple):
        return tr("a list")
    return f"`{str(got)[:40]}`" if isinstance(got, str) else str(got)


def _expected(annotation: Any) -> str:
    plain = _plain(annotation)
    if get_origin(plain) is Literal:
        return tr("one of {words}").format(words=", ".join(map(str, get_args(plain))))
    simple = {
        bool: tr("true or false"),
        int: tr("a whole number"),
        float: tr("a number"),
        str: tr("text (in quotes if it looks like a number)"),
    }
    if plain in simple:
        return simple[plain]
    return tr("a list") if get_origin(plain) is tuple else tr("keys with values")


def _keys(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    annotation = _plain(_annotation(model, loc))
    return list(annotation.model_fields) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def _annotation(model: Any, loc: Sequence[int | str]) -> Any:
    """Return the type that the model gives to `loc` (pydantic's own path, union members named in it)."""
    here: Any = model
    keys: Any = Any
    for part in loc:
        if part == "[key]":  # pydantic's mark: not the value at the last step, but its key is wrong
            return keys
        keys = get_args(_plain(here))[0] if get_origin(_plain(here)) is dict else Any
        here = _step(_plain(here), part)
    return here


def _step(here: Any, part: int | str) -> Any:
    if isinstance(here, type) and issubclass(here, BaseModel):
        field = here.model_fields.get(str(part))
        return Any if field is None else field.annotation
    arguments = get_args(here)
    if get_origin(here) is dict:
        return arguments[1]
    if get_origin(here) is tuple:
        return arguments[0]
    for member in _members(here):
        if get_args(member.model_fields["type"].annotation)[0] == part:
            return member
    return Any


def _members(annotation: Any) -> list[Any]:
    """Return the models of a union, in its order."""
    plain = _plain(annotation)
    members = get_args(plain) if get_origin(plain) in {Union, types.UnionType} else (plain,)
    return [each for each in members if isinstance(each, type) and issubclass(each, BaseModel)]


def _plain(annotation: Any) -> Any:
    """Return the annotation without Annotated and without `| None`."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in {Union, types.UnionType}:
        some = [each for each in get_args(annotation) if each is not types.NoneType]
        if len(some) == 1:
            return _plain(some[0])
    return annotation
