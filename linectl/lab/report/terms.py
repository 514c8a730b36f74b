"""What the machine words of a run say to people, in the language in use: events, states, phases, modes, statuses."""

from __future__ import annotations

from linectl.lab.progress import phase_text
from linectl.words import tr

__all__ = [
    "alarm_step",
    "ending",
    "event_name",
    "flag_name",
    "method_name",
    "mode_name",
    "phase_text",
    "policy_name",
    "population_name",
    "reason_name",
    "run_state",
    "set_name",
    "task_name",
    "term_name",
    "test_name",
    "trial_state",
]


def _plain(word: str) -> str:
    """Return an unknown machine word as people can read it."""
    return word.replace("_", " ")


def event_name(kind: str) -> str:
    """Return what happened, for an event's kind."""
    names = {
        "run_started": tr("run started"),
        "run_ended": tr("run ended"),
        "run_interrupted": tr("the program died"),
        "crash": tr("the program had died"),
        "resumed": tr("taken up again"),
        "trial_replaced": tr("bath given up and replaced"),
        "trial_given_up": tr("bath given up"),
        "heat_armed": tr("heating allowed again"),
        "heat_not_armed": tr("heating not allowed"),
        "calibrations": tr("calibrations noted"),
        "refill": tr("fresh water"),
        "phase": tr("phase"),
        "state": tr("state"),
        "held": tr("held"),
        "hold_failed": tr("hold failed"),
        "ended_early": tr("ended early"),
        "note": tr("note"),
        "deviation": tr("deviation"),
        "prompt": tr("question answered"),
        "question": tr("question answered"),
        "covariate": tr("measured"),
        "correction": tr("answer corrected"),
        "bottle_skipped": tr("bottle taken out of the observation"),
        "bottle_left_out": tr("bottle not put in"),
        "checks_missed": tr("looks missed"),
        "sensor_dead": tr("sensor lost"),
        "sensor_alive": tr("sensor back"),
        "clock_step": tr("computer clock set"),
        "dose_not_shown": tr("dose not seen by the conductivity"),
        "bath_flagged": tr("bath flagged"),
        "plc_alarm": tr("alarm of the controller"),
        "missed_ticks": tr("scans missed"),
        "link_lost": tr("connection lost"),
        "link_back": tr("connection back"),
        "wire_fault": tr("wire fault, its frames kept"),
        "wire_fault_unsaved": tr("wire fault, its frames not kept"),
        "sensor_bad": tr("sensor bad"),
        "sensor_back": tr("sensor back"),
        "plc_reboot": tr("the controller restarted"),
        "alarm": tr("alarm"),
        "alarm_hook_failed": tr("the program for alarms failed"),
        "alarm_hook_skipped": tr("the program for alarms was not started again so soon"),
        "alarm_mqtt_failed": tr("alarms could not be told to the broker"),
        "broken": tr("run broken off"),
        "safe": tr("heater off"),
        "safe_not_proved": tr("safe state not proved"),
        "made_ready": tr("controller made ready"),
        "unblinded": tr("codes opened"),
        "confirmation_started": tr("part of a confirmation"),
        "record_lost": tr("NOTHING IS RECORDED"),
        "record_gap": tr("recorded again, after a gap"),
        "slept": tr("the computer slept"),
        "store_overflow": tr("records lost: the disk was too slow"),
        "interlock_trip": tr("interlock tripped"),
        "interlock_clear": tr("interlock clear again"),
        "interlock_reset": tr("interlock reset"),
        "glue_suspended": tr("a GO is suspended: the line has disproved it"),
        "glues_unknown": tr("where each GO stands could not be told"),
        "write": tr("setpoint written"),
        "armed": tr("writing armed"),
        "disarmed": tr("writing disarmed"),
        "ramp": tr("ramp begun"),
        "ramp_ended": tr("ramp ended"),
        "put_back": tr("old value written back"),
        "not_put_back": tr("old value not written back"),
        "heating_fault": tr("heating at fault"),
        "heating_reset": tr("fault of the heating reset"),
        "command": tr("command to the controller"),
        "machine_state": tr("machine"),
        "machine_command": tr("command"),
        "recipe_selected": tr("recipe set"),
        "recipe_left": tr("recipe left"),
        "recipe_back": tr("recipe as it was set again"),
        "run_to_come": tr("run to come"),
        "lot_started": tr("lot begun"),
        "lot_ended": tr("lot ended"),
        "lot_washed": tr("lot washed"),
        "lot_quarantined": tr("bottles set aside"),
        "lot_released": tr("bottles released"),
        "lot_delivered": tr("lot delivered"),
    }
    return names.get(kind, _plain(kind))


def alarm_step(word: str) -> str:
    """Return what happened to an alarm."""
    names = {
        "raise": tr("has come"),
        "clear": tr("is gone"),
        "clear_latched": tr("is gone, to be reset"),
        "acknowledge": tr("acknowledged"),
        "reset": tr("reset"),
        "shelve": tr("shelved"),
        "unshelve": tr("taken back from the shelf"),
        "suppress": tr("suppressed by design"),
        "unsuppress": tr("no longer suppressed"),
        "remove": tr("taken out of service"),
        "return": tr("back in service"),
        "comment": tr("commented"),
    }
    return names.get(word, word)


