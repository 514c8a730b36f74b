from __future__ import annotations

from pathlib import Path

import pytest

from linectl.config.conditions import condition
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.interlock_file import find_interlocks
from linectl.config.load import load_any, load_interlocks, load_interlocks_text, load_line
from linectl.errors import ConfigError
from linectl.line.interlock_cases import prove
from linectl.model.conditions import AllOf, AnyOf, Comparison, Negation, Operand, Says
from linectl.model.interlocks import Interlocks, TripPolicy, Untrusted

HEAD = "kind: interlocks\nline: simulated\n"
TRIP = "interlocks:\n  hot: {when: bath.temperature > 88 °C, action: safe, message: Too hot.}\n"
TAGS = load_line(find_file("simulated")).tags


def read(text: str) -> Interlocks:
    return load_interlocks_text(SourceText("i.yaml", text, "0" * 64))


def refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [str(each) for each in caught.value.problems]


def complaints(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    condition(text, TAGS, lambda at, message: found.append((at, message)))
    return found


def test_a_file_is_read_with_its_places_and_the_age_at_which_readings_are_too_old() -> None:
    made = read(
        HEAD + "interlocks:\n"
        "  hot: {when: bath.temperature > 88 °C, action: safe, delay_s: 5, message: {en: Too hot., fr: Trop chaud.}}\n"
        "  lid: {when: not bath.lid_closed, action: ignore, latched: false, reason: usual, message: Open.}\n"
        "permissives:\n  heat: {needs: bath.level >= 70 %, allows: [start, bath.heater_enable], message: No.}\n"
        "normal: {bath.temperature: 80, bath.lid_closed: true, bath.level: 90}\n"
        "cases:\n  - name: one\n    steps:\n"
        "      - {at: 1 min, given: {bath.temperature: stale}, reset: true, trips: hot, action: none}\n"
    )
    hot, lid = made.interlocks.values()
    assert (hot.action, hot.delay_s, hot.latched, hot.place) == (TripPolicy.SAFE, 5.0, True, ("i.yaml", 4, 3))
    assert hot.message == {"en": "Too hot.", "fr": "Trop chaud."}
    assert (lid.action, lid.latched, lid.reason) == (TripPolicy.IGNORE, False, "usual")
    assert lid.message == {"en": "Open.", "fr": "Open."}
    assert made.permissives["heat"].allows == ("start", "bath.heater_enable")
    assert made.stale_s == {"bath.temperature": 3.0, "bath.lid_closed": 15.0, "bath.level": 3.0}
    (case,) = made.cases
    (step,) = case.steps
    assert (step.at_s, step.given, step.reset) == (60.0, {"bath.temperature": Untrusted.STALE}, True)
    assert (step.expected.trips, step.expected.lost, step.expected.action) == (frozenset({"hot"}), None, "none")
    assert (case.place, step.place) == (("i.yaml", 10, 5), ("i.yaml", 12, 9))


def test_not_binds_before_and_and_before_or() -> None:
    found = condition("not a.b or c.d and (e.f or 2 K < g.h - 1.5 K)", None, lambda *_: None)
    inner = AnyOf((Says("e.f"), Comparison(Operand(2.0), "<", Operand(-1.5, "g.h"))))
    assert found == AnyOf((Negation(Says("a.b")), AllOf((Says("c.d"), inner))))


@pytest.mark.parametrize(
    "text",
    [
        "bath.temperature > 88 °C",
        "88.5 °C<bath.temperature",
        "bath.temperature > bath.controller_temperature + 3 K",
        "not (bath.level_ok and bath.level >= 30 %)",
        "bath.state == 6",
        "bath.temperature > -5 °C",
    ],
)
def test_sound_conditions(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("bath.temprature > 88 °C", 0, "did you mean `bath.temperature`"),
        ("bath.temperature > 88", 19, "bath.temperature is in °C: write `88 °C`"),
        ("bath.temperature > 88 K", 19, "write `88 °C`"),
        ("bath.temperature > 880 °C", 19, "outside the range of bath.temperature, -20 to 120"),
        ("bath.temperature > bath.level", 0, "they cannot be compared"),
        (
            "bath.temperature > bath.controller_temperature + 3 °C",
            49,
            "a difference of bath.controller_temperature is in K",
        ),
        ("bath.temperature > bath.controller_temperature + 3", 49, "write `3 K`"),
        ("bath.temperature > 62,5 °C", 19, "62.5"),
        ("bath.temperature = 80 °C", 17, "write `==`"),
        ("bath.temperature == 80 °C", 17, "measured"),
        ("bath.temperature", 0, "compare it"),
        ("bath.level_ok > 0", 0, "write `bath.level_ok` or `not bath.level_ok`"),
        ("bath.setpoint > 80 °C", 0, "not scanned"),
        ("bath.state > 6 h", 13, "bath.state is in no unit: write `6`"),
        ("1 % < 2 %", 0, "name a tag"),
        ("bath.state > " + "9" * 400, 28, "expected `and`, `or` or the end"),
        ("60 °C < bath.temperature < 80 °C", 25, "a < b and b < c"),
        ("bath.level_ok && bath.overtemp_ok", 14, "write `and`"),
        ("bath.level_ok AND bath.overtemp_ok", 14, "write `and`"),
        ("!bath.level_ok", 0, "write `not`"),
        ("(bath.level_ok", 14, "expected `)`, not the end"),
        ("bath.level_ok or", 16, "expected a tag or a number, not the end"),
        ("__import__('os').system('x')", 0, "expected a tag or a number"),
        ("bath.level_ok if bath.overtemp_ok else 1", 14, "expected `and`, `or` or the end"),
        ("not " * 30 + "bath.level_ok", 80, "nested too deeply"),
        ("bath.level_ok and " * 90 + "bath.level_ok", 0, "1000 characters"),
    ],
)
def test_a_wrong_condition_is_told_where_it_is_wrong(text: str, at: int, said: str) -> None:
    ((place, message), *_) = complaints(text)
    assert place == at
    assert said in message


