"""The doctor's judgement of clock, store, packages, passwords and ports, on facts of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.settings import (
    EzoSettings,
    LinkSettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SerialSettings,
)
from linectl.clock import VIRTUAL_START_NS
from linectl.model.lines import LineDefinition, Secret
from linectl.server.discovery.ports import Holder, PortFacts, port_facts, serial_ports
from linectl.server.doctor.finding import Finding, Level, exit_code, worst
from linectl.server.doctor.machine import (
    ClockFacts,
    StoreFacts,
    clock_facts,
    judge_clock,
    judge_store,
    packages,
    secrets,
    store_facts,
)
from linectl.server.doctor.ports import judge_port, port_of, shared_ports

DAY_NS = 86_400 * 10**9
SOUND = PortFacts("/dev/serial/by-id/usb-a", "/dev/ttyUSB0", True, "/dev/serial/by-id/usb-a", True, "dialout")


def codes(findings: Iterator[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (ClockFacts(VIRTUAL_START_NS + DAY_NS, True), []),
        (ClockFacts(VIRTUAL_START_NS + DAY_NS, None, 0.05), []),
        (ClockFacts(3 * DAY_NS, True), ["clock_year"]),
        (ClockFacts(VIRTUAL_START_NS + DAY_NS, False), ["clock_unsynchronised"]),
        (ClockFacts(VIRTUAL_START_NS + DAY_NS, True, -3600.0), ["clock_step"]),
    ],
)
def test_clock(facts: ClockFacts, found: list[str]) -> None:
    assert codes(judge_clock(facts)) == found


def test_this_computer_can_be_asked_for_its_clock() -> None:
    facts = clock_facts()
    assert facts.now_ns > VIRTUAL_START_NS
    assert facts.synchronised in {True, False, None}


def test_a_store_that_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    facts = store_facts(tmp_path / "new" / "line.db")
    assert (facts.folder, facts.cannot_write, facts.cannot_read) == (tmp_path, "", "")
    assert facts.free_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    file.write_bytes(b"no database" * 100)
    assert codes(judge_store(store_facts(file))) == ["store_unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert codes(judge_store(store_facts(tmp_path / "line.db"))) == ["store_unwritable"]


@pytest.mark.parametrize(("free", "found"), [(10**10, []), (400_000_000, ["store_low"]), (1_000_000, ["store_full"])])
def test_room_on_the_disk(free: int, found: list[str]) -> None:
    assert codes(judge_store(StoreFacts(Path("/x/line.db"), Path("/x"), free))) == found


def test_a_foreign_package_of_drivers_is_told() -> None:
    assert codes(packages({"drivers": ["linectl"]})) == codes(packages({})) == []
    assert codes(packages({"drivers": ["linectl", "other"]})) == ["drivers_collision"]


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX")
def test_a_password_that_others_can_read_is_told_with_its_link(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret", encoding="ascii")
    place = ("line.yaml", 4, 7, "links.sensors.password_file")
    links: dict[str, LinkSettings] = {"plc": ModbusTcpSettings("plc"), "sensors": MqttSettings("broker", username="u")}
    line = LineDefinition("l", links, {}, {}, {}, secrets={"sensors": Secret("u", file=str(file), place=place)})
    file.chmod(0o600)
    assert secrets(line) == {}
    for mode in (0o640, 0o604):
        file.chmod(mode)
        found = secrets(line)
        assert list(found) == ["sensors"]
        assert [(each.code, each.place.file) for each in found["sensors"]] == [("secret_unusable", "line.yaml:4")]
        assert "chmod 600" in found["sensors"][0].what
    file.unlink()
    assert list(secrets(line)) == ["sensors"]


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (SOUND, []),
        (PortFacts("/dev/ttyUSB7", "/dev/ttyUSB7", False), ["port_missing"]),
        (PortFacts("/dev/ttyUSB0", "/dev/ttyUSB0", True, SOUND.by_id, True, "dialout"), ["port_name"]),
        (PortFacts("/dev/ttyUSB0", "/dev/ttyUSB0", True, "", False, "dialout"), ["port_rights"]),
        (PortFacts(SOUND.path, "", True, SOUND.path, True, "dialout", (Holder(77, "minicom"),)), ["port_held"]),
    ],
)
def test_ports(facts: PortFacts, found: list[str]) -> None:
    findings = list(judge_port("rtd", facts, "line.yaml:4"))
    assert [finding.code for finding in findings] == found
    assert all(finding.place.file == "line.yaml:4" for finding in findings)


def test_links_on_one_port_are_told() -> None:
    bus = ModbusRtuSettings(SerialSettings("/dev/ttyUSB0"))
    links: dict[str, LinkSettings] = {
        "bus": bus,
        "rtd": EzoSettings("/dev/ttyUSB0", "RTD"),
        "plc": ModbusTcpSettings("h"),
    }
    assert codes(shared_ports(links, {})) == ["port_shared"]
    assert codes(shared_ports({**links, "rtd": EzoSettings("/dev/ttyUSB1", "RTD")}, {})) == []
    assert port_of(ModbusRtuSettings(SerialSettings("socket://h:1"))) == ""


def test_ports_of_a_computer_are_named_by_what_stays(tmp_path: Path) -> None:
    by_id, dev, types = (tmp_path / part for part in ("dev/serial/by-id", "dev", "sys/class/tty"))
    by_id.mkdir(parents=True)
    for name in ("ttyUSB0", "ttyACM0", "ttyS0", "ttyS1"):
        (dev / name).touch()
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        (types / name).mkdir(parents=True)
        (types / name / "type").write_text(f"{kind}\n", encoding="ascii")
    (by_id / "usb-FTDI").symlink_to(dev / "ttyUSB0")
    found = [Path(port.path).name for port in serial_ports(tmp_path)]
    assert found == ["usb-FTDI", "ttyACM0", "ttyS0"]  # ttyS1 has no chip behind it


def test_who_holds_a_port_is_found(tmp_path: Path) -> None:
    import subprocess
    import sys

    port = tmp_path / "port"
    port.touch()
    code = f"import sys; handle = open({str(port)!r}); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert [holder.pid for holder in port_facts(str(port)).holders] == [other.pid]
        other.kill()
    assert port_facts(str(port)).holders == ()


def test_the_exit_code_is_that_of_the_first_cause() -> None:
    note, warning = Finding(Level.NOTE, "a", "n", ""), Finding(Level.WARNING, "a", "w", "")
    device = Finding(Level.ERROR, "a", "d", "")
    wire = Finding(Level.ERROR, "a", "l", "", exit_code=4)
    assert exit_code([note, warning]) == exit_code([]) == 0
    assert exit_code([note, device]) == 5
    assert exit_code([device, wire, warning]) == 4
    assert (worst([]), worst([note]), worst([warning, device, note])) == (None, Level.NOTE, Level.ERROR)
