"""The instruments of the simulated rig: what each shows, and on which serial line it stands.

`rtd`, `ec` and `ph` hang in the lab bath (the pH circuit shows what a sample cooled to 25 °C has); `balance` and
`circulator` stand beside it with a pan and a bath of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import log10
from pathlib import Path

from drivers.settings import CirculatorSettings, EzoSettings, LinkSettings, SerialSettings, SicsSettings
from linectl.laws.alkalinity import Water
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.balance import Balance
from linectl.sim.wires.circulator import Lauda, Thermal
from linectl.sim.wires.ezo import EzoCircuit, ec_circuit, ph_circuit, rtd_circuit
from linectl.sim.wires.instrument import Handler, SerialInstrument
from linectl.sim.wires.memory import BalanceMemory, CirculatorMemory, EzoMemory, RigDevice
from linectl.sim.wires.trouble import Trouble

__all__ = ["INSTRUMENTS", "bath_ph", "device_of", "instruments", "settings_of"]

INSTRUMENTS = ("rtd", "ec", "ph", "balance", "circulator")

_SERIAL: Mapping[str, SerialSettings] = {
    "balance": SerialSettings("", 9600, xonxoff=True),
    "circulator": SerialSettings("", 4800),
}
_WATER = Water(alkalinity_meq_l=3.0, ph=7.5)
_STRONG_MG_L = 1500.0  # of NaOH: above it the water's own carbonate does not matter


def bath_ph(twin: Twin) -> float:
    """Return the pH at 25 °C of what is in the bath; 7.5 of its water, or of none."""
    state = twin.plant.state
    if state.water_kg + state.naoh_kg <= 0.0:
        return _WATER.ph
    naoh_mg_l = 1e6 * state.naoh_kg / (state.water_kg + state.naoh_kg)
    if naoh_mg_l <= _STRONG_MG_L:
        return _WATER.ph_with(naoh_mg_l)
    return _WATER.ph_with(_STRONG_MG_L) + log10(naoh_mg_l / _STRONG_MG_L)


def instruments(
    names: Iterable[str],
    twin: Twin,
    directory: Path,
    *,
    advance: Callable[[], None],
    process_s: Callable[[], float],
    troubles: Mapping[str, Trouble],
) -> dict[str, SerialInstrument[Handler]]:
    """Return the instruments `names`, unplugged, their links to be in `directory`."""
    makers: dict[str, Callable[[], Handler]] = {
        "rtd": lambda: rtd_circuit(twin.temperature_c),
        "ec": lambda: ec_circuit(twin.conductivity_us_cm),
        "ph": lambda: ph_circuit(lambda: bath_ph(twin)),
        "balance": Balance,
        "circulator": lambda: Lauda(thermal=Thermal(room_c=twin.plant.params.room_c), process_s=process_s),
    }
    return {
        name: SerialInstrument(
            makers[name](),
            directory / name,
            before=advance,
            serial=_SERIAL.get(name),
            trouble=troubles[name],
        )
        for name in names
    }


def settings_of(name: str, port: str) -> LinkSettings:
    """Return how to reach the instrument `name` at `port`: a tty, or `socket://host:port`."""
    if name == "balance":
        return SicsSettings(SerialSettings(port, 9600, xonxoff=True))
    if name == "circulator":
        return CirculatorSettings(SerialSettings(port, 4800))
    return EzoSettings(port, {"rtd": "RTD", "ec": "EC", "ph": "pH"}[name])


def device_of(handler: Handler, advance: Callable[[], None]) -> RigDevice:
    """Return the instrument with `handler` as it is reached without a wire."""
    if isinstance(handler, EzoCircuit):
        return EzoMemory(handler, advance)
    if isinstance(handler, Balance):
        return BalanceMemory(handler)
    assert isinstance(handler, Lauda)
    return CirculatorMemory(handler)
