"""`linectl scan`: look for what answers, without writing anything, and print what a line file would say of it."""

from __future__ import annotations

import asyncio
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from drivers.settings import ModbusRtuSettings, ModbusTcpSettings
    from linectl.server.discovery.modbus import Bounds

__all__ = ["command"]

_NOTHING_FOUND = 4
_TABLES = ("hr", "ir", "co", "di")
_REFUSALS = 3  # of a table on a serial line: 20 units that refuse everything then take about a minute


@click.group("scan", help=tr("Look for what answers: Modbus units, serial ports, MQTT topics. Nothing is written."))
def command() -> None:
    """Hold the searches."""


@command.command("modbus", help=tr("Find the Modbus units at ADDRESS (host or host:port), or on a serial port."))
@click.argument("address", required=False)
@click.option("--port", help=tr("serial port in place of ADDRESS: /dev/..., or socket://host:port for RTU over TCP"))
@click.option("--baud", type=click.IntRange(300, 921_600), default=9600, help=tr("with --port: baud rate (9600)"))
@click.option("--parity", type=click.Choice(["N", "E", "O"]), default="N", help=tr("with --port: parity (N)"))
@click.option("--stop-bits", type=click.IntRange(1, 2), default=1, help=tr("with --port: stop bits (1)"))
@click.option("--units", default="1-247", help=tr("unit ids, such as 1-10,17 (1-247)"))
@click.option("--tables", help=tr("tables to look into (hr,ir,co,di; with --port hr,ir)"))
@click.option("--last", type=click.IntRange(0, 65_535), help=tr("last address to look at (127; with --port 15)"))
@click.option(
    "--requests", type=click.IntRange(1, 100_000), default=10_000, help=tr("at most so many requests (10000)")
)
@click.option("--seconds", type=click.FloatRange(1, 3600), help=tr("at most so long, s (60; with --port 300)"))
@common
def modbus(
    address: str | None,
    port: str | None,
    baud: int,
    parity: str,
    stop_bits: int,
    units: str,
    tables: str | None,
    last: int | None,
    requests: int,
    seconds: float | None,
    data: Path | None,  # noqa: ARG001  # --data is common to all verbs
    as_json: bool,
) -> int:
    """Search, and end with 4 when no unit answers."""
    from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings
    from linectl.cli.output import emit
    from linectl.cli.scan_text import modbus_as_data, modbus_as_text
    from linectl.server.discovery.modbus import scan_modbus
    from linectl.server.logs import quiet_libraries

    if (address is None) == (port is None):
        raise click.UsageError(tr("name one of them: the address of a Modbus server, or --port"))
    quiet_libraries()
    settings: ModbusTcpSettings | ModbusRtuSettings
    if port is not None:
        settings = ModbusRtuSettings(SerialSettings(port, baud, parity=parity, stop_bits=stop_bits))
    else:
        settings = ModbusTcpSettings(*host_and_port(str(address), 502))
    wanted = unit_ids(units)
    ground = _ground(settings, tables, last, requests, seconds)
    _tell_ground(settings, ground, len(wanted))
    search = scan_modbus(
        settings,
        units=wanted,
        tables=ground.tables,
        last=ground.last,
        bounds=ground.bounds,
        on_unit=lambda unit: _progress(tr("unit {unit}").format(unit=unit)),
    )
    found = asyncio.run(search)
    _progress("")
    if as_json:
        emit("scan_modbus", modbus_as_data(found))
    else:
        click.echo(modbus_as_text(found))
    return 0 if found.units else _NOTHING_FOUND


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a search looks at: tables, the last address, and its bounds."""

    tables: list[str]
    last: int
    bounds: Bounds


def _ground(
    settings: ModbusTcpSettings | ModbusRtuSettings,
    tables: str | None,
    last: int | None,
    requests: int,
    seconds: float | None,
) -> _Ground:
    """Return what was asked for; what was not is less on a serial line, where each refusal costs a quarantine."""
    from drivers.settings import ModbusRtuSettings
    from linectl.server.discovery.modbus import Bounds

    if not isinstance(settings, ModbusRtuSettings):
        bounds = Bounds(requests, 60.0 if seconds is None else seconds)
        return _Ground(_known_tables(tables or ",".join(_TABLES)), 127 if last is None else last, bounds)
    bounds = Bounds(requests, 300.0 if seconds is None else seconds, _REFUSALS if last is None else 0)
    return _Ground(_known_tables(tables or "hr,ir"), 15 if last is None else last, bounds)


def _tell_ground(settings: ModbusTcpSettings | ModbusRtuSettings, ground: _Ground, units: int) -> None:
    """Say before a search what it looks at, and on a serial line how long that takes."""
    from drivers.settings import ModbusRtuSettings
    from linectl.server.discovery.modbus import expected_s

    bounds = ground.bounds
    text = tr("read-only; at most {requests} requests and {s} s: {units} unit ids, addresses 0 to {last}")
    _say(text.format(requests=bounds.requests, s=round(bounds.seconds), units=units, last=ground.last))
    if not isinstance(settings, ModbusRtuSettings):
        return
    search_s, each_s = expected_s(settings, units, len(ground.tables), ground.last, bounds.refusals)
    text = tr("expected: {s} s for the unit ids, and up to {each} s for each unit that answers")
    _say(text.format(s=math.ceil(search_s), each=math.ceil(each_s)))
    if bounds.refusals:
        text = tr("a table is left after {n} refusals; with --last N every address is looked at")
        _say(text.format(n=bounds.refusals))


@command.command("serial", help=tr("List the serial ports, who may use them and who does; --ask what hangs on one."))
@click.option("--ask", "port", help=tr("ask what hangs on this port: EZO, balance, circulator, Modbus"))
@click.option("--baud", type=click.IntRange(300, 921_600), help=tr("with --ask: this baud rate alone"))
@common
def serial(port: str | None, baud: int | None, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """List, or ask; asking ends with 4 when nothing known answers."""
    from linectl.cli.output import emit
    from linectl.cli.scan_text import asked_as_data, asked_as_text, ports_as_data, ports_as_text
    from linectl.server.discovery.ports import serial_ports
    from linectl.server.discovery.serial_lines import BAUDS, MODBUS, ask_port
    from linectl.server.logs import quiet_libraries

    if port is None:
        ports = serial_ports()
        if as_json:
            emit("scan_serial", ports_as_data(ports))
        else:
            click.echo(ports_as_text(ports))
        return 0
    quiet_libraries()
    bauds = BAUDS if baud is None else (baud,)
    usual = MODBUS if baud is None else ((baud, "N"), (baud, "E"))
    _say(tr("read-only; at most {s} s").format(s=round(len(bauds) * 1.7 + len(usual) * 8)))
    found = asyncio.run(ask_port(port, bauds=bauds, modbus=usual, on_step=_progress))
    _progress("")
    if as_json:
        emit("scan_serial_ask", asked_as_data(port, found))
    else:
        click.echo(asked_as_text(port, found))
    return 0 if found else _NOTHING_FOUND


@command.command("mqtt", help=tr("Listen to the broker at ADDRESS (host or host:port) and list the topics that speak."))
@click.argument("address")
@click.option("--seconds", type=click.FloatRange(0.5, 3600), default=35.0, help=tr("how long to listen, s (35)"))
@click.option("--topic", "topics", multiple=True, help=tr("topic filter (all topics); can be given several times"))
@click.option("--username", default="", help=tr("user of the broker; its password comes from LINECTL_SECRET_MQTT"))
@click.option("--ca-file", type=click.Path(path_type=Path), help=tr("TLS: the certificate of the broker's authority"))
@click.option("--mqtt5", is_flag=True, help=tr("speak MQTT 5 (else 3.1.1)"))
@common
def mqtt(
    address: str,
    seconds: float,
    topics: tuple[str, ...],
    username: str,
    ca_file: Path | None,
    mqtt5: bool,
    data: Path | None,  # noqa: ARG001  # --data is common to all verbs
    as_json: bool,
) -> int:
    """Listen, and end with 4 when nothing was heard."""
    import os

    from drivers.settings import MqttSettings, TlsSettings
    from linectl.cli.output import emit
    from linectl.cli.scan_text import topics_as_data, topics_as_text
    from linectl.errors import Refused
    from linectl.server.discovery.mqtt import listen
    from linectl.server.logs import quiet_libraries

    quiet_libraries()
    password = os.environ.get("LINECTL_SECRET_MQTT", "") if username else ""
    if username and "LINECTL_SECRET_MQTT" not in os.environ:
        raise Refused(
            tr("there is no password for {user}").format(user=username),
            hint=tr("put it where no command line shows it: read -rs LINECTL_SECRET_MQTT; export LINECTL_SECRET_MQTT"),
        )
    tls = None if ca_file is None else TlsSettings(str(ca_file))
    host, port = host_and_port(address, 1883 if tls is None else 8883)
    settings = MqttSettings(
        host,
        port,
        topics=topics or ("#",),
        username=username,
        password=password,
        version="5" if mqtt5 else "3.1.1",
        tls=tls,
    )
    _say(tr("listening for {s} s; nothing is published").format(s=round(seconds)))
    text = tr("{topics} topics, {s} s left")
    found = asyncio.run(
        listen(settings, seconds=seconds, on_slice=lambda s, n: _progress(text.format(topics=n, s=round(s))))
    )
    _progress("")
    if as_json:
        emit("scan_mqtt", topics_as_data(settings, found))
    else:
        click.echo(topics_as_text(settings, found))
    return 0 if found else _NOTHING_FOUND


def _say(text: str) -> None:
    click.echo(text, err=True)


def _progress(text: str) -> None:
    """Show how far a search is, on one line that rewrites itself; nothing where there is no terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()


