"""Operations as data: name, who may, arguments with their types; schemas and the reference are made of them."""

from __future__ import annotations

import asyncio
import dataclasses
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linectl.errors import ConfigError, Refused
from linectl.model.people import Role
from linectl.server.api.listener import Handler, Request
from linectl.words import tr

__all__ = ["Nothing", "Operation", "handlers", "schema_of"]


@dataclass(frozen=True, slots=True)
class Nothing:
    """The arguments of an operation that takes none."""


Carry = Callable[[Any, Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What may be asked of a line: by `name`, with `args` (a dataclass), by whoever has `role`.

    `doc` says in one English sentence what it does. `once`: the same `key` twice is one
    request with one answer.
    """

    name: str
    role: Role
    args: type[Any]
    call: Carry = field(repr=False)
    doc: str
    once: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return the operation for machines, its arguments as a JSON Schema."""
        told = {"name": self.name, "role": str(self.role), "doc": self.doc, "once": self.once}
        return {**told, "args": schema_of(self.args)}


def handlers(operations: Sequence[Operation]) -> dict[str, Handler]:
    """Return what carries out each operation by its name: role checked, arguments read, one answer a key."""
    answered: dict[tuple[str, str, str], tuple[Mapping[str, Any], Any]] = {}
    return {each.name: _handler(each, answered) for each in operations}


_REMEMBERED = 512  # answers by key


def _handler(operation: Operation, answered: dict[tuple[str, str, str], tuple[Mapping[str, Any], Any]]) -> Handler:
    async def handle(request: Request) -> Any:
        if not request.who.role.may(operation.role):
            text = tr("{name} may {role}, which does not allow `{op}`: it needs {needed}")
            raise Refused(
                text.format(
                    name=request.who.operator or tr("this connection"),
                    role=request.who.role,
                    op=operation.name,
                    needed=operation.role,
                ),
                hint=tr("ask for the right to it, or let somebody do it who has it"),
                code="E-API-005",
            )
        args = _read(operation, request.args)
        if not operation.once or not request.key:
            return await operation.call(args, request)
        key = request.who.operator, operation.name, request.key
        if key in answered:
            before, answer = answered[key]
            if before != request.args:
                text = tr("the key {key} was used for another `{op}` before")
                raise Refused(text.format(key=request.key, op=operation.name), code="E-API-006")
            return await answer
        work = asyncio.ensure_future(operation.call(args, request))
        while len(answered) >= _REMEMBERED:
            answered.pop(next(iter(answered)))
        answered[key] = (dict(request.args), work)
        return await asyncio.shield(work)

    return handle


# arguments


def _read(operation: Operation, told: Mapping[str, Any]) -> Any:
    """Return `told` as the operation's arguments.

    Raises:
        ConfigError: something is missing, unknown, or of another type; all of it is named.
    """
    hints = _hints(operation.args)
    wrong = [tr("there is no argument {name}").format(name=name[:40]) for name in told if name not in hints]
    values: dict[str, Any] = {}
    for each in dataclasses.fields(operation.args):
        if each.name in told:
            value, fits = _fitted(told[each.name], hints[each.name])
            values[each.name] = value
            if not fits:
                text = tr("{name}: expected {expected}")
                wrong.append(text.format(name=each.name, expected=_json_type(hints[each.name])))
        elif each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
            wrong.append(tr("{name} is missing").format(name=each.name))
    if wrong:
        raise ConfigError(f"{operation.name}: " + "; ".join(wrong), code="E-API-004")
    return operation.args(**values)


def _hints(args: type[Any]) -> dict[str, Any]:
    found = _KNOWN_HINTS.get(args)
    if found is None:
        hints = typing.get_type_hints(args)
        found = _KNOWN_HINTS[args] = {each.name: hints[each.name] for each in dataclasses.fields(args)}
    return found


_KNOWN_HINTS: dict[type[Any], dict[str, Any]] = {}


def _fitted(value: Any, kind: Any) -> tuple[Any, bool]:
    """Return `value` as `kind` has it, and whether it is of it."""
    if _is_union(kind):
        found = [_fitted(value, each) for each in typing.get_args(kind)]
        return next((each for each in found if each[1]), (value, False))
    if typing.get_origin(kind) is tuple:
        parts = [_fitted(each, typing.get_args(kind)[0]) for each in value] if isinstance(value, list) else []
        fits = isinstance(value, list) and all(fits for _, fits in parts)
        return (tuple(part for part, _ in parts), True) if fits else (value, False)
    if kind is float:
        return (float(value), True) if _is_number(value) else (value, False)
    return value, _is_of(value, kind)


def _is_of(value: Any, kind: Any) -> bool:
    if kind is types.NoneType:
        return value is None
    if typing.get_origin(kind) is typing.Literal:
        return value in typing.get_args(kind)
    if kind is int:
        return isinstance(value, int) and _is_number(value)
    return isinstance(value, kind) and (kind is not str or _is_text(value))


def _is_text(value: str) -> bool:
    """Return whether `value` can be kept: not too long, and of whole characters."""
    return len(value) < _LONG and not any("\ud800" <= each <= "\udfff" for each in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGE


_LARGE = 1e15
_LONG = 20_000


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in {typing.Union, types.UnionType}


# schemas


def schema_of(args: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of an operation's arguments."""
    hints = _hints(args)
    needed = [
        each.name
        for each in dataclasses.fields(args)
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]
    properties = {}
    for each in dataclasses.fields(args):
        properties[each.name] = _schema(hints[each.name])
        if each.default is not dataclasses.MISSING and each.default is not None:
            properties[each.name]["default"] = list(each.default) if isinstance(each.default, tuple) else each.default
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


_TYPES = {str: "string", float: "number", int: "integer", bool: "boolean", types.NoneType: "null"}


def _schema(kind: Any) -> dict[str, Any]:
    if _is_union(kind):
        return {"anyOf": [_schema(each) for each in typing.get_args(kind)]}
    if typing.get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(typing.get_args(kind)[0])}
    if typing.get_origin(kind) is typing.Literal:
        return {"enum": list(typing.get_args(kind))}
    return {"type": _TYPES[kind]}


def _json_type(kind: Any) -> str:
    found = _schema(kind)
    if "enum" in found:
        return ", ".join(map(str, found["enum"]))
    many = found.get("anyOf", [found])
    return " | ".join(str(each.get("type", each)) for each in many)
