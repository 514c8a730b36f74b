"""Alarms files -> `linectl.model.alarms`, checked against the line that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from drivers.settings import MqttSettings
from linectl.config.alarm_form import CAUSES, AlarmFile, AlarmsFile, NotifyFile, write_out
from linectl.config.conditions import condition
from linectl.config.documents import parsed, stop_on_problems
from linectl.config.files import SourceText, find_file
from linectl.config.interlock_file import line_of_rules
from linectl.config.nodes import Document, Loc
from linectl.config.schema import nearest, validate
from linectl.model.alarms import Alarm, AlarmCondition, Alarms, Hook, Notify, Priority, Publication, Trouble
from linectl.model.conditions import Comparison, Condition
from linectl.model.lines import LineDefinition, Tag
from linectl.words import tr

__all__ = ["ALARM_FOLDER", "alarms", "find_alarms"]

ALARM_FOLDER = "config/alarms"

_LIMITED = ("HIHI", "HI", "LO", "LOLO", "DEV")
_SIGNS: Mapping[str, str] = {"HIHI": ">", "HI": ">", "LO": "<", "LOLO": "<", "DEV": ">"}
_DERIVED = {"bit": "BIT", "says": "CONTACT", "link": "LINK", "server": "SERVER", "when": "WHEN"}
_ANY_LINE: Mapping[str, Tag] = {}


def find_alarms(name: str | Path) -> Path:
    """Return an alarms file: as given, else among those that are shipped.

    Raises:
        ConfigError: it is in none of these places.
    """
    return find_file(name, folder=ALARM_FOLDER)


def alarms(source: SourceText, line_of: Callable[[Path], LineDefinition]) -> Alarms:
    """Return what the text of an alarms file describes, checked against the line that it names.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = parsed(source, "alarms")
    write_out(document)
    file = validate(document, AlarmsFile)
    if file is None:
        stop_on_problems(document)
    assert file is not None
    line = line_of_rules(file.line, document, line_of)
    made = _Reader(file, document, line).alarms()
    stop_on_problems(document)
    return made


