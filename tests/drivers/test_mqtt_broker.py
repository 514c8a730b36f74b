"""Brokers that ask who we are: TLS, client certificates, passwords, access lists, versions; each refusal in words."""

from __future__ import annotations

import asyncio
import gc
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from drivers.errors import LinkDown
from drivers.link import Point
from drivers.mqtt.broker import topic_filters
from drivers.mqtt.link import MqttLink
from drivers.settings import MqttSettings, MqttSource, TlsSettings
from tests.drivers.mqtt_bench import TOPIC, Broker, free_port, lacks, opened, publish, read, says, until

Started = Callable[..., Awaitable[Broker]]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two authorities and certificates: server, elsewhere, expired, client, foreign."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("papers")
    for name in ("authority", "stranger", "key"):
        openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    for name in ("authority", "stranger"):
        openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.pem")
    openssl(folder, "req", "-new", "-key", "key.key", "-subj", "/CN=linectl", "-out", "request.csr")
    (folder / "here.ext").write_text("subjectAltName=IP:127.0.0.1")
    (folder / "there.ext").write_text("subjectAltName=DNS:broker.example")
    for serial, (name, signer, days, names) in enumerate(
        [
            ("expired", "authority", "0", "here"),  # at once: it is a second old when it is used
            ("server", "authority", "30", "here"),
            ("elsewhere", "authority", "30", "there"),
            ("client", "authority", "30", "here"),
            ("foreign", "stranger", "30", "here"),
        ],
        start=2,
    ):
        signed = ["-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-set_serial", str(serial), "-days", days]
        openssl(
            folder, "x509", "-req", "-in", "request.csr", *signed, "-extfile", f"{names}.ext", "-out", f"{name}.pem"
        )
    openssl(folder, "ec", "-in", "key.key", "-aes128", "-passout", "pass:word", "-out", "locked.key")
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder


def listens(papers: Path, certificate: str, *, asks: bool = False) -> list[str]:
    lines = [f"certfile {papers / certificate}.pem", f"keyfile {papers / 'key'}.key", f"cafile {papers}/authority.pem"]
    return [*lines, "require_certificate true"] if asks else lines


def tls(papers: Path, authority: str = "authority", certificate: str = "", key: str = "key") -> TlsSettings:
    own = (str(papers / f"{certificate}.pem"), str(papers / f"{key}.key")) if certificate else ("", "")
    return TlsSettings(str(papers / f"{authority}.pem"), *own)


async def refusal(port: int, host: str = "127.0.0.1", **settings: object) -> str:
    """Return why a link does not open."""
    link = MqttLink(MqttSettings(host, port, **settings))  # type: ignore[arg-type]  # of a test's own choice
    with pytest.raises(LinkDown) as caught:
        await link.open()
    assert str(caught.value).startswith(f"mqtt://{host}:{port}: ")
    assert not link.is_open()
    return str(caught.value)


@pytest.mark.broker
@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_over_tls_with_a_client_certificate(mosquitto_with: Started, papers: Path, version: str) -> None:
    broker = await mosquitto_with(*listens(papers, "server", asks=True))
    context = tls(papers, certificate="client")
    async with opened(broker.port, tls=context, version=version) as link:
        parameters = aiomqtt.TLSParameters(context.ca_file, context.certificate_file, context.key_file)
        async with aiomqtt.Client(broker.host, broker.port, tls_params=parameters) as client:
            for k in range(300):  # several in one TLS record: none is left behind in it
                await client.publish(TOPIC, f'{{"temperature": {k}.5, "seq": {k}}}', qos=1 if k == 299 else 0)
        await until(link, says(299.5), 5)
        assert link.stats().replies == 300
    assert "client certificate" in await refusal(broker.port, tls=tls(papers), version=version)
    assert "closed" in await refusal(broker.port, tls=tls(papers, certificate="foreign"), version=version)


@pytest.mark.broker
async def test_a_broker_that_is_not_the_one_meant_is_refused(mosquitto_with: Started, papers: Path) -> None:
    good = await mosquitto_with(*listens(papers, "server"))
    assert "certificate is not accepted" in await refusal(good.port, tls=tls(papers, "stranger"))
    assert "certificate is not accepted" in await refusal(good.port, tls=TlsSettings(""))  # of no public authority
    assert "closed" in await refusal(good.port)  # we without TLS
    for name, why in (("elsewhere", "mismatch"), ("expired", "expired")):
        broker = await mosquitto_with(*listens(papers, name))
        text = await refusal(broker.port, tls=tls(papers))
        assert "certificate is not accepted" in text
        assert why in text
    plain = await mosquitto_with()
    await refusal(plain.port, tls=tls(papers))
    async with opened(good.port, tls=tls(papers)) as link:
        assert link.is_open()


async def test_certificate_files_that_cannot_be_used_are_named(papers: Path) -> None:
    port = free_port()
    assert "none.pem cannot be used" in await refusal(port, tls=tls(papers, "none"))
    assert "request.csr" in await refusal(port, tls=TlsSettings(str(papers / "request.csr")))
    assert "none.pem" in await refusal(port, tls=tls(papers, certificate="none"))
    assert "authority.key" in await refusal(port, tls=tls(papers, certificate="client", key="authority"))
    assert "locked.key" in await refusal(port, tls=tls(papers, certificate="client", key="locked"))  # nobody is asked


