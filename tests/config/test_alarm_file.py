from __future__ import annotations

import pytest

from linectl.config.alarm_file import find_alarms
from linectl.config.files import SourceText
from linectl.config.load import load_alarms, load_alarms_text, load_any
from linectl.errors import ConfigError
from linectl.line.alarms.gate import tags_of_alarm
from linectl.model.alarms import AlarmCondition, Alarms, Priority, Trouble
from linectl.words import LANGUAGES

HEAD = "kind: alarms\nline: simulated\nalarms:\n"
TEXTS = "priority: 2, message: So., cause: It broke., action: Mend it."


def read(*alarms: str, tail: str = "") -> Alarms:
    text = HEAD + "".join(f"  a{k}: {{{each}, {TEXTS}}}\n" for k, each in enumerate(alarms)) + tail
    return load_alarms_text(SourceText("a.yaml", text, "0" * 64))


def refused(*alarms: str, tail: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(*alarms, tail=tail)
    return [str(each) for each in caught.value.problems]


def test_an_alarm_is_read_with_all_that_it_says() -> None:
    made = read(
        "tag: bath.temperature, condition: HIHI, limit: 92 °C, deadband: 1, on_delay: 5 s, off_delay: 1 min, "
        "latched: true",
        "tag: bath.temperature, condition: DEV, apart_from: bath.controller_temperature, limit: 5 K, suppressed_by: a0",
        "tag: bath.temperature, condition: LO, limit: bath.controller_temperature - 2 K",
        "tag: bath.alarm_word, bit: 14, held: true",
        "tag: bath.lid_closed, says: false, suppressed_when: bath.state == 2",
        "link: sensors",
        "server: record_lost",
        "when: bath.heater_on and bath.level < 30 %",
        "tag: label.*, condition: BAD_PV",
        tail="shelve_most: 2 h\nnotify:\n  mqtt: {link: sensors, topic: a/b, priority: 1}\n"
        "  command: {run: [page, --all], timeout: 5 s, most: 2}\n",
    )
    hot, dev, low, bit, lid, link, record, when, labels = made.alarms.values()
    assert (hot.limit, hot.deadband, hot.on_delay_s, hot.off_delay_s, hot.latched) == ((92.0, ""), 1.0, 5.0, 60.0, True)
    assert (hot.text, hot.place) == ("bath.temperature > 92 °C", ("a.yaml", 4, 3))
    assert (dev.limit, dev.suppressed_by) == ((5.0, "bath.controller_temperature"), ("a0",))
    assert low.limit == (-2.0, "bath.controller_temperature")
    assert (bit.condition, bit.bit, bit.held) == (AlarmCondition.BIT, 14, True)
    assert (lid.condition, lid.says, lid.text) == (AlarmCondition.CONTACT, False, "not bath.lid_closed")
    assert tags_of_alarm(lid) == ("bath.lid_closed", "bath.state")
    assert (link.condition, link.link, link.priority) == (AlarmCondition.LINK, "sensors", Priority.MEDIUM)
    assert (record.condition, record.trouble) == (AlarmCondition.SERVER, Trouble.RECORD_LOST)
    assert tags_of_alarm(record) == ()
    assert tags_of_alarm(when) == ("bath.heater_on", "bath.level")
    assert len(labels.tags) == 24
    assert labels.behind == ("a5",)  # the link of its tags, without being told
    assert made.shelve_most_s == 7200.0
    assert made.notify.mqtt is not None
    assert (made.notify.mqtt.topic, made.notify.mqtt.priority) == ("a/b", Priority.HIGH)
    assert made.notify.command is not None
    assert (made.notify.command.command, made.notify.command.timeout_s) == (("page", "--all"), 5.0)


def test_a_derived_tag_is_behind_the_links_of_its_inputs() -> None:
    made = read("link: ec", "link: rtd", "link: plc", "tag: bath.naoh, condition: HI, limit: 3 %")
    assert made.alarms["a3"].behind == ("a0", "a1")


@pytest.mark.parametrize(
    ("alarm", "says"),
    [
        (
            "tag: bath.temperture, condition: HI, limit: 80 °C",
            "a.yaml:4:8: alarms.a0.tag: this line has no tag bath.temp",
        ),
        ("tag: bath.temperature, condition: HI, limit: 80", "bath.temperature is in °C: write `80 °C`"),
        ("tag: bath.temperature, condition: HI, limit: 130 °C", "outside the range of bath.temperature"),
        ("tag: bath.temperature, condition: HI, limit: warm", "expected a tag or a number, not `warm`"),
        ("tag: bath.temperature, condition: HI", "HI needs `limit`"),
        ("condition: HI, limit: 80 °C", "HI needs `tag`"),
        ("tag: bath.temperature, condition: HOT, limit: 80 °C", "`HOT` is not known here"),
        ("tag: bath.temperature, condition: DEV, limit: 5 K", "DEV needs `apart_from`"),
        ("tag: bath.temperature, condition: BAD_PV, limit: 5 K", "BAD_PV takes no `limit`"),
        ("tag: bath.temperature, condition: BAD_PV, deadband: 5", "BAD_PV takes no `deadband`"),
        ("tag: bath.lid_closed, says: false, held: true", "CONTACT takes no `held`"),
        ("tag: bath.temperature, bit: 3", "bath.temperature has no bits"),
        ("tag: bath.level, says: true", "bath.level is no contact"),
        ("tag: bath.alarm_word, bit: 40", "expected"),
        ("tag: bath.setpoint, condition: HI, limit: 80 °C", "bath.setpoint is not scanned"),
        ("tag: lable.*, condition: BAD_PV", "no scanned tag of this line is called lable.*"),
        ("link: plcc", "this line has no link plcc; did you mean `plc`?"),
        ("when: bath.level", "bath.level is a number"),
        ("priority: 2", "given twice"),
        ("tag: bath.lid_closed", "what does it look at? expected one of condition, bit, says, link, server, when"),
        ("server: record", "record_lost"),
        ("server: record_lost, tag: bath.level", "SERVER takes no `tag`"),
        ("link: plc, when: bath.lid_closed", "an alarm looks at one thing"),
        ("link: plc, suppressed_by: b", "`b` is not known here"),
        ("link: plc, suppressed_by: a0", "a0 and a0 would suppress each other"),
        ("link: plc, on_delay: soon", "expected a time such as 90"),
        ("link: plc, suppressed_when: bath.temperature = 3", "write `==`"),
    ],
)
def test_mistakes_are_told_with_their_place(alarm: str, says: str) -> None:
    found = refused(alarm)
    assert any(says in each for each in found), found
    assert all(each.startswith("a.yaml:4:") for each in found)


def test_the_place_of_a_mistake_in_a_limit_is_that_of_the_word() -> None:
    (found,) = refused("tag: bath.temperature, condition: HI, limit: 80 K")
    column = len("  a0: {tag: bath.temperature, condition: HI, limit: ") + 1
    assert found.startswith(f"a.yaml:4:{column}: alarms.a0.limit: ")


def test_a_circle_of_suppressions_is_refused() -> None:
    found = refused("link: plc, suppressed_by: a1", "link: ec, suppressed_by: a2", "link: rtd, suppressed_by: a0")
    assert sum("would suppress each other" in each for each in found) == 3


@pytest.mark.parametrize(
    ("tail", "says"),
    [
        ("notify: {mqtt: {link: plc, topic: a}}\n", "`plc` is no MQTT link of this line; expected one of sensors"),
        ("notify: {mqtt: {link: sensors, topic: a/#}}\n", "no # and no +"),
        ("notify: {command: {run: []}}\n", "at least 1"),
        ("notify: {command: {run: page}}\n", "expected a list"),
        ("shelve_most: 30 s\n", "at least 60"),
    ],
)
def test_who_is_told_is_checked(tail: str, says: str) -> None:
    found = refused("link: plc", tail=tail)
    assert any(says in each for each in found), found


def test_of_an_unknown_line_the_rest_is_still_told() -> None:
    text = "kind: alarms\nline: nowhere\nalarms:\n  a: {link: plc, suppressed_by: b, " + TEXTS + "}\n"
    with pytest.raises(ConfigError) as caught:
        load_alarms_text(SourceText("a.yaml", text, "0" * 64))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("name", ["bath", "washer"])
def test_the_shipped_files_are_sound_and_say_everything_in_both_languages(name: str) -> None:
    made = load_alarms(find_alarms(name))
    assert isinstance(load_any(find_alarms(name)), Alarms)
    for alarm in made.alarms.values():
        for texts in (alarm.message, alarm.cause, alarm.action):
            assert set(texts) == set(LANGUAGES)
            assert texts["en"] != texts["fr"], alarm.name
    told = [each.priority for each in made.alarms.values() if each.priority is not Priority.DIAGNOSTIC]
    assert told.count(Priority.HIGH) / len(told) <= 0.25  # what is all urgent is not


def test_each_bit_of_the_washers_words_has_its_alarm() -> None:
    made = load_alarms(find_alarms("washer"))
    bits = {(each.tag, each.bit) for each in made.alarms.values() if each.condition is AlarmCondition.BIT}
    wanted = {("washer.alarm_word", bit) for bit in range(16)} | {("washer.alarm_word_2", bit) for bit in range(14)}
    assert bits == wanted
