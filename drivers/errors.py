"""What can go wrong on a wire. Third-party exceptions never leave `drivers`; they become one of these."""

from __future__ import annotations

__all__ = ["BadAddress", "BadReply", "DeviceFault", "DriverError", "LinkDown", "ReplyTimeout"]


class DriverError(Exception):
    """The base of all wire errors; `sent` tells whether the device may have heard the request."""

    sent = False


class BadAddress(DriverError):
    """A point's address or kind is not one that its link understands (the program or its configuration is wrong).

    `text` is the message with its `{fields}` unfilled, and `fields` fills them: whoever speaks another language than
    English looks the text up, and fills it then.
    """

    def __init__(self, text: str, **fields: object) -> None:
        super().__init__(text.format(**fields) if fields else text)
        self.text = text
        self.fields = fields


class LinkDown(DriverError):
    """The wire is not connected; the message names the address."""


class ReplyTimeout(DriverError):
    """No whole reply came by the deadline."""


class BadReply(DriverError):
    """A reply came, but not to the request that was sent (function code, count, echo, prefix)."""


class DeviceFault(DriverError):
    """The device answered with an error code of its own protocol."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