@pytest.mark.broker
@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_user_password_and_access_list(mosquitto_with: Started, tmp_path: Path, version: str) -> None:
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed")
    users, rights = tmp_path / "users", tmp_path / "rights"
    for who in ("line", "room"):
        flags = ["-b"] if users.exists() else ["-c", "-b"]
        subprocess.run([program, *flags, str(users), who, "s3cret"], check=True, timeout=30)  # noqa: ASYNC221  # short
    rights.write_text("user room\ntopic readwrite #\nuser line\ntopic read sensors/#\n", encoding="ascii")
    for file in (users, rights):
        file.chmod(0o600)
    broker = await mosquitto_with("allow_anonymous false", f"password_file {users}", f"acl_file {rights}")
    assert "refuses user 'line' with this password" in await refusal(
        broker.port, username="line", password="wrong", version=version
    )
    assert "refuses a client without a user" in await refusal(broker.port, version=version)
    secret = Point("secret/room#temperature", "float")
    async with opened(broker.port, username="line", password="s3cret", version=version) as link:
        room = aiomqtt.Client(broker.host, broker.port, username="room", password="s3cret")
        async with room:
            await room.publish("secret/room", '{"temperature": 1}', qos=1)
            await room.publish(TOPIC, '{"temperature": 20.5}', qos=1)
        await until(link, says(20.5), 5)
        assert lacks("waiting_for_initial_data")(
            await read(link, secret)
        )  # granted, and never sent: nothing is made up
        assert "s3cret" not in repr(link)


async def test_a_broker_that_hangs_up_in_the_midst_of_a_subscription_is_a_loss_like_any_other() -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    async with answering(CONNECTED, b"") as port:
        assert "mqtt://" in await refusal(port)
    gc.collect()
    assert told == []


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[int]:
    """Be a broker that answers packet after packet with what is given (b"": hangs up); the port is yielded."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                await reader.read(4096)
                writer.write(answer)
            if answers and answers[-1]:
                await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


CONNECTED = bytes.fromhex("20020000")


async def test_refusals_by_code() -> None:
    async with answering(CONNECTED, bytes.fromhex("9004 0001 01 80")) as port:
        text = await refusal(port, topics=("a", "b"))
        assert text.endswith("the broker refuses to send b")
    async with answering(bytes.fromhex("2003000000"), bytes.fromhex("9006 0001 00 01 87 8f")) as port:
        text = await refusal(port, topics=("a", "b", "c"), version="5")
        assert text.endswith("the broker refuses to send b, c")
    async with answering(bytes.fromhex("20020003")) as port:
        assert "unavailable" in await refusal(port)
    async with answering(bytes.fromhex("2003008400")) as port:
        assert "does not speak MQTT 5" in await refusal(port, version="5")
    async with answering() as port:
        assert "closed the connection instead of answering" in await refusal(port)
    assert "MQTT 4 is not spoken" in await refusal(1, version="4")
    assert "no form of MQTT sensors" in await refusal(1, sources={"a": MqttSource("a", "homie")})


async def test_a_host_that_is_not_known() -> None:
    assert "host is not known" in await refusal(1883, "no.such.host.invalid")
    assert "refused" in await refusal(free_port())


@pytest.mark.broker
@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_an_acknowledgement_is_no_delivery(mosquitto_with: Started, version: str) -> None:
    broker = await mosquitto_with("message_size_limit 200")
    async with opened(broker.port, version=version) as link:
        async with aiomqtt.Client(broker.host, broker.port) as client:  # 3.1.1: the broker has no way to say no
            await client.publish(TOPIC, '{"temperature": 9}' + " " * 300, qos=1)  # returns: acknowledged
        assert lacks("waiting_for_initial_data")(await read(link))
        await publish(broker, {"temperature": 20.5})
        await until(link, says(20.5), 5)
        assert (link.stats().replies, link.stats().dropped) == (1, 0)


@pytest.mark.broker
async def test_over_mqtt_5_a_giant_message_stays_at_the_broker(mosquitto: Broker) -> None:
    async with opened(mosquitto.port, version="5") as five, opened(mosquitto.port) as three:
        await publish(mosquitto, b" " * 100_000, b'{"temperature": 20.5}')
        await until(five, says(20.5), 5)
        await until(three, says(20.5), 5)
        assert five.stats().dropped == 0
        assert three.stats().extra == {"oversize": 1}
        assert len(three.tap.frames[0].data) < 5000


@pytest.mark.broker
async def test_mqtt_5_survives_the_broker_and_retains_nothing(mosquitto: Broker) -> None:
    await publish(mosquitto, {"temperature": 99.9}, retain=True)
    async with opened(mosquitto.port, version="5") as link:
        await until(link, lambda _: link.stats().extra == {"retained": 1}, 5)
        await publish(mosquitto, {"temperature": 20.5})
        await until(link, says(20.5), 5)
        mosquitto.stop()
        await until(link, lacks("not_connected"), 5)
        await mosquitto.start()
        await until(link, lacks("waiting_for_initial_data"), 15)
        await publish(mosquitto, {"temperature": 20.6})
        await until(link, says(20.6), 5)


def test_subscriptions_come_from_sources_and_topics_without_one_inside_another() -> None:
    sources = {"bath": MqttSource("bath", "tasmota"), "ht": MqttSource("shelly1", "shelly"), "t": MqttSource("lab/t")}
    assert topic_filters(MqttSettings("h", topics=("lab/#", "shelly1/+/#"), sources=sources)) == (
        "lab/#",
        "shelly1/+/#",
        "tele/bath/SENSOR",
        "tele/bath/STATE",
        "tele/bath/LWT",
    )
    assert topic_filters(MqttSettings("h", topics=("#", "$SYS/broker/uptime"), sources=sources)) == (
        "#",
        "$SYS/broker/uptime",
    )
    assert topic_filters(MqttSettings("h", topics=("a/+", "a/#", "a/b", "+/b", "a"))) == ("a/#", "+/b")
