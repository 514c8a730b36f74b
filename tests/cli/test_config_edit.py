"""`linectl config edit` on a pseudo-terminal: what is wrong never takes the place of what works; nothing is lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.main import run
from linectl.config import drafts
from linectl.errors import Refused
from linectl.server.api.endpoint import Endpoint, published
from tests.cli.terminals import Typist

SOUND = "kind: answers\n# mine\nanswers:\n  in: yes\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(SOUND)
    path.chmod(0o640)
    return path


def editor(folder: Path, *does: str) -> str:
    """An editor that does one thing after the other, each time it is called: `s/old/new/` of sed, or any command."""
    script = folder / "editor.sh"
    count = folder / "count"
    cases = "\n".join(f"{number}) {do} ;;" for number, do in enumerate(does))
    script.write_text(
        f"n=$(cat {count} 2>/dev/null || echo 0); echo $((n + 1)) > {count}\ncase $n in\n{cases}\n*) true ;;\nesac\n"
    )
    return f"sh {script}"


def edit(file: Path, *does: str) -> Typist:
    return Typist(file.parent, "config", "edit", file.name, VISUAL=editor(file.parent, *does))


def draft(file: Path) -> Path:
    return file.with_name("mine.draft.yaml")


def test_a_sound_change_takes_effect_and_the_previous_one_is_kept(file: Path) -> None:
    with edit(file, 'sed -i s/yes/no/ "$1"') as person:
        assert person.wait() == 0, person.all
    assert file.read_text() == SOUND.replace("yes", "no")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.with_name("mine.yaml.bak").read_text() == SOUND
    assert not draft(file).exists()
    assert f"{file}: a sound answers, mine\r\n" in person.all


def test_a_wrong_one_is_told_with_its_place_and_edited_again(file: Path) -> None:
    with edit(
        file, 'sed -i s/answers:/answer:/ "$1"', 'sed -i s/answer:/answers:/ "$1"; echo "  ph: 7" >> "$1"'
    ) as person:
        person.until("mine.draft.yaml:3:1")
        person.until("Edit again? [Y/n]")
        assert file.read_text() == SOUND
        person.type("\n")
        assert person.wait() == 0, person.all
    assert file.read_text() == SOUND + "  ph: 7\n"


def test_whoever_gives_up_keeps_the_draft_and_goes_on_with_it_later(file: Path) -> None:
    with edit(file, 'sed -i s/answers:/answer:/ "$1"') as person:
        person.until("Edit again?")
        person.type("non\n")
        assert person.wait() == 3
    assert (file.read_text(), draft(file).read_text()) == (SOUND, SOUND.replace("answers:", "answer:"))
    (file.parent / "count").unlink()
    with edit(file, 'sed -i "s/answer:/answers:/;s/yes/no/" "$1"') as person:
        person.until("is left from an earlier edit. Go on with it? [Y/n]")
        person.type("o\n")
        assert person.wait() == 0, person.all
    assert file.read_text() == SOUND.replace("yes", "no")


def test_an_old_draft_of_a_file_changed_since_is_not_gone_on_with_unasked(file: Path) -> None:
    draft(file).write_text("kind: answers\nanswers: {old: 1}\n")
    file.write_text(SOUND.replace("yes", "no"))
    with edit(file, 'echo "  ph: 7" >> "$1"') as person:
        person.until("was changed after it")
        person.type("\n")
        assert person.wait() == 0, person.all
    assert file.read_text() == SOUND.replace("yes", "no") + "  ph: 7\n"


def test_nothing_changed_leaves_nothing_behind(file: Path) -> None:
    before = file.stat()
    with edit(file) as person:
        assert person.wait() == 0
    assert "nothing was changed" in person.all
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert {path.name for path in file.parent.glob("mine*")} == {"mine.yaml"}


def test_a_failing_editor_changes_nothing(file: Path) -> None:
    with edit(file, 'sed -i s/yes/no/ "$1"; exit 4') as person:
        assert person.wait() == 7
    assert file.read_text() == SOUND
    assert draft(file).read_text() == SOUND.replace("yes", "no")
    with Typist(file.parent, "config", "edit", file.name, VISUAL="no-such-editor") as person:
        person.until("Go on with it?")
        person.type("y\n")
        assert person.wait() == 6
    assert "no-such-editor cannot be started" in person.all


def test_ctrl_c_belongs_to_the_editor_and_at_the_question_ends_the_edit(file: Path) -> None:
    with edit(file, 'kill -INT $PPID; sed -i s/answers:/answer:/ "$1"') as person:
        person.until("Edit again?")
        person.interrupt()
        assert person.wait() == 130
    assert file.read_text() == SOUND
    assert "Traceback" not in person.all
    assert draft(file).exists()


def test_a_file_that_another_changed_meanwhile_is_not_overwritten(file: Path) -> None:
    with edit(file, f'sed -i s/yes/no/ "$1"; echo "  ph: 7" >> {file}') as person:
        assert person.wait() == 6
    assert "E-CFG-004" in person.all
    assert file.read_text() == SOUND + "  ph: 7\n"
    assert draft(file).read_text() == SOUND.replace("yes", "no")


def test_a_link_to_a_file_stays_one(file: Path) -> None:
    link = file.with_name("linked.yaml")
    link.symlink_to(file)
    with Typist(
        file.parent, "config", "edit", "linked.yaml", VISUAL=editor(file.parent, 'sed -i s/yes/no/ "$1"')
    ) as person:
        assert person.wait() == 0, person.all
    assert link.is_symlink()
    assert file.read_text() == SOUND.replace("yes", "no")


def test_without_a_terminal_it_is_refused(file: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "linectl", "config", "edit", str(file), "--lang", "en"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, file.read_text()) == (7, SOUND)
    assert "config check" in ended.stderr


def test_a_file_of_the_installation_is_not_edited(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "came_with_linectl", lambda path: path.parent == file.parent)
    with pytest.raises(Refused, match="came with linectl"):
        drafts.begin(file)
    assert not draft(file).exists()


def test_help_names_the_editor(capfd: pytest.CaptureFixture[str]) -> None:
    words.use("en")
    assert run(["config", "edit", "--help"]) == 0
    assert "$VISUAL" in capfd.readouterr().out


def test_of_a_line_that_is_served_the_server_is_named(tmp_path: Path) -> None:
    line = tmp_path / "mine.yaml"
    line.write_text("kind: calibration\nsensors:\n  a.t: {u: 0.1, unit: K, done: 2026-01-01, due: 2027-01-01}\n")
    endpoint = Endpoint("bench", os.getpid(), "127.0.0.1", 4711, "token")
    with published(endpoint, tmp_path / "data", "line-bench"):
        does = editor(tmp_path, 'sed -i s/0.1/0.2/ "$1"')
        with Typist(tmp_path, "config", "edit", "mine.yaml", "--data", "data", VISUAL=does) as person:
            assert person.wait() == 0, person.all
    assert "start its server again" in person.all
