"""What searches found, for people (with the lines of a line file) and for machines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, MqttSettings, SerialSettings
from linectl.cli.output import table
from linectl.line.links import address_of
from linectl.server.discovery.modbus import ModbusScan, Unit
from linectl.server.discovery.mqtt import Topic, form_of, numbers_in
from linectl.server.discovery.ports import PortFacts
from linectl.server.discovery.serial_lines import Instrument
from linectl.words import decimal, tr

__all__ = [
    "asked_as_data",
    "asked_as_text",
    "modbus_as_data",
    "modbus_as_text",
    "ports_as_data",
    "ports_as_text",
    "topics_as_data",
    "topics_as_text",
]

_KINDS = {"co": "bool", "di": "bool"}


def modbus_as_text(found: ModbusScan) -> str:
    """Return the units, their ranges, and the lines of a line file."""
    asked = tr("{requests} requests in {s} s").format(requests=found.requests, s=decimal(found.seconds))
    if not found.units:
        return tr("no unit answers at {address} ({asked})").format(address=address_of(found.settings), asked=asked)
    rows = [[str(unit.unit), _how(unit), _ranges(unit)] for unit in found.units]
    lines = [table([tr("unit"), tr("answers"), tr("readable")], rows)]
    lines += [
        tr("unit {n} is {identity}").format(n=unit.unit, identity=_identity(unit))
        for unit in found.units
        if unit.identity
    ]
    lines.append(asked)
    if found.deaf_to_ids:
        lines.append(tr("every unit id is answered alike: the device does not look at it"))
    if not found.complete:
        lines.append(tr("the search ended at its bounds: --requests, --seconds"))
    if found.refusals:
        text = tr("a table was left after {n} refusals: with --last N every address is looked at")
        lines.append(text.format(n=found.refusals))
    return "\n".join([*lines, "", modbus_yaml(found)])


def _how(unit: Unit) -> str:
    if unit.how == "values":
        return tr("values")
    return tr("exception {code}").format(code=unit.how.rpartition(" ")[2])


def _identity(unit: Unit) -> str:
    return " ".join(unit.identity.values())


def _ranges(unit: Unit) -> str:
    parts = [
        f"{table} " + ", ".join(f"{low}-{high}" if low < high else f"{low}" for low, high in ranges)
        for table, ranges in unit.ranges.items()
    ]
    return "; ".join(parts) or "-"


def modbus_yaml(found: ModbusScan) -> str:
    """Return the link and a first tag of each readable range, as a line file has them."""
    tags: dict[str, dict[str, object]] = {}
    for unit in found.units[: 1 if found.deaf_to_ids else None]:
        for name, ranges in unit.ranges.items():
            for low, _ in ranges[:4]:
                entry: dict[str, object] = {"link": "plc", "point": f"{unit.unit}/{name}{low}"}
                if name in _KINDS:
                    entry["kind"] = _KINDS[name]
                tags[f"unit{unit.unit}.{name}{low}"] = entry
    return _snippet({"plc": _modbus_link(found.settings)}, tags)


def _modbus_link(settings: ModbusTcpSettings | ModbusRtuSettings) -> dict[str, object]:
    if isinstance(settings, ModbusTcpSettings):
        return {"type": "modbus_tcp", "host": settings.host, "port": settings.port}
    return {"type": "modbus_rtu", **_serial(settings.serial)}


def _serial(serial: SerialSettings) -> dict[str, object]:
    told: dict[str, object] = {"port": serial.port, "baud": serial.baud}
    if serial.parity != "N":
        told["parity"] = serial.parity
    if serial.stop_bits != 1:
        told["stop_bits"] = serial.stop_bits
    return told


def _snippet(links: dict[str, dict[str, object]], tags: dict[str, dict[str, object]]) -> str:
    """Return the YAML of links and tags, one line each."""
    lines = [tr("# for the line file (names are yours to choose):"), "links:"]
    lines += [f"  {name}: {_flow(each)}" for name, each in links.items()]
    if tags:
        lines.append("tags:")
        lines += [f"  {name}: {_flow(each)}" for name, each in tags.items()]
    return "\n".join(lines)


def _flow(entry: dict[str, object]) -> str:
    text: str = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return text.strip()


def modbus_as_data(found: ModbusScan) -> dict[str, Any]:
    """Return what a search for units found."""
    return {
        "address": address_of(found.settings),
        "units": [
            {
                "unit": unit.unit,
                "answers": unit.how,
                "identity": dict(unit.identity),
                "readable": {name: [list(pair) for pair in ranges] for name, ranges in unit.ranges.items()},
            }
            for unit in found.units
        ],
        "requests": found.requests,
        "seconds": round(found.seconds, 3),
        "complete": found.complete,
        "refusals": found.refusals or None,
        "ignores_unit_ids": found.deaf_to_ids,
        "yaml": modbus_yaml(found) if found.units else "",
    }


def ports_as_text(ports: Sequence[PortFacts]) -> str:
    """Return the table of serial ports."""
    if not ports:
        return tr("this computer has no serial port (is the adapter plugged in?)")
    rows = [[port.by_id or port.path, port.device, _rights(port), _holders(port)] for port in ports]
    return table([tr("port"), tr("device"), tr("rights"), tr("open in")], rows)


def _rights(port: PortFacts) -> str:
    return tr("yes") if port.may_use else tr("no: group {group}").format(group=port.group)


def _holders(port: PortFacts) -> str:
    return ", ".join(f"{holder.name} ({holder.pid})" for holder in port.holders) or "-"


def ports_as_data(ports: Sequence[PortFacts]) -> dict[str, Any]:
    """Return the serial ports."""
    return {
        "ports": [
            {
                "port": port.by_id or port.path,
                "device": port.device,
                "by_id": port.by_id or None,
                "may_use": port.may_use,
                "group": port.group,
                "holders": [{"pid": holder.pid, "name": holder.name} for holder in port.holders],
            }
            for port in ports
        ]
    }


def asked_as_text(port: str, found: Sequence[Instrument]) -> str:
    """Return what answered on a port, with the lines of a line file."""
    if not found:
        return tr("nothing that linectl knows answers on {port}").format(port=port)
    rows = [[each.kind, str(each.serial.baud), each.serial.parity, str(each.unit or "-"), each.said] for each in found]
    heads = [tr("kind"), tr("baud"), tr("parity"), tr("unit"), tr("it says")]
    return f"{table(heads, rows)}\n\n{_asked_yaml(found)}"


def _asked_yaml(found: Sequence[Instrument]) -> str:
    first = found[0]
    if first.kind == "modbus_rtu":
        tags: dict[str, dict[str, object]] = {
            f"unit{each.unit}.hr0": {"link": "bus", "point": f"{each.unit}/hr0"} for each in found
        }
        return _snippet({"bus": {"type": "modbus_rtu", **_serial(first.serial)}}, tags)
    link = {"type": first.kind, **_serial(first.serial)}
    if first.device:
        link["device"] = first.device
    points: dict[str, dict[str, object]] = {
        "ezo": {"point": "R", "kind": "float"},
        "sics": {"point": "weight", "kind": "float", "unit": "g"},
        "circulator": {"point": "bath", "kind": "float", "unit": "°C"},
    }
    name = first.device.lower() or first.kind
    return _snippet({name: link}, {f"{name}.value": {"link": name, **points[first.kind]}})


def asked_as_data(port: str, found: Sequence[Instrument]) -> dict[str, Any]:
    """Return what answered on a port."""
    return {
        "port": port,
        "found": [
            {
                "kind": each.kind,
                "says": each.said,
                "device": each.device or None,
                "unit": each.unit or None,
                "baud": each.serial.baud,
                "parity": each.serial.parity,
            }
            for each in found
        ],
        "yaml": _asked_yaml(found) if found else "",
    }


def topics_as_text(settings: MqttSettings, topics: Sequence[Topic]) -> str:
    """Return the topics, with the lines of a line file for those in a form that linectl reads."""
    if not topics:
        return tr("nothing was heard from {address}").format(address=address_of(settings))
    rows = []
    for topic in topics:
        source = form_of(topic.name, topic.payload)
        form = tr("unknown") if source is None else source.form
        period = "-" if topic.period_s is None else tr("{s} s").format(s=decimal(topic.period_s))
        only = topic.retained == topic.messages
        kept = tr("only") if only else tr("yes") if topic.retained else tr("no")
        rows.append([topic.name, form, str(topic.messages), period, str(topic.size), kept])
    heads = [tr("topic"), tr("form"), tr("messages"), tr("period"), tr("bytes"), tr("retained")]
    return f"{table(heads, rows)}\n\n{topics_yaml(settings, topics)}"


def topics_yaml(settings: MqttSettings, topics: Sequence[Topic]) -> str:
    """Return the link with its sources and a tag for each number that was heard."""
    sources: dict[str, dict[str, object]] = {}
    tags: dict[str, dict[str, object]] = {}
    names: dict[str, str] = {}
    for topic in topics:
        source = form_of(topic.name, topic.payload)
        if source is None:
            continue
        name = names.setdefault(source.topic, _name(source.topic, set(sources)))
        sources[name] = {"topic": source.topic, "form": source.form}
        for path, kind in numbers_in(source, topic.name, topic.payload):
            point = f"{name}#{path}" if path else name
            tags[f"{name}.{_word(path) or 'value'}"] = {"link": "sensors", "point": point, "kind": kind}
    link: dict[str, object] = {"type": "mqtt", "host": settings.host, "port": settings.port, **_entry(settings)}
    link["sources"] = sources
    return _snippet({"sensors": link}, tags)


def _entry(settings: MqttSettings) -> dict[str, object]:
    """Return what else it took to get in: the password is not among it, only where to put it."""
    found: dict[str, object] = {}
    if settings.username:
        found |= {"username": settings.username, "password_file": "broker.secret"}
    if settings.version == "5":
        found["version"] = "5"
    if settings.tls is not None:
        found["tls"] = {"ca_file": settings.tls.ca_file}
    return found


def _name(topic: str, taken: set[str]) -> str:
    word = _word(topic) or "sensor"
    return word if word not in taken else f"{word}_{len(taken)}"


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def topics_as_data(settings: MqttSettings, topics: Sequence[Topic]) -> dict[str, Any]:
    """Return the topics for machines."""
    found = []
    for topic in topics:
        source = form_of(topic.name, topic.payload)
        found.append(
            {
                "topic": topic.name,
                "form": None if source is None else source.form,
                "base_topic": None if source is None else source.topic,
                "messages": topic.messages,
                "retained": topic.retained,
                "period_s": None if topic.period_s is None else round(topic.period_s, 3),
                "bytes": topic.size,
            }
        )
    return {"address": address_of(settings), "topics": found, "yaml": topics_yaml(settings, topics)}
