"""What keys on the sheet mean, without a screen."""

from __future__ import annotations

import random

import pytest

from linectl.tui.marks import Mark, Marks

BOTTLES = {position: f"T01-P{position:02d}" for position in range(1, 21)}


def marks(*due: int) -> Marks:
    found = Marks(bottles=BOTTLES)
    found.open(due or tuple(BOTTLES))
    return found


def press(sheet: Marks, keys: str) -> list[tuple[int, bool | None]]:
    looks: list[tuple[int, bool | None]] = []
    for key in keys:
        looks += sheet.key("enter" if key == "\n" else key).looks
    return looks


def test_one_key_a_position_walks_through_the_bath() -> None:
    sheet = marks(3, 7, 12)
    assert press(sheet, "+-+") == [(3, True), (7, False), (12, True)]
    assert sheet.left == ()
    assert sheet.cursor is None


@pytest.mark.parametrize("keys", ["12-", "12\n", "T01-P12\n", "t01-p12\n"])
def test_a_number_or_a_bar_code_names_its_position(keys: str) -> None:
    assert press(marks(3, 7, 12), keys) == [(12, False)]


def test_after_a_number_the_cursor_goes_on_from_there() -> None:
    sheet = marks(3, 7, 12)
    press(sheet, "7+")
    assert sheet.cursor == 12
    press(sheet, "+")
    assert sheet.cursor == 3


def test_what_a_scan_means_can_be_changed() -> None:
    sheet = marks(3, 7)
    assert press(sheet, ".T01-P07\n") == [(7, True)]


def test_all_the_others_are_said_to_be_on_by_one_key_and_only_then() -> None:
    sheet = marks(1, 2, 3, 4)
    assert press(sheet, "2-") == [(2, False)]
    assert sheet.left == (1, 3, 4)
    assert press(sheet, "*") == [(1, True), (3, True), (4, True)]


def test_a_look_is_taken_back_and_made_again() -> None:
    sheet = marks(3, 7)
    assert press(sheet, "-/") == [(3, False), (3, None)]
    assert sheet.mark(3) is Mark.DUE
    assert press(sheet, "+") == [(3, True)]
    assert press(sheet, "3-") == [(3, False)]  # a second look replaces the first


@pytest.mark.parametrize(
    ("keys", "why"), [("23-", "unknown"), ("T99-P01\n", "unknown"), ("5-", "not_due"), ("/", "nothing_to_undo")]
)
def test_what_cannot_be_taken_is_refused_with_its_reason(keys: str, why: str) -> None:
    sheet = marks(3, 7)
    results = [sheet.key("enter" if key == "\n" else key) for key in keys]
    assert results[-1].refused == why
    assert sheet.left == (3, 7)


def test_labels_seen_off_stay_off_after_the_check() -> None:
    sheet = marks(3, 7)
    press(sheet, "-+")
    sheet.close()
    assert (sheet.mark(3), sheet.mark(7), sheet.mark(22)) == (Mark.OFF, Mark.WAITING, Mark.EMPTY)
    assert sheet.key("+").refused == "no_check"


def test_any_keys_in_any_order_keep_the_state_whole() -> None:
    draw = random.Random(4)
    keys = [*"+-*/.0123456789TP", "enter", "backspace", "escape", "up", "down", "x", "f5", " "]
    for _ in range(300):
        sheet = marks(*draw.sample(sorted(BOTTLES), 8))
        for _ in range(60):
            sheet.key(draw.choice(keys))
            assert set(sheet.seen) <= set(sheet.due)
            assert set(sheet.history) == set(sheet.seen)
            assert sheet.cursor is None or sheet.cursor in sheet.due
