"""A connection to an MQTT broker: protocol version, TLS, credentials, and what went wrong in plain words."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import aiomqtt
from paho.mqtt.client import MQTT_LOG_ERR
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.errors import LinkDown
from drivers.frames.mqtt_forms import filters
from drivers.in_flight import in_flight
from drivers.mqtt.newest import NewestWins
from drivers.settings import MqttSettings, TlsSettings

__all__ = ["connected", "in_words", "subscribe", "topic_filters"]

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())  # a lost broker is told by the link, not on somebody's terminal
_ANSWER_S = 2.0  # for the broker's answer to a connect or subscribe
_REFUSAL_S = 0.1  # for aiomqtt to make an exception of an answer that is here
_REFUSED_CODE = 0x80  # MQTT 3.1.1, 3.9.3, and MQTT 5, 3.9.3: from here on a subscription failed
_VERSIONS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}
_PACKET_LIMIT = 65_536  # bytes; MQTT 5, 3.1.2.11.4: the broker drops what is larger instead of sending it
_WRONG_VERSION = {1, 132}  # codes of a refused connect, MQTT 3.1.1, 3.2.2.3, and MQTT 5, 3.2.2.2
_WRONG_USER = {4, 5, 134, 135}
_WHERE_IN_OPENSSL = re.compile(r"\s*\(_ssl\.c:[0-9]+\)")
_WORDS = (
    ("CERTIFICATE_VERIFY_FAILED", "the broker's certificate is not accepted"),
    ("WRONG_VERSION_NUMBER", "the broker speaks no TLS at this port"),
    ("CERTIFICATE_REQUIRED", "the broker asks for a client certificate"),
    ("UNKNOWN_CA", "the broker does not accept our certificate"),
    ("[Errno -2]", "the host is not known"),
    ("[Errno -3]", "the host is not known"),
    ("[Errno -5]", "the host is not known"),
    ("Operation timed out", "no answer from the broker"),
)


def topic_filters(settings: MqttSettings) -> tuple[str, ...]:
    """Return what to subscribe to: the topics of the settings and those of their sources, none inside another.

    Raises:
        ValueError: a source of an unknown form, or whose topic has a wildcard.
    """
    wanted = dict.fromkeys(settings.topics)
    for source in settings.sources.values():
        wanted.update(dict.fromkeys(filters(source)))
    return tuple(
        each for each in wanted if not any(other != each and _holds(other, each) for other in wanted)
    )  # a broker may send a message once for each filter that it matches (MQTT 5, 3.3.4)


@asynccontextmanager
async def connected(settings: MqttSettings, queue: NewestWins) -> AsyncIterator[aiomqtt.Client]:
    """Connect for the time of the block; what comes goes into `queue`, and the socket is closed whatever happens.

    aiomqtt leaves the socket open when the broker does not answer a connect, when the connecting is cancelled and
    when reading failed; it has no public way to close it, hence paho's `disconnect` below it. A client is used once:
    after a loss aiomqtt takes the old answer to a connect for the new one. A broker that closes instead of answering
    is not noticed by aiomqtt before its timeout, nor does it pass on why.

    Raises:
        LinkDown: a certificate or key that cannot be used, or the broker closed the connection instead of answering.
        aiomqtt.MqttError: any other failure to connect, for `in_words`.
    """
    client = _client(settings, queue)
    paho = client._client  # noqa: SLF001  # see above
    paho.connect_timeout = _ANSWER_S
    closed = _Closed(client, asyncio.get_running_loop())
    connecting = asyncio.create_task(client.__aenter__())
    try:
        await _finish(connecting, closed)
        yield client
    finally:
        paho.disconnect()
        await asyncio.sleep(0)  # aiomqtt ends its housekeeping task in the loop's next round
        ended = client._disconnected  # noqa: SLF001  # looked at, or else asyncio tells it on somebody's terminal
        if ended.done() and not ended.cancelled():
            ended.exception()


async def subscribe(client: aiomqtt.Client, topics: Sequence[str]) -> None:
    """Subscribe to all of `topics`.

    Raises:
        LinkDown: the broker refuses one of them.
        aiomqtt.MqttError: no answer, or the connection was lost.
    """
    granted = await client.subscribe([(topic, 1) for topic in topics])
    codes = [code if isinstance(code, int) else code.value for code in granted]
    refused = [topic for topic, code in zip(topics, codes, strict=True) if code >= _REFUSED_CODE]
    if refused:
        raise LinkDown(f"the broker refuses to send {', '.join(refused)}")


def in_words(exc: Exception, settings: MqttSettings) -> str:
    """Return why a connection to the broker of `settings` failed or ended, for people."""
    text = _WHERE_IN_OPENSSL.sub("", str(exc)) or type(exc).__name__
    if isinstance(exc, aiomqtt.MqttCodeError):
        code = exc.rc if isinstance(exc.rc, int) else getattr(exc.rc, "value", None)
        connect = isinstance(exc, aiomqtt.exceptions.MqttConnectError)
        if connect and code in _WRONG_USER:
            whom = f"user {settings.username!r} with this password" if settings.username else "a client without a user"
            return f"the broker refuses {whom} ({text})"
        if connect and code in _WRONG_VERSION:
            return f"the broker does not speak MQTT {settings.version} ({text})"
    for mark, words in _WORDS:
        if mark in text:
            return f"{words} ({text})"
    return text


class _Socket(ssl.SSLSocket):
    """A socket that is closed when the handshake fails; paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class _Closed:
    """Notices that the broker closed a connection that it had not answered yet, and what paho said about it."""

    def __init__(self, client: aiomqtt.Client, loop: asyncio.AbstractEventLoop) -> None:
        paho = client._client  # noqa: SLF001  # aiomqtt hands neither of the two calls on
        self.why = ""
        self.noticed: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._told = paho.on_disconnect
        paho.on_disconnect = self._disconnected
        paho.on_log = self._logged

    def _disconnected(self, *args: Any) -> None:
        self.why = self.why or str(args[3])  # client, userdata, flags, reason code, properties
        self._loop.call_soon_threadsafe(self._notice)
        if self._told is not None:
            cast(Callable[..., None], self._told)(*args)

    def _notice(self) -> None:
        if not self.noticed.done():
            self.noticed.set_result(None)

    def _logged(self, _client: object, _userdata: object, level: int, text: str) -> None:
        if level == MQTT_LOG_ERR:
            self.why = text


