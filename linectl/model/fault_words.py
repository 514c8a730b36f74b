"""What each kind of fault, and each figure that it takes, means to people: English that `tr` translates at the face."""

from __future__ import annotations

from linectl.words import tr

__all__ = ["counted_things", "group_name", "kind_meaning", "parameter_meaning"]


def kind_meaning(kind: str) -> str:
    """Return what happens in the simulated plant under a fault of `kind`, in the language of the face.

    Raises:
        KeyError: there is no such kind.
    """
    return (_of_wires() | _of_controllers() | _of_sensors() | _of_process())[kind]


def group_name(group: str) -> str:
    """Return the name of a group of kinds, in the language of the face.

    Raises:
        KeyError: there is no such group.
    """
    return {
        "wire": tr("wire"),
        "serial": tr("serial"),
        "broker": tr("broker"),
        "plc": tr("PLC"),
        "sensor": tr("sensor"),
        "process": tr("process"),
        "bottles": tr("bottles"),
    }[group]


def counted_things(counts: str) -> str:
    """Return what a count of a fault counts, in the language of the face.

    Raises:
        KeyError: no kind counts it.
    """
    return {"replies": tr("replies"), "spikes": tr("spikes")}[counts]


def parameter_meaning(name: str) -> str:
    """Return what the figure `name` of a fault says, in the language of the face.

    Raises:
        KeyError: no kind takes it.
    """
    return {
        "delay_s": tr("how much later an answer comes"),
        "share": tr("share of the answers, messages or bytes that it strikes"),
        "byte_s": tr("pause between two bytes of an answer"),
        "keep": tr("share of an answer's bytes that still arrive"),
        "bytes": tr("stray bytes ahead of an answer"),
        "code": tr("the exception's number in the Modbus specification"),
        "after_s": tr("silence after which the watchdog trips"),
        "by": tr("how far the reading is off, in the sensor's own unit"),
        "per_h": tr("by how much the reading drifts in an hour, in the sensor's own unit"),
        "size": tr("height of a spike in the sensor's own unit"),
        "every_s": tr("mean time between two spikes"),
        "lasts_s": tr("how long a spike lasts"),
        "per_k": tr("the compensation's coefficient, in percent per kelvin"),
        "to_c": tr("the reference temperature of the compensation"),
        "power": tr("share of the rated power that is left"),
        "at": tr("where it is stuck: share of its full flow"),
        "flow": tr("share of the rated flow that is left"),
        "air_c": tr("temperature of the air around the probe"),
        "lag_s": tr("time constant with which the probe follows the air"),
        "by_k": tr("by how much the bottles are colder than their lot says"),
        "fibre_kg": tr("wet labels and fibres that land on the screen"),
        "glue": tr("the glue that the bottles really have"),
        "offset_s": tr("by how much the sensors' clock is ahead (below 0: behind)"),
    }[name]


def _of_wires() -> dict[str, str]:
    return {
        "reply_late": tr("answers come late"),
        "reply_dropped": tr("answers get lost"),
        "reply_duplicated": tr("answers come twice"),
        "reply_garbled": tr("bits of answers are flipped on the way"),
        "reply_truncated": tr("answers end before their end"),
        "slow_reply": tr("answers drip in byte by byte"),
        "half_open": tr("connections are taken and stay open, and nothing comes back on them"),
        "modbus_exception": tr("the unit refuses every request with an exception"),
        "wrong_word_order": tr("32-bit values come with their words swapped"),
        "unit_gone": tr("a unit behind the gateway does not answer"),
        "serial_unplugged": tr("the adapter of a serial instrument is pulled"),
        "serial_noise": tr("stray bytes on a serial line"),
        "serial_partial_lines": tr("a serial instrument sends half a line, the rest later"),
        "instrument_reboot": tr("a serial instrument restarts, and says so in between"),
        "broker_restart": tr("the MQTT broker goes down and comes back empty"),
        "broker_frozen": tr("the MQTT broker keeps its connections and passes nothing on"),
        "retained_garbage": tr("old retained messages with nonsense lie on the sensors' topics"),
        "clock_skew": tr("the clock of the MQTT sensors is wrong"),
    }


def _of_controllers() -> dict[str, str]:
    return {
        "plc_reboot": tr("the PLC loses power and starts again, with nothing remembered but its boot counter"),
        "plc_compensation": tr("the PLC makes its NaOH of conductivity with a wrong temperature coefficient"),
        "contact_open": tr("a safety contact or a limit switch of the washer is open"),
        "plc_watchdog": tr("the PLC's watchdog trips before the next heartbeat comes"),
    }


def _of_sensors() -> dict[str, str]:
    return {
        "sensor_stuck": tr("a sensor shows what it showed when the fault began"),
        "sensor_drift": tr("a sensor drifts away from the truth, more each hour"),
        "sensor_spike": tr("a sensor shows spikes"),
        "sensor_offset": tr("a sensor is off by a constant"),
        "sensor_dead": tr("a sensor's wire is broken"),
        "wrong_compensation": tr("a conductivity meter compensates for temperature, by a straight line to 25 °C"),
        "probe_out_of_bath": tr("a probe has been pulled out of the liquid and shows the air"),
    }


def _of_process() -> dict[str, str]:
    return {
        "heater_failed_on": tr("a heater's contactor is welded: it heats, whatever the PLC says"),
        "heater_failed_off": tr("a heater does not heat"),
        "heater_weak": tr("a heater gives less than it should"),
        "pump_failed": tr("a circulation pump, or the stirrer of the bath, stands still"),
        "dosing_failed": tr("the dosing pump runs and nothing comes"),
        "dosing_stuck_on": tr("the dosing pump does not stop"),
        "valve_stuck": tr("a valve stays where it is"),
        "contactor_open": tr("a motor's contactor drops out: chain, axial pump or jet pump"),
        "extraction_failed": tr("the extraction fan fails"),
        "chain_jam": tr("the chain is jammed"),
        "screen_clogged": tr("labels clog the screen"),
        "cold_bottles": tr("the bottles come in colder than usual"),
        "wrong_glue_lot": tr("the bottles of a lot have another glue than its papers say"),
    }
