"""A file that cannot be written ends in a message and exit code 5, whichever verb met it; never in a traceback."""

from __future__ import annotations

import errno

import pytest

from linectl.cli import main


def _failing(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def fail(argv: list[str], *, as_json: bool) -> int:
        raise error

    monkeypatch.setattr(main, "_dispatch", fail)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", "ro/report.html.part"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
    ids=["rights", "full"],
)
def test_a_disk_that_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    _failing(monkeypatch, error)
    assert main.run(["report"]) == 5
    said = capsys.readouterr().err
    assert str(error.strerror) in said
    assert (error.filename or "linectl") in said
    assert "is there room left" in said


def test_a_mistake_of_the_program_is_not_taken_for_the_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, ConnectionResetError(errno.ECONNRESET, "reset"))
    with pytest.raises(ConnectionResetError):
        main.run(["report"])
