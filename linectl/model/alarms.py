"""Alarms of a line as data, after ISA-18.2: what raises each, how it is told, and the nine states it can be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum

from linectl.model.conditions import Condition
from linectl.model.interlocks import Place
from linectl.model.readings import Value

__all__ = [
    "HIDDEN",
    "Alarm",
    "AlarmCondition",
    "AlarmEvent",
    "AlarmState",
    "Alarms",
    "Change",
    "Comment",
    "Entry",
    "Hook",
    "Notify",
    "Priority",
    "Publication",
    "State",
    "Trouble",
]


class AlarmState(StrEnum):
    """The nine states, with the letters under which ISA-18.2 tables name them."""

    NORMAL = "normal"  # A: clear, acknowledged
    UNACKNOWLEDGED = "unacknowledged"  # B: active
    ACKNOWLEDGED = "acknowledged"  # C: active
    RTN_UNACKNOWLEDGED = "rtn_unacknowledged"  # D: returned to normal before anybody acknowledged it
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"  # E: clear, to be acknowledged and reset
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"  # F: clear, to be reset
    SHELVED = "shelved"  # G: put aside by a person, for a time
    SUPPRESSED = "suppressed"  # H: by design, while a condition or another alarm says that it tells nothing
    OUT_OF_SERVICE = "out_of_service"  # I: by maintenance, until it is put back


HIDDEN = frozenset({AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE})
"""States in which an alarm is not told, whatever its cause does."""


class AlarmEvent(StrEnum):
    """What moves an alarm from state to state."""

    RAISE = "raise"  # its cause has lasted its on-delay
    CLEAR = "clear"  # its cause has been gone for its off-delay
    CLEAR_LATCHED = "clear_latched"  # the same, of an alarm that must be reset
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    REMOVE = "remove"  # out of service
    RETURN = "return"  # back in service


class AlarmCondition(StrEnum):
    """What an alarm looks at."""

    HIHI = "HIHI"
    HI = "HI"
    LO = "LO"
    LOLO = "LOLO"
    DEV = "DEV"  # apart from another tag, either way
    BAD_PV = "BAD_PV"  # no value
    BIT = "BIT"  # one bit of a word
    CONTACT = "CONTACT"
    LINK = "LINK"  # a wire's device is lost
    SERVER = "SERVER"  # a trouble of the server itself
    WHEN = "WHEN"  # a condition over several tags


class Trouble(Enum):
    """What the server that holds the line lacks, or has found; equal to no text, so that no link can bear its name."""

    RECORD_LOST = "record_lost"  # nothing is recorded: a full disk, a store that is gone
    START_REFUSED = "start_refused"  # a run that was to start later did not
    RUN_INTERRUPTED = "run_interrupted"  # a run whose program died waits for a person
    HEATING_FAULT = "heating_fault"  # a heater that does not do what it should was switched off
    GLUE_SUSPENDED = "glue_suspended"  # the line disproves a GO


class Priority(IntEnum):
    """How soon somebody must act."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3
    DIAGNOSTIC = 4  # kept for whoever looks; nobody is told and nobody has to acknowledge


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    Its cause: `tag` against `limit` (HIHI, HI, LO, LOLO), farther than `limit` from `limit.tag` (DEV), without a
    value (BAD_PV, of any of `tags`), with `bit` set (BIT), or saying `says` (CONTACT); `link` lost (LINK); a
    `trouble` of the server's (SERVER); `when` true (WHEN). `deadband` is in the tag's unit: so far back it must
    come. The cause must last `on_delay_s` s, and be gone for `off_delay_s` s. It is suppressed while the cause of
    any of `suppressed_by` or `behind` (the links of its tags) stands, or `suppressed_when` holds; one that its
    device holds until it is acknowledged there (`held`), and that came while one of `suppressed_by` stood, as long
    as it stands: it is the consequence of what was told already. `text` is its cause as people read it; `message`,
    `cause` and `action` are what happened, why it probably did, and what to do, by language.
    """

    name: str
    condition: AlarmCondition
    priority: Priority
    tag: str = ""
    tags: tuple[str, ...] = ()
    limit: tuple[float, str] | None = None  # a number, and the tag that it is added to ("": none)
    deadband: float = 0.0
    bit: int = 0
    says: bool = True
    link: str = ""
    trouble: Trouble | None = None
    when: Condition | None = None
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latched: bool = False
    suppressed_by: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    held: bool = False
    suppressed_when: Condition | None = None
    text: str = ""
    message: Mapping[str, str] = field(default_factory=dict, hash=False)
    cause: Mapping[str, str] = field(default_factory=dict, hash=False)
    action: Mapping[str, str] = field(default_factory=dict, hash=False)
    place: Place = field(default=("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Publication:
    """Alarms told over MQTT, through the broker of the line's link `link`: those of `priority` or more pressing."""

    link: str
    topic: str
    priority: Priority = Priority.LOW


@dataclass(frozen=True, slots=True)
class Hook:
    """A program that is started for each announcement of `priority` or more pressing.

    `command` is program and arguments, given as they are, through no shell. It gets the announcement as JSON on its
    input, has `timeout_s` s, and is started `most` times in 10 min.
    """

    command: tuple[str, ...]
    timeout_s: float = 10.0
    most: int = 6
    priority: Priority = Priority.HIGH


@dataclass(frozen=True, slots=True)
class Notify:
    """Who else is told."""

    mqtt: Publication | None = None
    command: Hook | None = None


@dataclass(frozen=True, slots=True)
class Alarms:
    """The alarms of `line`, as read from a file; nobody may shelve one for more than `shelve_most_s` s."""

    name: str
    line: str
    alarms: Mapping[str, Alarm]
    shelve_most_s: float = 8 * 3600.0
    notify: Notify = field(default_factory=Notify)
    description: str = ""
    source: str = ""
    file_hash: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said about an alarm."""

    at_ns: int
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One alarm now; times in s of the evaluation's clock.

    `cause`: what it looks at is beyond its limit now, since `cause_s` (None: it was never looked at), with `value`.
    `active`: its cause has lasted. `latch`: it was active, and waits for a reset. `follows`: its device holds it, and
    it came while it was suppressed. `told`: this time it was announced. `acknowledged_by` is who acknowledged it this
    time, `hidden_by` and `reason` who shelved it or took it out of service, and why.
    """

    state: AlarmState = AlarmState.NORMAL
    cause: bool = False
    cause_s: float | None = None
    active: bool = False
    latch: bool = False
    suppressed: bool = False
    follows: bool = False
    told: bool = False
    value: Value | None = None
    since_s: float = 0.0
    acknowledged_by: str = ""
    shelved_until_s: float | None = None
    hidden_by: str = ""
    reason: str = ""
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one alarm at `at_s`. `announced`: people are to be told now. `who`, `why`: of a person's act."""

    name: str
    event: AlarmEvent
    before: AlarmState
    after: AlarmState
    at_s: float
    announced: bool = False
    value: Value | None = None
    who: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All alarms at `now_s`; those that are not in `entries` are normal, and were never looked at.

    `first_out` is the alarm that was announced first since nothing stood. `announced` are the times of the last
    announcements, as far back as a flood is counted; `flood`: there are too many to be read one by one.
    """

    now_s: float = float("-inf")
    entries: Mapping[str, Entry] = field(default_factory=dict)
    first_out: str = ""
    announced: tuple[float, ...] = ()
    flood: bool = False

    def entry(self, name: str) -> Entry:
        """Return where the alarm `name` stands."""
        return self.entries.get(name, _NEW)


_NEW = Entry()
