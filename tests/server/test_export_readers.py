"""The exported documents in the tools they are made for: tiled and databroker, in an environment of their own.

LINECTL_EXPORT_PYTHON names that environment's Python; `.ci/run` makes it from constraints-export.txt.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.main import run
from linectl.store.export.archive import Options, export_run
from linectl.store.reader import StoreReader
from linectl.store.store import open_store

HERE = Path(__file__).parent
PYTHON = os.environ.get("LINECTL_EXPORT_PYTHON", "")
BATH = """\
kind: experiment
name: short
question: what comes off in five minutes?
factors: {temperature_c: [50], naoh_pct: [0.5], glue: [casein, starch]}
replicates: 1
bottles_per_glue: 2
order: {randomised: true, seed: 5}
soak: {cap_s: 300, check_s: 15}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [50], naoh_pct: [0.5]}
line: simulated
"""

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="LINECTL_EXPORT_PYTHON names no environment with tiled and databroker: pip install them there"
)


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> StoreReader:
    """A simulated run."""
    folder = tmp_path_factory.mktemp("complete")
    (folder / "short.yaml").write_text(BATH, encoding="utf-8")
    assert run(["run", str(folder / "short.yaml"), "--sim", "--memory", "--data", str(folder), "--quiet"]) == 0
    return StoreReader(folder / "simulated-virtual.db")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> StoreReader:
    """A run whose process was killed in the middle of it, and whose store was opened again since."""
    file = tmp_path_factory.mktemp("killed") / "line.db"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    writer = HERE.parent / "store" / "killed_writer.py"
    with subprocess.Popen(
        [sys.executable, str(writer), str(file), "late"], stdout=subprocess.PIPE, env=environment
    ) as p:
        assert p.stdout is not None
        for _ in range(400):
            assert p.stdout.readline()
        p.send_signal(signal.SIGKILL)

    async def recover() -> None:
        store = open_store(file, line="x", virtual=True)
        await store.open()
        await store.close()

    asyncio.run(recover())
    return StoreReader(file)


def _read(tool: str, form: str, readers: list[StoreReader], folder: Path) -> list[dict[str, Any]]:
    files = []
    for number, reader in enumerate(readers):
        export_run(reader, "last", folder / str(number), Options(form=form))
        files.append(str(folder / str(number) / "documents.jsonl"))
    done = subprocess.run(
        [PYTHON, str(HERE / "export_readers.py"), tool, *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("tool", "form"), [("tiled", "jsonl"), ("databroker", "suitcase-jsonl")])
def test_the_tool_shows_every_row(
    tool: str, form: str, complete: StoreReader, killed: StoreReader, tmp_path: Path
) -> None:
    whole, cut = _read(tool, form, [complete, killed], tmp_path)
    last = complete.run("last").id
    series = complete.series(last, "bath.temperature")
    assert whole["exit_status"] == "success"
    assert whole["rows"]["primary"] == len(series.value)
    assert whole["rows"]["bottles"] == len(complete.bottles(last)) == 4
    assert whole["rows"]["journal"] == len(complete.events(last))
    good = [float(value) for value in series.value if value is not None]
    assert whole["means"]["primary"]["bath_temperature"] == pytest.approx(sum(good) / len(good), rel=1e-12)
    run = killed.run("last")
    assert run.state == "interrupted"
    assert cut["exit_status"] == "fail"  # the closing record stop: without one, tiled shows no row
    assert cut["rows"]["primary"] == len(killed.series(run.id, "bath.temperature").value) > 50
    assert cut["rows"]["interruptions"] == 1
