"""Machine words of a simulated plant, for people: its quantities, alarms, tanks, faults, and why it takes no bottle."""

from __future__ import annotations

from collections.abc import Mapping

from linectl.model.fault_checks import figures_text
from linectl.words import tr

__all__ = ["alarm_words", "fault_words", "refusal_words", "words"]


def words(name: str) -> str:
    """Return the words for a quantity, a count, a kind of tank, or the state of a fault."""
    return _spoken(_known(), name)


def alarm_words(name: str) -> str:
    """Return the words for an alarm or a warning of a PLC."""
    return _spoken({**_of_process(), **_of_devices()}, name)


def refusal_words(why: str) -> str:
    """Return why the washer takes no bottle in, in words."""
    return _spoken(
        {
            "state": tr("the machine does not run"),
            "feed_enable": tr("the feed is off"),
            "chain.setpoint": tr("no chain speed is asked for"),
            "alarm": tr("an alarm stands"),
            "sensor": tr("a sensor is broken"),
            "z3.temperature": tr("Z3 too cold"),
            "z2.naoh": tr("NaOH of Z2 low"),
            "z3.naoh": tr("NaOH of Z3 low"),
            "fresh.flow": tr("too little fresh water"),
            "extraction.speed": tr("extraction too weak"),
            "infeed.temperature": tr("step from the bottles to Z0 too large"),
            "zone_step": tr("step between zones too large"),
        },
        why,
    )


def fault_words(state: str, kind: str, values: Mapping[str, float], why: str) -> str:
    """Return the figures of a fault that stands or waits, or why it ended (`why`: the machine word for that)."""
    if state != "ended":
        return figures_text(kind, values)
    return _spoken(
        {
            "cleared": tr("cleared"),
            "over": tr("its time is over"),
            "counted": tr("its count is over"),
            "stopped": tr("the line was ended"),
        },
        why,
    )


def _spoken(known: Mapping[str, str], name: str) -> str:
    """Return the words for `name`; one that has none, of another version, is shown as it is."""
    return known.get(name, name.replace("_", " "))


def _known() -> dict[str, str]:
    return {
        "temperature": tr("temperature"),
        "controller": tr("controller"),
        "conductivity": tr("conductivity"),
        "naoh": tr("NaOH"),
        "ph": tr("pH"),
        "level": tr("level"),
        "pressure": tr("pressure"),
        "heater": tr("heater"),
        "setpoint": tr("setpoint"),
        "stirrer": tr("stirrer"),
        "standing": tr("standing"),
        "waiting": tr("waiting"),
        "ended": tr("ended"),
        "bottles_in": tr("in"),
        "bottles_out": tr("out"),
        "rejected": tr("rejected"),
        "broken": tr("broken"),
        "in_queue": tr("queue"),
        "labels_off": tr("labels off"),
        "bottles": tr("bottles"),
        "labels_passed": tr("out with a label"),
        "chain": tr("chain"),
        "torque": tr("torque"),
        "fresh_water": tr("fresh water"),
        "screen": tr("screen"),
        "extraction": tr("extraction"),
        "infeed": tr("bottles at"),
        "prerinse": tr("prerinse"),
        "presoak": tr("presoak"),
        "caustic": tr("caustic"),
        "jets": tr("jets"),
        "rinse": tr("rinse"),
        "final": tr("final"),
    }


def _of_process() -> dict[str, str]:
    return {
        "z3_cold": tr("Z3 too cold"),
        "z3_hot": tr("Z3 too hot"),
        "naoh_low": tr("NaOH low"),
        "naoh_high": tr("NaOH high"),
        "caustic_in_rinse": tr("caustic in the final rinse"),
        "rinse_pressure": tr("rinse pressure low"),
        "fresh_water": tr("too little fresh water"),
        "level": tr("level low"),
        "dry_run": tr("dry-run"),
        "screen": tr("screen clogged"),
        "torque": tr("torque high"),
        "exhaust": tr("extraction failed"),
        "zone_step": tr("step between zones too large"),
        "stand": tr("bottles stand in caustic"),
        "over_temperature": tr("over-temperature"),
        "watchdog": tr("host watchdog"),
        "sensor": tr("sensor fault"),
    }


def _of_devices() -> dict[str, str]:
    return {
        "valve_fresh": tr("fresh-water valve does not follow"),
        "valve_dose": tr("dosing valve does not follow"),
        "valve_drain": tr("drain valve does not follow"),
        "valve_recirculation": tr("recirculation valve does not follow"),
        "contactor_chain": tr("contactor of the chain"),
        "contactor_axial": tr("contactor of the axial pump"),
        "contactor_jets": tr("contactor of the jet pump"),
        "thermal_chain": tr("motor of the chain too hot"),
        "thermal_axial": tr("motor of the axial pump too hot"),
        "thermal_jets": tr("motor of the jet pump too hot"),
        "label_press": tr("label press"),
        "shear_pin": tr("shear pin"),
        "estop": tr("emergency stop"),
        "door": tr("a door is open"),
    }
