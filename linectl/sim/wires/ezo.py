"""Simulated Atlas EZO circuits: what an RTD, EC or pH circuit answers, without I/O, and its adapter.

After the datasheets EZO RTD V2, EZO EC V6.2 and EZO pH V5.8 (UART): ASCII, lines end in CR, `R` answers after 600 ms
(of the pH circuit only the 900 ms of its other interface, I2C, are told; here it takes as long as its sisters).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.frames.ezo import Answer, Code, Command, Info, encode_answer, encode_values, parse_command
from drivers.settings import SerialSettings
from linectl.sim.wires.instrument import Said, SerialInstrument
from linectl.sim.wires.trouble import Trouble

__all__ = ["EzoCircuit", "EzoInstrument", "ec_circuit", "ph_circuit", "rtd_circuit"]

READING_S = 0.6
CONTINUOUS_S = 1.0
COMPENSATION_C = 25.0  # what a pH circuit takes the sample's temperature to be after a loss of power


class EzoCircuit:
    """One circuit's command language; `measure` gives the reading in its unit (°C, µS/cm, pH) when it is asked.

    It comes set to answer on request alone (`C,0`); `C,1` makes it speak each second. Its settings survive a replug,
    and are the maker's after `boot`: it speaks by itself, with codes, and compensates for 25 °C.
    """

    hears = b"\r"

    def __init__(
        self, device: str, firmware: str, measure: Callable[[], float], decimals: Callable[[float], int]
    ) -> None:
        self.device = device
        self.firmware = firmware
        self.continuous = False
        self.codes = True
        self.compensation_c = COMPENSATION_C
        self.restart = "P"
        self._measure = measure
        self._decimals = decimals
        self._last_s = 0.0  # when it last heard or said something

    def __repr__(self) -> str:
        """Return the kind and whether it speaks by itself."""
        return f"<EzoCircuit {self.device} {self.firmware}{', continuous' if self.continuous else ''}>"

    def reading(self) -> bytes:
        """Return the line of one reading, with the circuit's own resolution."""
        value, digits = self.measured()
        return encode_values((value,), max(0, digits))

    def measured(self) -> tuple[float, int]:
        """Return one reading, rounded to the circuit's own resolution, and its decimals (below 0: tens, hundreds)."""
        value = self._measure()
        digits = self._decimals(value)
        return round(value, digits), digits

    def answer(self, line: bytes, now_s: float = 0.0) -> Said:
        """Return the reply to a line without its CR."""
        self._last_s = now_s
        command = parse_command(line)
        if command is None:
            return Said(encode_answer(Code.UNKNOWN_COMMAND))
        if command == Command("R") or (command.name == "RT" and self._compensates(command)):
            return Said(self.reading() + self._ok(), READING_S)
        said = self._query(command)
        if said is not None:
            return Said(encode_answer(said) + self._ok())
        if self._set(command):
            return Said(self._ok())
        return Said(encode_answer(Code.UNKNOWN_COMMAND))

    def due_s(self) -> float | None:
        """Return when a continuous circuit speaks next: a second after it last heard or said something."""
        return self._last_s + CONTINUOUS_S if self.continuous else None

    def speak(self, now_s: float) -> bytes:
        """Return a reading."""
        self._last_s = now_s
        return self.reading()

    def boot(self, now_s: float) -> bytes:
        """Restart with the maker's settings; return what the circuit says of it."""
        self.restart = "S"
        self.continuous = self.codes = True
        self.compensation_c = COMPENSATION_C
        self._last_s = now_s
        return encode_answer(Code.RESET) + encode_answer(Code.READY)

    def foreign(self) -> bytes:
        """Return what another query is answered with."""
        return encode_answer(Answer("Status", (self.restart, "5.038")))

    def _ok(self) -> bytes:
        return encode_answer(Code.OK) if self.codes else b""

    def _query(self, command: Command) -> Info | Answer | None:
        answers: dict[Command, Info | Answer] = {
            Command("I"): Info(self.device, self.firmware),
            Command("C", ("?",)): Answer("C", (str(int(self.continuous)),)),
            Command("*OK", ("?",)): Answer("*OK", (str(int(self.codes)),)),
            Command("STATUS"): Answer("Status", (self.restart, "5.038")),
        }
        if self.device == "RTD":
            answers[Command("S", ("?",))] = Answer("S", ("c",))
        elif self.device == "pH":
            answers[Command("T", ("?",))] = Answer("T", (f"{self.compensation_c:.2f}",))
            answers[Command("CAL", ("?",))] = Answer("Cal", ("3",))
            answers[Command("SLOPE", ("?",))] = Answer("Slope", ("99.7", "100.3", "-0.89"))
        else:
            answers[Command("O", ("?",))] = Answer("", ("O", "EC"))
        return answers.get(command)

    def _set(self, command: Command) -> bool:
        if command.arguments in {("0",), ("1",)} and command.name in {"C", "*OK"}:
            on = command.arguments == ("1",)
            if command.name == "C":
                self.continuous = on
            else:
                self.codes = on
            return True
        if command.name == "T":
            return self._compensates(command)
        return self.device == "RTD" and command == Command("S", ("c",))

    def _compensates(self, command: Command) -> bool:
        """Take the sample's temperature of `T` or `RT`; return whether the circuit knows such a command."""
        try:
            (temperature_c,) = map(float, command.arguments)
        except ValueError:
            return False
        if self.device != "pH" or not -20.0 <= temperature_c <= 150.0:  # also what is no number
            return False
        self.compensation_c = temperature_c
        return True


def rtd_circuit(temperature_c: Callable[[], float]) -> EzoCircuit:
    """Return an EZO RTD that shows `temperature_c()` °C to 0.001 °C."""
    return EzoCircuit("RTD", "2.01", temperature_c, lambda _value: 3)


def ec_circuit(conductivity_us_cm: Callable[[], float]) -> EzoCircuit:
    """Return an EZO EC that shows `conductivity_us_cm()` µS/cm with the circuit's resolution."""
    return EzoCircuit("EC", "2.16", conductivity_us_cm, _ec_decimals)


def ph_circuit(ph: Callable[[], float]) -> EzoCircuit:
    """Return an EZO pH that shows `ph()` to 0.001, within its range of 0.001 to 14.000."""
    return EzoCircuit("pH", "1.98", lambda: min(max(ph(), 0.001), 14.0), lambda _value: 3)


def _ec_decimals(value: float) -> int:
    """Return the decimals of the datasheet: 0.01 below 100, 0.1 below 1000, 1, 10 from 10 000, 100 from 100 000."""
    for decimals, below in ((2, 100.0), (1, 1000.0), (0, 10_000.0), (-1, 100_000.0)):
        if value < below:
            return decimals
    return -2


class EzoInstrument(SerialInstrument[EzoCircuit]):
    """A circuit on a pseudo-terminal behind a stable symbolic link, and on TCP after `listen`: 8N1 at `baud`."""

    def __init__(
        self,
        circuit: EzoCircuit,
        link: Path,
        *,
        before: Callable[[], None] = lambda: None,
        baud: int = 9600,
        trouble: Trouble | None = None,
    ) -> None:
        super().__init__(circuit, link, before=before, serial=SerialSettings("", baud), trouble=trouble)

    @property
    def circuit(self) -> EzoCircuit:
        """The circuit."""
        return self.handler
