"""Every error that linectl raises for people, with its exit code and its remedy."""

from __future__ import annotations

from typing import NamedTuple

from linectl.words import tr

__all__ = [
    "ConfigError",
    "DeviceError",
    "LinectlError",
    "NotConfirmed",
    "Problem",
    "Refused",
    "RunAborted",
    "RunFailed",
    "StoreError",
    "Unreachable",
    "WrongUse",
]

_TOLD = 30  # problems of one file: a sheet that is wrong in every row says so in as many


class LinectlError(Exception):
    """A failure that a person can read and act upon.

    `code` is a machine word that never changes with the language, `hint` says what to do,
    `exit_code` is what the command line ends with (see `linectl help exit-codes`).
    """

    exit_code = 1
    code = "E-INT-001"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code:
            self.code = code


class Problem(NamedTuple):
    """One mistake in a file: `file:line:column: where: what [code]`, line and column from 1; not all have a code."""

    file: str
    line: int
    column: int
    where: str
    message: str
    code: str = ""

    def __str__(self) -> str:
        """Return the mistake in the clickable form of compilers."""
        place = f"{self.file}:{self.line}:{self.column}"
        text = f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"
        return f"{text} [{self.code}]" if self.code else text


def _told(problems: list[Problem]) -> str:
    more = len(problems) - _TOLD
    tail = [tr("... and {count} more").format(count=more)] if more > 0 else []
    return "\n".join([*map(str, problems[:_TOLD]), *tail])


class WrongUse(LinectlError):
    """The command line was not understood; nothing was done."""

    exit_code = 2
    code = "E-USE-003"


class ConfigError(LinectlError):
    """A file cannot be used as it is; carries every problem found, and tells the first 30 of them."""

    exit_code = 3
    code = "E-CFG-001"

    def __init__(self, problems: list[Problem] | str, *, hint: str = "", code: str = "") -> None:
        self.problems = [] if isinstance(problems, str) else list(problems)
        text = problems if isinstance(problems, str) else _told(problems)
        super().__init__(text, hint=hint, code=code)


class Unreachable(LinectlError):
    """A server, PLC, port or broker does not answer; the message names its address."""

    exit_code = 4
    code = "E-LNK-001"


class DeviceError(LinectlError):
    """A device answered wrongly, or not at all in the middle of the work."""

    exit_code = 5
    code = "E-DEV-001"


class StoreError(LinectlError):
    """The store cannot be written or read: disk full, read-only, damaged."""

    exit_code = 5
    code = "E-STO-001"


class Refused(LinectlError):
    """The request is against a limit, a state or a lease; nothing was done."""

    exit_code = 6
    code = "E-LIM-001"


class NotConfirmed(LinectlError):
    """A question was answered no, or could not be asked."""

    exit_code = 7
    code = "E-ASK-001"


class RunAborted(LinectlError):
    """A person ended the run; the data are kept and the heater is off."""

    exit_code = 8
    code = "E-RUN-001"


class RunFailed(LinectlError):
    """The run could not go on (device, wire or store fault, or its own policy)."""

    exit_code = 5
    code = "E-RUN-002"