def host_and_port(text: str, usual: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.

    Raises:
        click.BadParameter: it is none of these.
    """
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        number = rest.removeprefix(":") if closed else "?"
    elif text.count(":") > 1:
        host, number = text, ""
    else:
        host, _, number = text.partition(":")
    if not host or (number and not (number.isdecimal() and 0 < int(number) < 65_536)):
        raise click.BadParameter(
            tr("expected host or host:port, not {text}").format(text=repr(text)), param_hint="ADDRESS"
        )
    return host, int(number or usual)


def unit_ids(text: str) -> list[int]:
    """Return the unit ids of a list such as `1-10,17`.

    Raises:
        click.BadParameter: it is none, or beyond 0 to 255.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        ends = (low, high if dash else low)
        if not all(end.isdecimal() and int(end) <= 255 for end in ends) or int(ends[0]) > int(ends[1]):
            raise click.BadParameter(
                tr("expected unit ids from 0 to 255, such as 1-10,17, not {text}").format(text=repr(part)),
                param_hint="--units",
            )
        found |= dict.fromkeys(range(int(ends[0]), int(ends[1]) + 1))
    return list(found)


def _known_tables(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in _TABLES]
    if unknown:
        raise click.BadParameter(
            tr("expected some of {tables}, not {text}").format(tables=", ".join(_TABLES), text=unknown[0]),
            param_hint="--tables",
        )
    return names
