"""The doctor's judgement of links: those that did not open, and how long those of RTU wait. Pure."""

from __future__ import annotations

from drivers.modbus.guard import timeout_s, window_s
from drivers.settings import LinkSettings, ModbusRtuSettings, MqttSettings
from linectl.line.links import address_of, broker_trouble, what_to_try
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.words import decimal, tr

__all__ = ["judge_pace", "judge_unopened"]

_REQUEST_BYTES = 8  # of a read: unit, function, address, count, CRC
_REPLY_BYTES = (7, 255)  # to a read of 1 register, of 125


def judge_unopened(link: str, settings: LinkSettings, why: str, file: str) -> Finding:
    """Return the finding on the link called `link`, which said `why` when it was opened; `file` is file:line."""
    what = tr("{link} did not open: {why}").format(link=link, why=why)
    place = Place("", address_of(settings), file)
    code, do = "link_unopened", what_to_try(settings, why)
    if isinstance(settings, MqttSettings):
        code, do = broker_trouble(settings, why)
    return Finding(Level.ERROR, "links", code, what, do, place, exit_code=4)


def judge_pace(link: str, settings: LinkSettings, file: str) -> Finding | None:
    """Return the note how long an RTU link waits for a reply and in quarantine; None for any other link."""
    if not isinstance(settings, ModbusRtuSettings):
        return None
    low, high = (_ms(timeout_s(settings, _REQUEST_BYTES, reply)) for reply in _REPLY_BYTES)
    if settings.timeout_s:
        timeout = tr("timeout {ms} ms (`timeout_s`)").format(ms=low)
    else:
        text = tr("timeout {low} to {high} ms (computed, for 1 to 125 registers)")
        timeout = text.format(low=low, high=high)
    text = tr("window {ms} ms (`window_s`)") if settings.window_s else tr("window {ms} ms (computed)")
    window = text.format(ms=_ms(window_s(settings)))
    place = Place("", address_of(settings), file)
    return Finding(Level.NOTE, "links", "rtu_pace", f"{link}: {timeout}, {window}", "", place)


def _ms(time_s: float) -> str:
    return decimal(time_s * 1e3, 0)
