"""`linectl mode`: shown and changed at rest, in the words of both languages, with a question where a lot is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminals import Typist
from tests.cli.test_machine import asked, say, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("modes")
    with serving(folder):
        yield folder


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


def test_a_mode_is_shown_and_changed_in_both_languages(folder: Path) -> None:
    assert say(folder, "mode")[:2] == (0, "production (produce)\n")
    assert asked(folder, "mode")["mode"] == "produce"
    assert asked(folder, "mode", "maintenance", "--dry-run")["outcome"] == "possible"
    assert asked(folder, "mode")["mode"] == "produce"
    code, out, _ = say(folder, "mode", "entretien", "--reason", "new nozzles", LINECTL_LANG="fr")
    assert (code, plain(out)) == (0, "mode : fait, la machine est en maintenance\n")
    assert "mode: maintenance  (linectl mode produce)" in say(folder, "status")[1]
    assert asked(folder, "mode", "Manuel")["mode"] == "manual"
    told = asked(folder, "mode", "produce", "--yes")
    assert (told["outcome"], told["mode"]) == ("confirmed", "produce")


def test_a_mode_that_is_none_is_wrong_use(folder: Path) -> None:
    code, _, err = say(folder, "mode", "turbo")
    assert (code, "there is no mode turbo; there are: produce, maintenance, manual" in err) == (2, True)


def test_a_running_machine_keeps_its_mode_and_a_lot_is_asked_for(folder: Path) -> None:
    asked(folder, "recipe", "select", "reference_80c")
    asked(folder, "lot", "start", "L7", "--grower", "Cave", "--bottle", "clavelin_62cl", "--glue", "permanent")
    code, _, err = say(folder, "mode", "maintenance")
    assert (code, "nobody is at the terminal" in err, "--yes" in err) == (7, True, True)
    for answer, code in (("\n", 7), ("o\n", 0)):
        with Typist(folder, "mode", "maintenance", "--data", str(folder), LINECTL_LANG="fr") as typist:
            typist.until("L7")
            typist.until("[o/N]")
            typist.type(answer)
            assert typist.wait() == code
    asked(folder, "mode", "produce")
    asked(folder, "reset")
    asked(folder, "start")
    code, _, err = say(folder, "mode", "manual", "--yes")
    assert (code, "at rest; the machine is executing" in err, "E-MCH-001" in err) == (6, True, True)
    assert asked(folder, "mode")["mode"] == "produce"


def test_nobody_serves(tmp_path: Path) -> None:
    assert say(tmp_path, "mode")[0] == 4
