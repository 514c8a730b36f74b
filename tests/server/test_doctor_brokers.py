"""The doctor and `tags read` at real brokers that do not let us in: each says why, and what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from linectl.clock import Clock
from linectl.config.files import SourceText
from linectl.config.load import load_line_text
from linectl.errors import Unreachable
from linectl.server.commissioning import Site, look_at
from linectl.server.doctor.examine import examine

pytestmark = pytest.mark.broker

MACHINE = {"clock", "store", "packages", "config"}
LINE = """\
kind: line
name: behind_a_broker
links:
  room:
    type: mqtt
    host: {host}
    port: {port}
    {how}
    sources:
      climate: {{topic: room/climate, form: json, period_s: 60}}
scans: {{}}
tags:
  room.temperature: {{link: room, point: "climate#t", kind: float}}
"""


@dataclass(frozen=True, slots=True)
class Brokers:
    """One mosquitto with a port for each way to be met, and the folder with its papers."""

    ports: Mapping[str, int]
    folder: Path


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def make_papers(folder: Path) -> None:
    """An authority, another one, a certificate for this computer and one for another, all with one key."""
    for name in ("authority", "stranger", "key"):
        openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    for name in ("authority", "stranger"):
        openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.pem")
    openssl(folder, "req", "-new", "-key", "key.key", "-subj", "/CN=linectl", "-out", "request.csr")
    for serial, (name, alias) in enumerate({"here": "IP:127.0.0.1", "there": "DNS:broker.example"}.items(), start=2):
        (folder / "names.ext").write_text(f"subjectAltName={alias}", encoding="ascii")
        signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-set_serial", str(serial), "-days", "30"]
        openssl(folder, "x509", "-req", "-in", "request.csr", *signed, "-extfile", "names.ext", "-out", f"{name}.pem")
    for file in folder.iterdir():
        file.chmod(0o600)


def listener(folder: Path, port: int, certificate: str = "", *, asks: bool = False) -> list[str]:
    lines = [f"listener {port} 127.0.0.1"]
    if certificate:
        lines += [f"cafile {folder}/authority.pem", f"certfile {folder}/{certificate}.pem", f"keyfile {folder}/key.key"]
    return [*lines, "require_certificate true"] if asks else lines


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports


@contextmanager
def running(program: str, config: Path, ports: list[int]) -> Iterator[None]:
    with (config.parent / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
    try:
        for port in ports:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    programs = [shutil.which(name, path=search) for name in ("mosquitto", "mosquitto_passwd", "openssl")]
    if None in programs:
        pytest.skip("mosquitto, mosquitto_passwd or openssl is not installed")
    folder = tmp_path_factory.mktemp("brokers")
    make_papers(folder)
    subprocess.run([str(programs[1]), "-c", "-b", str(folder / "users"), "lab", "s3cret"], check=True, timeout=30)
    (folder / "rights").write_text("user lab\ntopic deny room/climate\n", encoding="ascii")
    (folder / "lab.secret").write_text("s3cret\n", encoding="ascii")
    (folder / "old.secret").write_text("secret\n", encoding="ascii")
    for file in folder.iterdir():
        file.chmod(0o600)
    ports = dict(zip(("plain", "tls", "elsewhere", "asks"), free_ports(4), strict=True))
    lines = ["allow_anonymous false", f"password_file {folder}/users", f"acl_file {folder}/rights"]
    lines += listener(folder, ports["plain"]) + listener(folder, ports["tls"], "here")
    lines += listener(folder, ports["elsewhere"], "there") + listener(folder, ports["asks"], "here", asks=True)
    if os.geteuid() == 0:
        lines.insert(0, "user root")  # it reads papers that only we may read
    config = folder / "mosquitto.conf"
    config.write_text("\n".join([*lines, ""]), encoding="ascii")
    with running(str(programs[0]), config, list(ports.values())):
        yield Brokers(ports, folder)


USER = "username: lab\n    password_file: lab.secret"
TLS = "tls: {ca_file: authority.pem}"


@pytest.mark.parametrize(
    ("port", "how", "code", "do"),
    [
        ("plain", USER.replace("lab.s", "old.s"), "broker_login", "username"),
        ("plain", "keepalive_s: 5", "broker_login", "username"),
        ("tls", USER, "broker_tls", "then the link needs `tls:"),
        ("plain", f"{USER}\n    {TLS}", "broker_tls", "leave `tls` out"),
        ("tls", f"{USER}\n    {TLS.replace('authority', 'stranger')}", "broker_tls", "`ca_file` the authority"),
        ("elsewhere", f"{USER}\n    {TLS}", "broker_tls", "`host` the name"),
        ("asks", f"{USER}\n    {TLS}", "broker_tls", "certificate_file"),
        ("tls", f"{USER}\n    {TLS.replace('authority.pem', 'users')}", "broker_tls", "PEM"),
    ],
)
async def test_why_a_broker_does_not_let_us_in(brokers: Brokers, port: str, how: str, code: str, do: str) -> None:
    site = at(brokers, port, how)
    found = await examine(site, wait_s=0.0)
    (wrong,) = [each for each in found.findings if each.room not in MACHINE]
    assert (wrong.room, wrong.code, wrong.exit_code) == ("links", code, 4)
    assert do in wrong.do
    with pytest.raises(Unreachable) as caught:
        await look_at(site, ["room.temperature"], wait_s=0.0)
    assert caught.value.hint == wrong.do


async def test_the_same_broker_lets_us_in_with_the_right_papers(brokers: Brokers) -> None:
    own = TLS.replace("}", ", certificate_file: here.pem, key_file: key.key}")
    for port, how in (("plain", USER), ("tls", f"{USER}\n    {TLS}"), ("asks", f"{USER}\n    {own}")):
        found = await examine(at(brokers, port, how), wait_s=0.0)
        assert [(each.room, each.code) for each in found.findings if each.room not in MACHINE] in (
            [("topics", "not_heard_yet")],
            [("links", "broker_acl")],  # a broker that tells of its access list when we subscribe, not by silence
        )


async def test_a_tls_file_that_is_not_there_is_told_where_it_is_named(brokers: Brokers) -> None:
    found = await examine(at(brokers, "tls", f"{USER}\n    {TLS.replace('authority', 'nobody')}"), wait_s=0.0)
    (wrong,) = [each for each in found.findings if each.room not in MACHINE]
    assert (wrong.room, wrong.exit_code) == ("secrets", 3)
    assert "links.room.tls.ca_file" in wrong.what
    assert "nobody.pem" in wrong.what
    assert wrong.place.file == "line.yaml:10"


def at(brokers: Brokers, port: str, how: str) -> Site:
    file = brokers.folder / "line.yaml"
    text = LINE.format(host="127.0.0.1", port=brokers.ports[port], how=how)
    file.write_text(text, encoding="utf-8")
    line = load_line_text(SourceText(str(file), text, "0"))
    return Site(line, Clock(), brokers.folder / "line.db")