def _client(settings: MqttSettings, queue: NewestWins) -> aiomqtt.Client:
    properties = None
    if settings.version == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it so
        properties.MaximumPacketSize = _PACKET_LIMIT
    return aiomqtt.Client(
        settings.host,
        settings.port,
        identifier=settings.identifier or None,
        username=settings.username or None,
        password=settings.password or None,
        keepalive=_keepalive_s(settings),
        timeout=_ANSWER_S,
        logger=_LOG,
        protocol=_version(settings.version),
        properties=properties,
        tls_context=None if settings.tls is None else _tls_context(settings.tls),
        queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", lambda maxsize=0: queue),  # noqa: ARG005  # its own bound
    )


def _version(text: str) -> aiomqtt.ProtocolVersion:
    try:
        return _VERSIONS[text]
    except KeyError:
        raise LinkDown(f"MQTT {text} is not spoken: expected {' or '.join(_VERSIONS)}") from None


def _tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """Return a context that trusts the authority of the settings only (without one: those of the computer)."""
    file = tls.ca_file
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
        if tls.certificate_file:
            file = tls.certificate_file
            # an encrypted key is refused: without a password of ours OpenSSL would ask on the terminal
            context.load_cert_chain(tls.certificate_file, tls.key_file or None, password=lambda: "")
        context.sslsocket_class = _Socket
    except (OSError, ValueError) as exc:  # SSLError is an OSError
        key = f" or {tls.key_file}" if file == tls.certificate_file and tls.key_file else ""
        raise LinkDown(f"the certificate file {file}{key} cannot be used: {exc}") from exc
    return context


def _keepalive_s(settings: MqttSettings) -> int:
    """Return the keepalive in s; none on a loop whose clock jumps.

    paho times its pings by the computer's clock, a broker in the same jumping loop its patience by the loop's: hours
    would pass for it between two pings. There both live in one process, and neither can hang alone.
    """
    return settings.keepalive_s if in_flight() is None else 0


async def _finish(connecting: asyncio.Task[aiomqtt.Client], closed: _Closed) -> None:
    """Wait until the client is connected; a thread connects: it cannot be cancelled, and must not end behind us."""
    either: set[asyncio.Future[Any]] = {connecting, closed.noticed}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        with suppress(aiomqtt.MqttError):
            await connecting
        raise
    if not connecting.done():  # a refusal comes first, the close behind it
        await asyncio.wait({connecting}, timeout=_REFUSAL_S)
    if connecting.done():
        await connecting
        return
    connecting.cancel()  # the socket is open and closed again: the thread is done, an answer will not come
    with suppress(asyncio.CancelledError, aiomqtt.MqttError):
        await connecting
    why = f" ({closed.why})" if closed.why else ""
    raise LinkDown(f"the broker closed the connection instead of answering{why}")


def _holds(wide: str, narrow: str) -> bool:
    """Return whether every topic of the filter `narrow` is one of the filter `wide`."""
    wide_steps, narrow_steps = wide.split("/"), narrow.split("/")
    for number, step in enumerate(wide_steps):
        if step == "#":
            return not narrow.startswith("$")
        if number >= len(narrow_steps) or narrow_steps[number] == "#":
            return False
        if step not in ("+", narrow_steps[number]):
            return False
    return len(wide_steps) == len(narrow_steps)