def test_every_mistake_of_a_condition_is_told_at_once() -> None:
    assert [at for at, _ in complaints("bath.temprature > 88 °C and bath.level < 30")] == [0, 41]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (TRIP.replace("88 °C", "88"), "4:34: interlocks.hot.when", "write `88 °C`"),
        (TRIP.replace("bath.temperature > 88 °C", '"bath.temperature > 88"'), "4:35: interlocks.hot.when", "88 °C"),
        (TRIP.replace("safe", "stop"), "4:41: interlocks.hot.action", "expected one of"),
        (TRIP.replace("safe", "ignore"), "4:41: interlocks.hot.action", "needs its `reason`"),
        (TRIP.replace("safe", "safe, reason: so"), "4:55: interlocks.hot.reason", "only an ignored"),
        (TRIP.replace("safe", "safe, delay_s: -1"), "4:55: interlocks.hot.delay_s", "at least 0"),
        (TRIP.replace(", message: Too hot.", ""), "4:3: interlocks.hot.message", "missing"),
        ("", "1:1:", "neither an interlock nor a permissive"),
        (
            "permissives:\n  a: {needs: bath.level_ok, allows: stat, message: No.}\n",
            "4:29: permissives.a.allows[0]",
            "did you mean `start`",
        ),
        (
            "permissives:\n  a: {needs: bath.level_ok, allows: [bath.level], message: No.}\n",
            "4:38: permissives.a.allows[0]",
            "neither a command nor a tag that can be written",
        ),
        (TRIP + "normal: {bath.level: 90}\n", "5:10: normal.bath.level", "no interlock or permissive here names"),
        (
            TRIP + "normal: {bath.temperature: cold}\n",
            "5:10: normal.bath.temperature",
            "bad, uncertain, stale, missing",
        ),
        (TRIP + "normal: {bath.temperature: true}\n", "5:10: normal.bath.temperature", "a number in °C"),
        (TRIP + "normal: {bath.temperature: 300}\n", "5:10: normal.bath.temperature", "such a reading is `bad`"),
        (
            TRIP + "cases:\n  - {name: a, steps: [{at: 0, trips: [hot, hott]}]}\n",
            "6:44: cases[0].steps[0].trips[1]",
            "did you mean `hot`",
        ),
        (TRIP + "cases:\n  - {name: a, steps: [{at: 0}]}\n", "6:5: cases[0]", "expects nothing"),
        (
            TRIP + "cases:\n  - {name: a, steps: [{at: 2, trips: hot}, {at: 2, trips: hot}]}\n",
            "6:45: cases[0].steps[1].at",
            "each step comes later",
        ),
        (TRIP + "cases:\n  - {name: a, steps: [{at: soon, trips: hot}]}\n", "6:24: cases[0].steps[0].at", "45 min"),
        (TRIP.replace("hot:", "hot.er:"), "4:3: interlocks.hot.er", "expected"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, place: str, said: str) -> None:
    (problem,) = refused(HEAD + text)
    assert problem.startswith(f"i.yaml:{place}")
    assert said in problem