def run_state(word: str) -> str:
    """Return a procedure state (ISA-88)."""
    names = {
        "idle": tr("idle"),
        "running": tr("running"),
        "pausing": tr("pausing"),
        "paused": tr("paused"),
        "holding": tr("holding"),
        "held": tr("held"),
        "restarting": tr("restarting"),
        "stopping": tr("stopping"),
        "stopped": tr("stopped"),
        "aborting": tr("aborting"),
        "aborted": tr("aborted"),
        "complete": tr("complete"),
        "interrupted": tr("interrupted"),
        "failed": tr("failed"),
    }
    return names.get(word, _plain(word))


def ending(status: str | None) -> str:
    """Return how a run ended; None: it has not."""
    names = {"success": tr("complete"), "abort": tr("aborted"), "fail": tr("failed")}
    return tr("still open or interrupted") if status is None else names.get(status, _plain(status))


def trial_state(word: str) -> str:
    """Return where a bath stands."""
    names = {
        "planned": tr("planned"),
        "running": tr("running"),
        "complete": tr("complete"),
        "flagged": tr("flagged"),
        "aborted": tr("aborted"),
    }
    return names.get(word, _plain(word))


def flag_name(word: str) -> str:
    """Return why a bath is flagged."""
    names = {
        "ended_early": tr("ended early"),
        "not_stable": tr("not stable"),
        "checks_missed": tr("looks missed"),
        "heat_off": tr("heater off"),
        "no_temperature": tr("no temperature"),
        "no_naoh": tr("no NaOH"),
        "no_conductivity": tr("no conductivity"),
        "no_level": tr("no level"),
    }
    return names.get(word, _plain(word))


def mode_name(word: str) -> str:
    """Return how a label came off."""
    return {"whole": tr("whole"), "torn": tr("torn"), "pulped": tr("pulped")}.get(word, word)


def task_name(word: str) -> str:
    """Return what a question of the run asks for."""
    names = {
        "load_bottle": tr("put a bottle in"),
        "unload": tr("take the bottles out"),
        "check": tr("look at the labels"),
        "lid": tr("lid"),
        "score": tr("score a label"),
        "covariate": tr("measure"),
        "question": tr("question of the experiment"),
        "crash": tr("what to do after a crash"),
        "arm_heat": tr("allow heating again"),
    }
    return names.get(word, _plain(word))


def policy_name(word: str) -> str:
    """Return what was done after a crash."""
    names = {
        "continue": tr("continued"),
        "redo": tr("done anew"),
        "abort": tr("given up"),
        "ask": tr("asked"),
    }
    return names.get(word, _plain(word))


def reason_name(word: str) -> str:
    """Return why a bath got fresh water."""
    names = {
        "start": tr("unknown water at the start"),
        "naoh": tr("too much NaOH in it"),
        "cooler": tr("too hot, and slow to cool"),
        "faster": tr("faster than to wait for it"),
    }
    return names.get(word, _plain(word))


def set_name(word: str) -> str:
    """Return which bottles of a confirmation these are."""
    names = {"main": tr("as delivered"), "aged": tr("aged"), "holding": tr("cold water")}
    return names.get(word, _plain(word))


def term_name(word: str) -> str:
    """Return what a part of a bound comes from."""
    names = {
        "sampling": tr("sampling"),
        "temperature_calibration": tr("calibration of the temperature"),
        "naoh_calibration": tr("calibration of the NaOH"),
    }
    return names.get(word, _plain(word))


def population_name(word: str) -> str:
    """Return whose time a bound is for."""
    names = {"conditional": tr("typical bath"), "marginal": tr("any bath")}
    return names.get(word, _plain(word))


def method_name(word: str) -> str:
    """Return how a bound was found."""
    names = {
        "profile": tr("profile likelihood"),
        "wald": tr("Wald"),
        "bootstrap-t": tr("bootstrap-t"),
        "bootstrap-t, upper floored": tr("bootstrap-t, upper bound held at a floor"),
        "bootstrap-t, lower floored": tr("bootstrap-t, lower bound held at a floor"),
        "bootstrap-t, floored": tr("bootstrap-t, both bounds held at a floor"),
        "calibration": tr("calibration"),
    }
    return " + ".join(names.get(part, _plain(part)) for part in word.split("+"))


def test_name(word: str) -> str:
    """Return what a likelihood-ratio test asks."""
    names = {
        "bath_effect": tr("baths differ"),
        "plateau": tr("some labels never come off"),
        "curvature": tr("the Arrhenius line is bent"),
        "sigma_by_temperature": tr("the spread depends on temperature"),
        "lots": tr("lots of glue differ"),
    }
    return names.get(word, _plain(word))