class _Reader:
    """Turns the checked form into the model, and adds to the document what does not fit together."""

    def __init__(self, file: AlarmsFile, document: Document, line: LineDefinition | None) -> None:
        self._file = file
        self._document = document
        self._line = line
        self._tags = None if line is None else line.tags

    def alarms(self) -> Alarms:
        file, source = self._file, self._document.source
        found = {name: self._alarm(name, each) for name, each in file.alarms.items()}
        made = {name: each for name, each in found.items() if each is not None}
        self._check_suppression()
        return Alarms(
            name=file.name or Path(source.path).stem,
            line=file.line,
            alarms=self._behind_links(made),
            shelve_most_s=file.shelve_most,
            notify=self._notify(file.notify),
            description=file.description,
            source=source.path,
            file_hash=source.sha256,
        )

    def _alarm(self, name: str, each: AlarmFile) -> Alarm | None:
        loc: Loc = ("alarms", name)
        word = self._word(each, loc)
        if word is None or not self._keys_fit(each, word, loc):
            return None
        limit = self._limit(each, loc) if word in _LIMITED else None
        when = self._condition(each.when, (*loc, "when")) if each.when is not None else None
        hidden = self._condition(each.suppressed_when, (*loc, "suppressed_when")) if each.suppressed_when else None
        at = self._document.problem(loc, "")
        return Alarm(
            name=name,
            condition=AlarmCondition(word),
            priority=Priority.DIAGNOSTIC if each.priority == "diagnostic" else Priority(each.priority),
            tag=each.tag if word != "BAD_PV" or not _is_pattern(each.tag) else "",
            tags=self._tags_of(each.tag, (*loc, "tag")) if word == "BAD_PV" else (),
            limit=limit,
            deadband=each.deadband,
            bit=each.bit or 0,
            says=each.says is not False,
            link=self._link(each.link, (*loc, "link")) if each.link is not None else "",
            trouble=None if each.server is None else Trouble(each.server),
            when=when,
            on_delay_s=each.on_delay,
            off_delay_s=each.off_delay,
            latched=each.latched,
            suppressed_by=each.suppressed_by,
            held=each.held,
            suppressed_when=hidden,
            text=_text(each, word),
            message=each.message.model_dump(),
            cause=each.cause.model_dump(),
            action=each.action.model_dump(),
            place=(at.file, at.line, at.column),
        )

    def _word(self, each: AlarmFile, loc: Loc) -> str | None:
        """Return the condition's word; None: the alarm looks at nothing, or at two things."""
        given = [key for key in CAUSES if getattr(each, key) is not None]
        if len(given) == 1:
            return each.condition or _DERIVED[given[0]]
        if given:
            text = tr("an alarm looks at one thing: only one of {words}").format(words=", ".join(CAUSES))
            self._document.complain((*loc, given[1]), text)
        else:
            text = tr("what does it look at? expected one of {words}").format(words=", ".join(CAUSES))
            self._document.complain(loc, text)
        return None

    def _keys_fit(self, each: AlarmFile, word: str, loc: Loc) -> bool:
        """Return whether the alarm has the keys that its condition needs, and none that it does not."""
        wanted = {"tag": word not in {"LINK", "SERVER", "WHEN"}, "limit": word in _LIMITED, "apart_from": word == "DEV"}
        fits = True
        for key, needed in wanted.items():
            there = bool(getattr(each, key))
            if there is needed:
                continue
            text = tr("{condition} needs `{key}`") if needed else tr("{condition} takes no `{key}`")
            self._document.complain((*loc, key) if there else loc, text.format(condition=word, key=key))
            fits = False
        if each.deadband and word not in _LIMITED:
            self._document.complain(
                (*loc, "deadband"), tr("{condition} takes no `{key}`").format(condition=word, key="deadband")
            )
            fits = False
        if each.held and word not in {"BIT", "SERVER"}:
            self._document.complain(
                (*loc, "held"), tr("{condition} takes no `{key}`").format(condition=word, key="held")
            )
            fits = False
        if fits and word in {"BIT", "CONTACT"}:
            fits = self._typed(each.tag, word, (*loc, "tag"))
        return fits

    def _typed(self, name: str, word: str, loc: Loc) -> bool:
        tag = self._known(name, loc)
        if tag is None:
            return self._tags is None
        wanted = "int" if word == "BIT" else "bool"
        if tag.dtype == wanted:
            return True
        text = tr("{tag} has no bits: it is no whole number") if word == "BIT" else tr("{tag} is no contact")
        self._document.complain(loc, text.format(tag=name))
        return False

    def _known(self, name: str, loc: Loc) -> Tag | None:
        if self._tags is None:
            return None
        tag = self._tags.get(name)
        if tag is None:
            text = tr("this line has no tag {tag}; {nearest}")
            self._document.complain(loc, text.format(tag=name, nearest=nearest(name, list(self._tags))))
        elif not tag.scan:
            text = tr("{tag} is not scanned, so it would never be known; give it a `scan` in the line")
            self._document.complain(loc, text.format(tag=name))
            return None
        return tag

    def _tags_of(self, pattern: str, loc: Loc) -> tuple[str, ...]:
        """Return the scanned tags that `pattern` names (`label.*`), one alone when it is a name."""
        if not _is_pattern(pattern) or self._tags is None:
            self._known(pattern, loc)
            return (pattern,)
        found = tuple(name for name, tag in self._tags.items() if tag.scan and fnmatchcase(name, pattern))
        if not found:
            text = tr("no scanned tag of this line is called {pattern}")
            self._document.complain(loc, text.format(pattern=pattern))
        return found

    def _limit(self, each: AlarmFile, loc: Loc) -> tuple[float, str] | None:
        """Return the limit, read as the right side of a comparison: with the checks of units and ranges."""
        before = f"{each.tag} {_SIGNS[str(each.condition)]} "
        if each.apart_from:
            before += f"{each.apart_from} + "

        def complain(at: int, message: str) -> None:
            if at >= len(before):
                self._document.complain_in((*loc, "limit"), at - len(before), message)
            else:
                key = "tag" if at < len(each.tag) else "apart_from"
                self._document.complain((*loc, key if getattr(each, key) else "limit"), message)

        found = condition(before + each.limit, self._tags, complain)
        if found is None:
            return None
        if not isinstance(found, Comparison) or not found.left.tag:
            text = tr("expected a number with its unit, or a tag and a difference, as in `z3.setpoint - 2 K`")
            self._document.complain((*loc, "limit"), text)
            return None
        return found.right.value, found.right.tag

    def _condition(self, text: str, loc: Loc) -> Condition | None:
        return condition(text, self._tags, lambda at, message: self._document.complain_in(loc, at, message))

    def _link(self, name: str, loc: Loc) -> str:
        if self._line is not None and name not in self._line.links:
            text = tr("this line has no link {link}; {nearest}")
            self._document.complain(loc, text.format(link=name, nearest=nearest(name, list(self._line.links))))
        return name

    # what hides what

    def _check_suppression(self) -> None:
        by = {name: each.suppressed_by for name, each in self._file.alarms.items()}
        known = list(self._document.data["alarms"])
        for name, others in by.items():
            for number, other in enumerate(others):
                loc: Loc = ("alarms", name, "suppressed_by", number)
                if other not in known:
                    text = tr("`{name}` is not known here; {nearest}")
                    self._document.complain(loc, text.format(name=other, nearest=nearest(other, known)))
                elif name in _reached(other, by):
                    text = tr("{name} and {other} would suppress each other: then nobody is told of either")
                    self._document.complain(loc, text.format(name=name, other=other))

    def _behind_links(self, made: Mapping[str, Alarm]) -> dict[str, Alarm]:
        """Return the alarms, each suppressed by that of the link behind which its tag is."""
        of_link = {each.link: name for name, each in made.items() if each.condition is AlarmCondition.LINK}
        return {name: self._behind(each, of_link) for name, each in made.items()}

    def _behind(self, alarm: Alarm, of_link: Mapping[str, str]) -> Alarm:
        looked = alarm.tags or ((alarm.tag,) if alarm.tag else ())
        links = dict.fromkeys(link for tag in looked for link in self._links_of(tag))
        return replace(alarm, behind=tuple(of_link[link] for link in links if link in of_link))

    def _links_of(self, name: str) -> Iterator[str]:
        tag = (self._tags or _ANY_LINE).get(name)
        if tag is None:
            return
        if tag.derived is None:
            yield tag.link
            return
        for each in tag.derived.inputs:
            yield from self._links_of(each)

    def _notify(self, file: NotifyFile) -> Notify:
        mqtt, command = file.mqtt, file.command
        if mqtt is not None:
            self._check_broker(mqtt.link, mqtt.topic)
        return Notify(
            None if mqtt is None else Publication(mqtt.link, mqtt.topic, Priority(mqtt.priority)),
            None if command is None else Hook(command.run, command.timeout, command.most, Priority(command.priority)),
        )

    def _check_broker(self, link: str, topic: str) -> None:
        loc: Loc = ("notify", "mqtt")
        if set(topic) & set("#+"):
            self._document.complain((*loc, "topic"), tr("alarms are told to one topic: no # and no +"))
        if self._line is None:
            return
        brokers = [name for name, each in self._line.links.items() if isinstance(each, MqttSettings)]
        if link not in brokers:
            text = tr("`{link}` is no MQTT link of this line; {nearest}")
            self._document.complain((*loc, "link"), text.format(link=link, nearest=nearest(link, brokers)))


def _reached(name: str, by: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return `name`, and all that suppresses it, near or far."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += by.get(each, ())
    return found


def _is_pattern(name: str) -> bool:
    return "*" in name


def _text(each: AlarmFile, word: str) -> str:
    """Return what the alarm looks at, as people read it."""
    texts = {
        "BIT": f"{each.tag} bit {each.bit}",
        "CONTACT": each.tag if each.says else f"not {each.tag}",
        "LINK": each.link,
        "SERVER": each.server,
        "WHEN": each.when,
        "DEV": f"{each.tag} apart from {each.apart_from} by {each.limit}",
        "BAD_PV": f"{each.tag} BAD",
    }
    return texts.get(word) or f"{each.tag} {_SIGNS.get(word, '')} {each.limit}"
