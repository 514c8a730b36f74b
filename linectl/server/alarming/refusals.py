"""What the alarms refuse, and what to do instead."""

from __future__ import annotations

from linectl.config.schema import nearest
from linectl.errors import Refused
from linectl.model.alarms import AlarmEvent, Alarms, AlarmState, Entry
from linectl.words import number, tr

__all__ = ["missing_reason", "not_known", "not_now", "state_word", "too_long"]


def not_known(name: str, rules: Alarms) -> Refused:
    """Return that there is no such alarm."""
    text = tr("there is no alarm {name}; {nearest}")
    return Refused(text.format(name=name[:60], nearest=nearest(name, list(rules.alarms))), code="E-ALM-001")


def not_now(name: str, event: AlarmEvent, entry: Entry) -> Refused:
    """Return that `event` makes no sense where the alarm stands."""
    state = state_word(entry.state)
    if event is AlarmEvent.ACKNOWLEDGE and entry.acknowledged_by:
        text = tr("{name} is acknowledged already, by {who}").format(name=name, who=entry.acknowledged_by)
        return Refused(text, code="E-ALM-002")
    texts = {
        AlarmEvent.ACKNOWLEDGE: tr("{name} has nothing to acknowledge: it is {state}"),
        AlarmEvent.RESET: tr("{name} cannot be reset: it is {state}"),
        AlarmEvent.UNSHELVE: tr("{name} is not shelved: it is {state}"),
        AlarmEvent.RETURN: tr("{name} is in service: it is {state}"),
    }
    text = texts.get(event, tr("{name} cannot be put aside: it is {state}")).format(name=name, state=state)
    hint = ""
    if event is AlarmEvent.RESET and entry.state is AlarmState.LATCHED_UNACKNOWLEDGED:
        hint = tr("acknowledge it first: linectl alarms ack {name}").format(name=name)
    elif event is AlarmEvent.RESET and entry.active:
        hint = tr("its cause is still there: remove that first")
    return Refused(text, hint=hint, code="E-ALM-002")


def missing_reason() -> Refused:
    """Return that a reason is missing."""
    return Refused(
        tr("an alarm is put aside for a reason"),
        hint=tr("say why, for whoever comes next: --reason TEXT"),
        code="E-ALM-003",
    )


def too_long(asked_s: float, least_s: float, most_s: float) -> Refused:
    """Return that the time of a shelving is not allowed."""
    text = tr("{asked} min is no time for a shelving here: from {least} min to {most} min")
    shown = [number(round(each / 60.0, 1)) for each in (asked_s, least_s, most_s)]
    return Refused(
        text.format(asked=shown[0], least=shown[1], most=shown[2]),
        hint=tr("for longer, somebody of service takes it out of service"),
        code="E-ALM-004",
    )


def state_word(state: AlarmState) -> str:
    """Return what people call a state."""
    return {
        AlarmState.NORMAL: tr("normal"),
        AlarmState.UNACKNOWLEDGED: tr("not acknowledged"),
        AlarmState.ACKNOWLEDGED: tr("acknowledged"),
        AlarmState.RTN_UNACKNOWLEDGED: tr("gone, not acknowledged"),
        AlarmState.LATCHED_UNACKNOWLEDGED: tr("gone, to be acknowledged and reset"),
        AlarmState.LATCHED_ACKNOWLEDGED: tr("gone, to be reset"),
        AlarmState.SHELVED: tr("shelved"),
        AlarmState.SUPPRESSED: tr("suppressed by design"),
        AlarmState.OUT_OF_SERVICE: tr("out of service"),
    }[state]
