"""The picture of a simulated plant: what stands on the screen, at both sizes, in both languages."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from linectl import words
from linectl.errors import Unreachable
from linectl.server.simulation.twin_view import BottleView, FaultView, Quantity, TwinView, ZoneView, as_data, view_of
from linectl.sim.bath import registers as bath_registers
from linectl.sim.washer import interlocks
from linectl.sim.washer.alarms import Alarm, Device
from linectl.sim.washer.plc import WasherPlc
from linectl.tui.styled import Line, Mood, plain
from linectl.tui.twin_drawing import draw
from linectl.tui.twin_picture import TwinPicture
from linectl.tui.twin_words import alarm_words, fault_words, refusal_words
from linectl.tui.twin_words import words as machine_words

KINDS = ("prerinse", "presoak", "caustic", "caustic", "jets", "rinse", "rinse", "final")
TRUE_C = (32.4, 45.1, 62.0, 79.8, 60.2, 50.0, 38.1, 14.0)
SIZES = [(80, 24), (120, 40)]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    words.use("en")
    yield
    words.use("en")


def zone(number: int, *, told_c: float | None) -> ZoneView:
    hot = number in {2, 3, 4}
    quantities = [
        Quantity("temperature", "°C", TRUE_C[number], told_c, True, TRUE_C[number] + 0.2 if hot else None, 1.0),
        Quantity("level", "%", 90.0, 90.0, 1 <= number <= 3, tolerance=3.0),
    ]
    if number in {2, 3}:
        quantities.append(Quantity("naoh", "%", 1.52, 1.48, True, 1.5, 0.15, 2))
    return ZoneView(f"z{number}", KINDS[number], 90.0, tuple(quantities), 20 * number, 200)


def washer(**changes: object) -> TwinView:
    view = TwinView(
        line="simulated_washer",
        plant="washer",
        seed=7,
        speed=10.0,
        process_s=4512.0,
        plc_state="EXECUTE",
        owner=1,
        alarms=(),
        warnings=(),
        zones=tuple(zone(k, told_c=TRUE_C[k]) for k in range(8)),
        counts={"bottles_in": 1234, "bottles_out": 1180, "rejected": 12, "broken": 0, "in_queue": 766},
    )
    return replace(view, **changes)  # type: ignore[arg-type]  # fields of the view


def broken() -> TwinView:
    lying = tuple(zone(k, told_c=71.2 if k == 3 else None if k == 5 else TRUE_C[k]) for k in range(8))
    faults = (
        FaultView(1, "sensor_offset", "z3.temperature", "standing", 4400.0, None, "by=-8.6"),
        FaultView(2, "chain_jam", "", "ended", 300.0, 360.0),
    )
    return washer(zones=lying, faults=faults, alarms=("z3_cold",), warnings=("naoh_low",), late_s=2.5, held=False)


def bath() -> TwinView:
    tank = ZoneView(
        "bath",
        "bath",
        100.0,
        (
            Quantity("temperature", "°C", 60.0, 52.0, True, 60.0, 1.0),
            Quantity("controller", "°C", 60.0, 60.1, True, None, 1.0),
            Quantity("naoh", "%", 1.5, digits=2),
        ),
        2,
        24,
    )
    bottles = (BottleView(1, "casein", True), BottleView(7, "psa", False))
    return washer(plant="bath", zones=(tank,), bottles=bottles, counts={"bottles": 2, "labels_off": 1})


def moods(lines: list[Line]) -> dict[Mood, str]:
    found: dict[Mood, str] = {}
    for line in lines:
        for text, mood in line:
            found[mood] = found.get(mood, "") + text
    return found


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("view", [washer(), broken(), bath()])
def test_the_picture_fits_its_screen(view: TwinView, width: int, height: int) -> None:
    lines = draw(view, width, height)
    assert len(lines) <= height
    assert all(sum(len(text) for text, _ in line) <= width for line in lines)


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_zone_stands_there_whole(lang: str, width: int, height: int) -> None:
    words.use(lang)
    text = plain(draw(washer(), width, height))
    for number, true_c in enumerate(TRUE_C):
        assert f"Z{number}" in text
        figure = f"{true_c:.1f} °C"
        assert (figure.replace(".", ",") if lang == "fr" else figure) in text
        told = f"={true_c:.1f}"
        assert (told.replace(".", ",") if lang == "fr" else told) in text
    assert "1234" in text
    assert "1180" in text


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_many_alarms_are_told_or_counted_and_full_tanks_keep_their_unit(lang: str) -> None:
    words.use(lang)
    full = tuple(replace(each, quantities=(Quantity("level", "%", 100.4),)) for each in washer().zones)
    names = tuple(f"{'long' * 5}_{k}" for k in range(10, 40))
    ended = tuple(FaultView(k, "chain_jam", "", "ended", 1.0, 7384.0, "cleared") for k in (9, 8, 7))
    view = washer(zones=full, alarms=names, faults=ended)
    paper, screen = plain(draw(view, 80, 200)), draw(view, 80, 24)
    assert all(name.replace("_", " ") in paper for name in names)
    assert sum(name.replace("_", " ") in plain(screen) for name in names) + int(plain(screen).split("+")[1][:2]) == 30
    assert max(sum(len(text) for text, _ in line) for line in screen) <= 80
    assert plain(screen).count("100 %") + plain(screen).count("100%") == 8
    assert paper.index("9 chain_jam") < paper.index("7 chain_jam")  # the last one first, as they come
    assert "2:03:04" in paper


def test_a_sound_plant_is_grey() -> None:
    assert set(moods(draw(washer(), 80, 24))) <= {Mood.NORMAL, Mood.QUIET, Mood.STRONG, Mood.LIQUID}


def test_what_is_abnormal_has_a_colour_a_shape_and_words() -> None:
    found = moods(draw(broken(), 80, 24))
    assert "▲ Z3 too cold" in found[Mood.ALARM]
    assert "◆ NaOH low" in found[Mood.WARNING]
    assert "2.5 s late" in found[Mood.WARNING]
    assert "● 1 sensor_offset z3.temperature" in found[Mood.FAULT]
    assert "≠71.2" in found[Mood.LIE]
    assert "≠?" in found[Mood.LIE]  # a broken sensor tells nothing
    assert "chain_jam" not in found[Mood.FAULT]


def test_lag_and_noise_are_no_lie() -> None:
    sound = Quantity("t", "°C", 60.0, 60.9, True, tolerance=1.0)
    off = replace(sound, told=61.1)
    assert (sound.differs, off.differs, Quantity("t", "°C", 60.0).differs) == (False, True, False)


def test_the_chain_moves_with_the_carriers() -> None:
    rows = [plain(draw(washer(carriers=float(k)), 80, 24)).splitlines()[2] for k in range(3)]
    assert "▮" in rows[0]
    assert rows[0] != rows[1]
    assert [row[1:60] for row in rows[:2]] == [row[2:61] for row in rows[1:]]  # each mark one place on


def test_a_bath_shows_its_labels() -> None:
    text = plain(draw(bath(), 80, 24))
    assert "  1 ▮" in text
    assert "  7 ▯" in text
    assert " 24 ·" in text
    assert "≠ 52.0 °C" in text


def test_a_view_goes_over_the_socket_and_back() -> None:
    for view in (washer(), broken(), bath()):
        assert view_of(json.loads(json.dumps(as_data(view)))) == view


@pytest.mark.parametrize("size", SIZES)
async def test_the_screen_shows_it_live_and_q_leaves(size: tuple[int, int]) -> None:
    now = [0.0]

    def look() -> TwinView:
        now[0] += 1.0
        return replace(broken(), process_s=now[0])

    picture = TwinPicture(look)
    async with picture.run_test(size=size) as pilot:
        await pilot.pause()
        shown = picture.export_screenshot().replace("&#160;", " ")
        for _ in range(100):
            if picture.drawn > 3:
                break
            await asyncio.sleep(0.1)
        drawn = picture.drawn
        assert drawn > 3
        await pilot.press("p")
        held = picture.drawn
        await asyncio.sleep(0.8)
        assert picture.drawn <= held + 1
        await pilot.press("q")
    assert "simulated_washer" in shown
    assert "sensor_offset" in shown
    assert picture.return_code == 0


async def test_a_simulator_that_went_away_is_said_and_nothing_else_ends() -> None:
    def look() -> TwinView:
        raise Unreachable("the simulated line is gone")

    picture = TwinPicture(look)
    async with picture.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "the simulated line has ended; q closes the picture" in picture.export_screenshot().replace(
            "&#160;", " "
        )


REFUSALS = (
    *(
        "state",
        "feed_enable",
        "chain.setpoint",
        "alarm",
        "sensor",
        "z3.temperature",
        "z2.naoh",
        "z3.naoh",
        "fresh.flow",
    ),
    *("extraction.speed", "infeed.temperature", "zone_step"),
)
ENDS = ("cleared", "over", "counted", "stopped")
ALARMS = (*Alarm, *Device, *bath_registers.Alarm)


def test_no_machine_word_is_left_on_the_french_screen() -> None:
    source = inspect.getsource(interlocks.feed_refused) + inspect.getsource(WasherPlc._refusal)  # whose words they are
    assert all(f'"{each}"' in source for each in REFUSALS)
    assert set(re.findall(r'(?:return |\()"([a-z0-9_.]+)"', source)) == set(REFUSALS)
    words.use("fr")
    names = [str(each.name).lower() for each in ALARMS]
    told = [*map(alarm_words, names), *map(refusal_words, REFUSALS)]
    told += [fault_words("ended", "sensor_stuck", {}, each) for each in ENDS]
    told += map(machine_words, {*KINDS} - {"jets", "final"})  # the same in both languages
    for each, french in zip((*names, *REFUSALS, *ENDS), told, strict=False):
        assert french not in {each, each.replace("_", " ")}, each
    assert not set(told) & {each.replace("_", " ") for each in (*names, *REFUSALS, *ENDS, *KINDS)}


def test_an_alarm_says_what_is_wrong_and_not_only_where() -> None:
    assert [alarm_words(each) for each in ("level", "screen", "torque")] == [
        "level low",
        "screen clogged",
        "torque high",
    ]
    assert [machine_words(each) for each in ("level", "screen", "torque")] == ["level", "screen", "torque"]
    assert alarm_words("of_tomorrow") == "of tomorrow"


def test_the_figures_of_a_fault_keep_their_names() -> None:
    assert fault_words("standing", "sensor_drift", {"per_h": 0.5}, "per_h=0.5") == "per_h=0.5"
    assert fault_words("waiting", "wrong_glue_lot", {"glue": 4.0}, "glue=4") == "glue=psa"
    assert fault_words("ended", "wrong_glue_lot", {}, "over") == "its time is over"
    words.use("fr")
    assert fault_words("standing", "sensor_drift", {"per_h": 0.5}, "per_h=0.5") == "per_h=0,5"
