"""What a Modbus server serves: the four tables of a unit, how it refuses, and a row of a register map.

Tables: `ir` input registers (FC4), `hr` holding registers (FC3, 6, 16), `co` coils (FC1, 5, 15), `di` discrete inputs
(FC2); addresses from 0, words big-endian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

__all__ = ["HOLES", "Bank", "Fault", "LaterBank", "ModbusFault", "Register"]

HOLES = 0  # what an address of a table says that no register has


class Fault(IntEnum):
    """Modbus exception codes."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    GATEWAY_NO_PATH = 10
    GATEWAY_NO_RESPONSE = 11


class ModbusFault(Exception):
    """A bank refuses a request with an exception code."""

    def __init__(self, code: Fault) -> None:
        super().__init__(code.name)
        self.code = code


class Bank(Protocol):
    """The four tables of one Modbus unit; values of bits are 0 or 1, of words 0 to 65535."""

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return `count` values of `table` from `address`; an address that no register has answers 0.

        Raises:
            ModbusFault: the unit refuses.
        """

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Take `values` into `table` (`co` or `hr`) from `address` on.

        Raises:
            ModbusFault: the unit refuses.
        """


class LaterBank:
    """A unit that is made at the first request to it."""

    def __init__(self, make: Callable[[], Bank]) -> None:
        self._make = make
        self._bank: Bank | None = None

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Read from the unit."""
        return self._made().read(table, address, count)

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Write to the unit."""
        self._made().write(table, address, values)

    def _made(self) -> Bank:
        if self._bank is None:
            self._bank = self._make()
        return self._bank


@dataclass(frozen=True, slots=True)
class Register:
    """One row of a map: where, what, how it is scaled, and what it means."""

    table: str
    address: int
    name: str
    kind: str
    scale: float
    unit: str
    meaning: str
