"""Orders of faults on their way: from words on a command line, over the control socket, to a checked order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from linectl.errors import ConfigError
from linectl.model.fault_checks import MACHINES, figure_of, mistakes
from linectl.model.faults import KINDS, FaultKind, FaultOrder
from linectl.words import tr

__all__ = ["as_order_data", "checked_order", "known_kind", "order_of"]

_HINT = "linectl sim fault kinds"


def known_kind(name: str) -> FaultKind:
    """Return the kind of fault called `name`.

    Raises:
        ConfigError: there is none; the nearest and all of them are told.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise _wrong([each.message for each in mistakes(FaultOrder(name))], name)
    return kind


def checked_order(order: FaultOrder, figures: Mapping[str, str], machines: Collection[str] = MACHINES) -> FaultOrder:
    """Return `order` with the figures that were typed for it, checked as a scenario's file is.

    Raises:
        ConfigError: with all that is wrong: kind, target, figures, times, condition.
    """
    kind = known_kind(order.kind)
    values: dict[str, float] = {}
    wrong: list[str] = []
    for name, said in figures.items():
        value = _figure(kind, name, said)
        if value is None:
            parameter = kind.parameter(name)
            known = f" ({', '.join(parameter.words)})" if parameter is not None and parameter.words else ""
            wrong.append(tr("{name}: expected a number{words}, not {text}").format(name=name, words=known, text=said))
        values[name] = value if value is not None else _default(kind, name)
    made = FaultOrder(order.kind, order.target, order.at_s, order.for_s, order.count, order.when, values)
    wrong += [each.message for each in mistakes(made, machines)]
    if wrong:
        raise _wrong(wrong, order.kind)
    return made


def as_order_data(order: FaultOrder) -> dict[str, Any]:
    """Return `order` as JSON says it."""
    return {
        "kind": order.kind,
        "target": order.target,
        "at_s": order.at_s,
        "for_s": order.for_s,
        "count": order.count,
        "when": order.when,
        "values": dict(order.values),
    }


def order_of(data: Mapping[str, Any]) -> FaultOrder:
    """Return the order that came over the socket; whether it can be carried out is another question.

    Raises:
        ConfigError: it is no order at all.
    """
    try:
        return FaultOrder(
            str(data["kind"]),
            str(data.get("target") or ""),
            float(data.get("at_s") or 0.0),
            None if data.get("for_s") is None else float(data["for_s"]),
            None if data.get("count") is None else int(data["count"]),
            str(data.get("when") or ""),
            {str(name): float(value) for name, value in (data.get("values") or {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(tr("this is no order of a fault: {data}").format(data=dict(data)), hint=_HINT) from error


def _figure(kind: FaultKind, name: str, said: str) -> float | None:
    try:
        return float(said.replace(",", "."))
    except ValueError:
        return figure_of(kind, name, said)


def _default(kind: FaultKind, name: str) -> float:
    parameter = kind.parameter(name)
    return 0.0 if parameter is None else parameter.default if parameter.default is not None else parameter.low


def _wrong(messages: list[str], kind: str) -> ConfigError:
    hint = f"{_HINT} {kind}" if kind in KINDS else _HINT
    return ConfigError("\n".join(messages), hint=hint, code="E-SIM-005")
