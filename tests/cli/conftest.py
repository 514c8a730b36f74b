"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from linectl import words
from linectl.cli.main import run


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process and return its exit code and what it printed."""

    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*argv, "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call
