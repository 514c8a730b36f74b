"""What must fit together in the links of a line: ports, units, passwords, certificates, topics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from drivers.addresses import mqtt_field
from drivers.errors import BadAddress
from drivers.link import Point
from linectl.config.device_file import check_holes
from linectl.config.line_file import LineFile
from linectl.config.link_files import (
    PASSWORD_KEYS,
    HandshakeFile,
    LinkFile,
    ModbusRtuFile,
    ModbusTcpFile,
    MqttFile,
    SourceFile,
    UnitFile,
)
from linectl.config.named_secrets import is_name
from linectl.config.nodes import Document, Loc
from linectl.words import tr

__all__ = ["check_links"]

_NETWORK = re.compile(r"(?:socket|rfc2217)://(?:\[[^\]]+\]|[^:/?#\[\]]+):(?P<port>[0-9]{1,5})(?:[/?].*)?")
_SERIAL = ("modbus_rtu", "ezo", "sics", "circulator")
_UNIT = re.compile(r"[1-9][0-9]{0,2}")
_BELOW = {
    "tasmota": ("/SENSOR", "/STATE", "/LWT"),
    "shelly": ("/events/rpc", "/online"),
    "zigbee2mqtt": ("/availability",),
}
_LAST_UNIT = {"modbus_rtu": 247, "modbus_tcp": 255}  # a gateway or a server of its own may be 255


def check_links(file: LineFile, document: Document) -> None:
    """Add to the document what does not fit together in the links."""
    ports: dict[str, str] = {}
    for name, link in file.links.items():
        loc = ("links", name)
        if link.type in _SERIAL:
            _check_port(name, link, loc, ports, document)
        for unit, settings in _units(link):
            _check_unit(unit, settings, link.type, (*loc, "units", unit), document)
        if isinstance(link, ModbusRtuFile) and link.bits != 8:
            document.complain((*loc, "bits"), tr("Modbus RTU has 8 data bits"))
        if isinstance(link, HandshakeFile) and link.xonxoff and link.rtscts:
            document.complain((*loc, "rtscts"), tr("a line has one handshake: either `xonxoff` or `rtscts`"))
        if isinstance(link, MqttFile):
            _check_mqtt(link, loc, document)
    for name, tag in file.tags.items():
        mqtt = file.links.get(tag.link)
        if isinstance(mqtt, MqttFile) and tag.point and tag.derived is None:
            _check_topic(tag.point, tag.kind, mqtt, ("tags", name, "point"), document)


def _units(link: LinkFile) -> Iterator[tuple[str, UnitFile]]:
    if isinstance(link, ModbusTcpFile | ModbusRtuFile):
        yield from link.units.items()


def _check_unit(unit: str, settings: UnitFile, kind: str, loc: Loc, document: Document) -> None:
    last = _LAST_UNIT[kind]
    if not _UNIT.fullmatch(unit) or int(unit) > last:
        document.complain(loc, tr("expected a unit id from 1 to {last}").format(last=last))
    check_holes(settings.holes, (*loc, "holes"), document)


def _check_port(name: str, link: LinkFile, loc: Loc, ports: dict[str, str], document: Document) -> None:
    port: str = getattr(link, "port", "")
    if "://" in port:
        found = _NETWORK.fullmatch(port)
        if found is None or not 1 <= int(found["port"]) <= 65_535:
            message = tr("expected a path, socket://host:port or rfc2217://host:port, not `{port}`")
            document.complain((*loc, "port"), message.format(port=port))
            return
        key = port.lower()
    else:
        key = _tty(port)
    other = ports.setdefault(key, name)
    if other != name:
        message = tr("{other} has this port already: instruments on one wire are units of one link")
        document.complain((*loc, "port"), message.format(other=other))


def _tty(port: str) -> str:
    """Return the device that a path leads to (two by-id links may lead to one), or the path itself."""
    try:
        return str(Path(port).resolve(strict=True))
    except (
        OSError,
        RuntimeError,
        ValueError,
    ):  # not plugged in, a circle of links, no name of a file
        return port


def _check_mqtt(link: MqttFile, loc: Loc, document: Document) -> None:
    if "password" in link.model_fields_set:
        message = tr(
            "a password does not belong into a line file: keep it with `linectl secrets set NAME` and name it by "
            "`password_secret`, or name a file of its own (chmod 600) by `password_file`, a variable by `password_env`"
        )
        document.complain((*loc, "password"), message)
    _check_topics(link, loc, document)
    if link.tls is not None and bool(link.tls.certificate_file) != bool(link.tls.key_file):
        message = tr("`certificate_file` and `key_file` belong together")
        document.complain((*loc, "tls", "certificate_file" if link.tls.certificate_file else "key_file"), message)
    _check_password(link, loc, document)


def _check_password(link: MqttFile, loc: Loc, document: Document) -> None:
    given = [key for key in PASSWORD_KEYS if getattr(link, key)]
    for key in given[1:]:
        document.complain((*loc, key), tr("`{key}` is given too: expected one of them").format(key=given[0]))
    for key in given:
        if not link.username:
            document.complain((*loc, key), tr("a password needs its `username`"))
    if link.password_secret and not is_name(link.password_secret):
        text = tr("`{name}` is no name of a secret: small letters, digits and _, a letter first")
        document.complain((*loc, "password_secret"), text.format(name=link.password_secret[:40]))


def _check_topics(link: MqttFile, loc: Loc, document: Document) -> None:
    if not link.topics and not link.sources:
        document.complain((*loc, "topics"), tr("expected at least one topic, or `sources`"))
    for number, topic in enumerate(link.topics):
        if not _is_filter(topic):
            message = tr("`{topic}` is no topic filter: + and # stand for whole levels, # last")
            document.complain((*loc, "topics", number), message.format(topic=topic))
    for name, source in link.sources.items():
        if "+" in source.topic or "#" in source.topic or source.topic.strip("/") != source.topic:
            message = tr("expected a topic without wildcards, not `{topic}`")
            document.complain((*loc, "sources", name, "topic"), message.format(topic=source.topic))
        elif (base := _base_of(source)) != source.topic:
            message = tr(
                "`{topic}` is one of the topics of a sensor of form {form}: write the one above them, `{base}`"
            )
            text = message.format(topic=source.topic, form=source.form, base=base)
            document.complain((*loc, "sources", name, "topic"), text)


def _base_of(source: SourceFile) -> str:
    """Return the topic that stands above those of one sensor, from its own or from one of those."""
    topic = source.topic
    if source.form == "shelly" and "/status/" in topic:
        return topic.partition("/status/")[0]
    for below in _BELOW.get(source.form, ()):
        topic = topic.removesuffix(below)
    return topic or source.topic


def _is_filter(text: str) -> bool:
    """MQTT 3.1.1, 4.7.1: a wildcard stands for a whole level, # for the last one and all below."""
    levels = text.split("/")
    return all(level in {"+", "#"} or not ("+" in level or "#" in level) for level in levels) and "#" not in levels[:-1]


def _check_topic(address: str, kind: str, link: MqttFile, loc: Loc, document: Document) -> None:
    """Add to the document a topic that nobody subscribes to: its tag would wait for ever."""
    try:
        topic = mqtt_field(Point(address, kind))[0]
    except BadAddress:
        return
    filters = () if link.sources and "topics" not in link.model_fields_set else link.topics
    if topic in link.sources or any(_matches(each.split("/"), topic.split("/")) for each in filters):
        return
    known = ", ".join([*filters, *link.sources])
    message = tr("nothing subscribes to `{topic}`: the link has {known}")
    document.complain(loc, message.format(topic=topic, known=known))


def _matches(pattern: list[str], topic: list[str]) -> bool:
    for number, level in enumerate(pattern):
        if level == "#":
            return True
        if number >= len(topic) or level not in {"+", topic[number]}:
            return False
    return len(pattern) == len(topic)