def test_what_a_wrong_entry_is_called_is_no_second_mistake() -> None:
    text = HEAD + TRIP.replace("safe", "stop") + "normal: {bath.temperature: 80}\ncases:\n"
    assert len(refused(text + "  - {name: a, steps: [{at: 0, trips: hot}]}\n")) == 1


def test_a_line_that_is_not_there_is_told_once() -> None:
    (problem,) = refused(HEAD.replace("simulated", "elsewhere") + TRIP)
    assert problem.startswith("i.yaml:2:1: line: elsewhere: no such file")


def test_a_file_of_another_kind_is_told() -> None:
    (problem,) = refused("kind: line\n")
    assert "expected one of interlocks" in problem or "did you mean" in problem


def test_the_line_is_looked_for_in_the_folder_above(tmp_path: Path) -> None:
    line = find_file("simulated").read_text(encoding="utf-8").replace("bath.level_ok:", "bath.level_good:")
    (tmp_path / "mine.yaml").write_text(line.replace("calibration: ", "# "), encoding="utf-8")
    folder = tmp_path / "interlocks"
    folder.mkdir()
    file = folder / "bath.yaml"
    file.write_text(
        "kind: interlocks\nline: mine\ninterlocks:\n  dry: {when: not bath.level_good, action: safe, message: Dry.}\n",
        encoding="utf-8",
    )
    assert set(load_interlocks(file).interlocks) == {"dry"}


def test_any_kind_can_be_checked() -> None:
    loaded = load_any(find_interlocks("bath"))
    assert isinstance(loaded, Interlocks)
    assert loaded.file_hash == read_source(find_interlocks("bath")).sha256


def test_what_no_case_shows_is_told() -> None:
    permissive = "permissives:\n  heat: {needs: bath.level >= 70 %, allows: start, message: No.}\n"
    normal = "normal: {bath.temperature: 80, bath.level: 90}\n"
    case = "cases:\n  - {name: a, steps: ["
    made = read(HEAD + TRIP + permissive + normal)
    assert [(gap.name, gap.what) for gap in prove(made).gaps] == [
        ("hot", "trips"),
        ("hot", "untripped"),
        ("heat", "holds"),
        ("heat", "lost"),
    ]
    blind = read(HEAD + TRIP + permissive + normal + case + "{at: 0, given: {bath.temperature: bad}, trips: hot}]}\n")
    assert ("hot", "trips") in [(gap.name, gap.what) for gap in prove(blind).gaps]  # its limit was never tried
    unasked = read(
        HEAD + TRIP + permissive + normal + case + "{at: 0, given: {bath.temperature: 90}}, {at: 1, lost: []}]}\n"
    )
    assert [(gap.name, gap.what) for gap in prove(unasked).gaps] == [
        ("hot", "trips"),
        ("hot", "untripped"),
        ("heat", "lost"),
    ]
