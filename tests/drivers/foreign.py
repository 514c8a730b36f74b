"""Other people's programs in the tests: found, compiled, run; skipped with the reason where they are not installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

SOURCE = Path(__file__).parents[1] / "data" / "libmodbus_peer.c"


def missing(what: str) -> NoReturn:
    """Skip, or fail in CI: there all opinions are heard."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: in CI the second opinions must be heard")
    pytest.skip(what)


def program(name: str) -> str:
    found = shutil.which(name)
    return found if found is not None else missing(f"{name} is not installed (apt install {name})")


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The C program, compiled against the libmodbus of this machine."""
    compiler, config = shutil.which("cc"), shutil.which("pkg-config")
    if compiler is None or config is None:
        missing("no C compiler (apt install gcc libc6-dev pkg-config libmodbus-dev)")
    flags = subprocess.run([config, "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False)
    if flags.returncode:
        missing("libmodbus is not installed (apt install libmodbus-dev)")
    made = tmp_path_factory.mktemp("peer") / "libmodbus_peer"
    strict = ["-Wall", "-Wextra", "-Werror", "-O1"]
    subprocess.run([compiler, *strict, "-o", str(made), str(SOURCE), *flags.stdout.split()], check=True)
    return str(made)


async def said(*command: str) -> str:
    """Run a client to its end."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, output.decode()
    return output.decode()
