"""The tutorial alone leads from a CSV to a verdict and its report: every command of it is run, in its order."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "tutorial.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the installed package carries no docs")

_FENCE = re.compile(r"(?P<long><!-- long:[^\n]*-->\n)?```(?P<kind>sh|yaml)\n(?P<text>.*?)```", re.DOTALL)


@dataclass(slots=True)
class Place:
    """A folder in which the tutorial is followed, and what its commands printed."""

    folder: Path
    said: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, expected: int) -> str:
        words = shlex.split(command)
        if words[0] == "linectl":
            words[:1] = [sys.executable, "-m", "linectl"]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "LINECTL_LANG": "en"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
        self.said[command] = done.stdout
        return done.stdout


def blocks() -> Iterator[tuple[str, str, bool]]:
    for found in _FENCE.finditer(PAGE.read_text(encoding="utf-8")):
        yield found["kind"], found["text"], bool(found["long"])


def commands(text: str) -> Iterator[tuple[str, int]]:
    """Give each line without its comment, and the exit code that a comment `# exit N` promises."""
    for line in text.splitlines():
        command, _, comment = line.partition("  #")
        code = re.search(r"exit (\d+)", comment)
        yield command.strip(), int(code[1]) if code else 0


def check_long(place: Place, command: str) -> None:
    """A run of an experiment is planned, anything else must know every option that it is given."""
    words = shlex.split(command)
    if words[1] == "run" and words[2].endswith(".yaml") and "rig.yaml" not in words:
        place.run(f"{command} --dry-run", 0)
        return
    verb = words[1:3] if words[1] in {"confirm", "sim", "experiment", "recipe"} else words[1:2]
    told = place.run(shlex.join(["linectl", *verb, "--help"]), 0)
    missing = [word for word in words if word.startswith("--") and word not in told]
    assert not missing, f"{command}: no option {missing}"
    if words[2].endswith(".py"):
        assert (place.folder / words[2]).is_file(), command


@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for name in ("docs", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.png", "__pycache__"))
    for kind, text, long in blocks():
        if kind == "yaml":
            (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
            continue
        for command, code in commands(text):
            if long:
                check_long(place, command)
            else:
                place.run(command, code)
    verdict = place.said["linectl verdict --soak-s 900"]
    assert re.search(r"^psa +CANDIDATE: .* at 79\.8 °C, 2 % NaOH", verdict, re.MULTILINE)
    assert "complete" in place.said["linectl status --data elsewhere"]
    for page in ("report.html", "first_day.html"):
        assert (tmp_path / page).read_text(encoding="utf-8").endswith("</html>\n")


def test_a_command_that_is_wrong_is_found(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with pytest.raises(AssertionError, match="no option"):
        check_long(place, "linectl resume last --nonsense")
    with pytest.raises(AssertionError, match="no_such_file"):
        place.run("linectl import no_such_file.csv", 0)


def test_every_page_that_the_documents_point_to_is_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
