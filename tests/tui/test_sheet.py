"""The observation sheet on a screen of its own: keys in, looks on the desk out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from linectl import words
from linectl.clock import Clock
from linectl.lab.desk import PromptDesk
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.tui.sheet import ObservationSheet

PLACES = tuple(range(1, 25))


def check(number: int, *places: int, timeout_s: float | None = None) -> Prompt:
    return Prompt(f"check-{number}", PromptKind.POSITIONS, "?", "check", {"positions": places}, timeout_s=timeout_s)


async def asked(desk: PromptDesk, prompt: Prompt) -> asyncio.Task[Answer]:
    task = asyncio.create_task(desk.ask(prompt))
    await asyncio.sleep(0.05)
    return task


async def test_a_check_is_answered_label_by_label() -> None:
    desk = PromptDesk(Clock())
    sheet = ObservationSheet(desk, PLACES, who="op1")
    async with sheet.run_test(size=(100, 34)) as pilot:
        task = await asked(desk, check(1, 3, 7, 12))
        await pilot.press("plus", "minus")
        await pilot.press("minus", "slash", "plus")  # the last one first wrong, taken back
        assert not task.done()
        await pilot.press("enter")
        answer = await asyncio.wait_for(task, 5)
    assert answer.value == (3, 12)
    assert answer.looks is not None
    assert {place: look.attached for place, look in answer.looks.items()} == {3: True, 7: False, 12: True}
    assert [(place, attached) for place, attached, _ in answer.corrections] == [(12, False)]
    times = [look.at_ns for _, look in sorted(answer.looks.items())]
    assert times == sorted(set(times))
    assert (answer.who, answer.face) == ("op1", "sheet")


async def test_what_nobody_looked_at_stays_not_checked() -> None:
    desk = PromptDesk(Clock())
    sheet = ObservationSheet(desk, PLACES, who="op1")
    async with sheet.run_test(size=(100, 34)) as pilot:
        task = await asked(desk, check(1, 3, 7, 12, timeout_s=0.6))
        await pilot.press("plus")
        answer = await asyncio.wait_for(task, 5)
    assert answer.looks is not None
    assert set(answer.looks) == {3}


async def test_bar_codes_name_the_bottles_that_were_loaded() -> None:
    desk = PromptDesk(Clock())
    sheet = ObservationSheet(desk, PLACES, who="op1")
    async with sheet.run_test(size=(100, 34)) as pilot:
        for place in (3, 7):
            load = Prompt(f"T01-P0{place}", PromptKind.CONFIRM, "in?", "load_bottle",
                          {"position": place, "bottle": f"T01-P0{place}", "glue": "K1"})  # fmt: skip
            task = await asked(desk, load)
            await pilot.press("enter")
            assert (await asyncio.wait_for(task, 5)).value is True
        task = await asked(desk, check(1, 3, 7))
        await pilot.press(*"T01", "minus", *"P07", "enter", "plus", "enter")
        answer = await asyncio.wait_for(task, 5)
    assert answer.value == (3,)


async def test_other_questions_stand_in_the_same_place() -> None:
    desk = PromptDesk(Clock())
    said: list[str] = []

    sheet = ObservationSheet(desk, PLACES, who="op1", command=said.append)
    async with sheet.run_test(size=(100, 34)) as pilot:
        number = Prompt("gsm", PromptKind.NUMBER, "glue, g/m2?", "covariate", low=5, high=40)
        task = await asked(desk, number)
        await pilot.press(*"99", "enter")
        assert not task.done()
        await pilot.press(*"22,5", "enter")
        assert (await asyncio.wait_for(task, 5)).value == 22.5
        await pilot.press(":", *"note", "space", *"bubble", "enter")
    assert said == ["note bubble"]


async def test_a_face_that_was_first_closes_the_question_here(tmp_path: Path) -> None:
    desk = PromptDesk(Clock())
    sheet = ObservationSheet(desk, PLACES, who="op1")
    async with sheet.run_test(size=(100, 34)) as pilot:
        task = await asked(desk, check(1, 3, 7))
        await pilot.press("plus")
        desk.answer("check-1", (3, 7), who="op2", face="web")
        assert (await asyncio.wait_for(task, 5)).who == "op2"
        await pilot.press("plus")
        await pilot.pause()
        assert desk.open == ()


async def test_the_screen_shows_every_position_in_french(tmp_path: Path) -> None:
    words.use("fr")
    try:
        desk = PromptDesk(Clock())
        sheet = ObservationSheet(desk, PLACES, who="op1")
        async with sheet.run_test(size=(100, 34)) as pilot:
            task = await asked(desk, check(1, *PLACES[:20]))
            await pilot.press("plus", "minus", "plus")
            await pilot.pause()
            picture = sheet.export_screenshot()
            task.cancel()
    finally:
        words.use("en")
    assert all(f">{place}<" in picture.replace("&#160;", "") for place in PLACES)
