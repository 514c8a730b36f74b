"""A mistake of the program itself: no traceback on the terminal, exit 1, and a file that says where, without values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BROKEN = """
import sys
import linectl.cli.main

def run(argv):
    secret = "hunter2"
    raise TypeError(f"cannot do it\\nwith {len(secret)} letters")

linectl.cli.main.run = run
sys.argv[0] = "linectl"
from linectl.__main__ import main
main()
"""


def broken(folder: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "LINECTL_TRACEBACK"}
    return subprocess.run(
        [sys.executable, "-c", BROKEN, *argv],
        env={**kept, "XDG_STATE_HOME": str(folder), "LINECTL_LANG": "en", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_mistake_of_the_program_is_told_without_its_traceback(tmp_path: Path) -> None:
    ended = broken(tmp_path, "secrets", "set", "broker", "password1")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Traceback" not in ended.stderr
    assert "linectl: a mistake of the program itself: TypeError: cannot do it" in ended.stderr
    assert "linectl explain E-INT-001" in ended.stderr
    (file,) = (tmp_path / "linectl" / "mistakes").iterdir()
    assert str(file) in ended.stderr.replace("\n", "").replace(" ", "")
    text = file.read_text(encoding="utf-8")
    assert "in run" in text
    assert text.endswith("TypeError\n")
    assert "password1" not in text
    assert ": linectl secrets\n" in text


def test_a_machine_gets_it_as_any_other_error_and_an_author_at_once(tmp_path: Path) -> None:
    ended = broken(tmp_path, "status", "--json")
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["ok"], told["error"]["code"]) == (1, False, "E-INT-001")
    assert "Traceback" in broken(tmp_path, "status", LINECTL_TRACEBACK="1").stderr
    (tmp_path / "linectl").rename(tmp_path / "away")
    (tmp_path / "linectl").write_text("no folder", encoding="utf-8")
    ended = broken(tmp_path, "status")
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "linectl status" in ended.stderr


def test_few_files_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "linectl" / "mistakes"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"20200101T0000{number:02d}.txt").write_text("old", encoding="utf-8")
    broken(tmp_path, "status")
    assert len(list(folder.iterdir())) == 10
