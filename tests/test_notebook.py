"""The notebook's stored outputs are those of a fresh execution, and its data those of the simulator."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebook"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the installed package carries no docs")


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_data_are_those_of_the_simulator() -> None:
    assert (FOLDER / "past_trials.csv").read_text(encoding="utf-8") == tool("make_past_trials").campaign_csv()


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::RuntimeWarning")
def test_stored_outputs_are_those_of_a_fresh_execution() -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    runner = tool("run_notebook")
    file = FOLDER / "from_data_to_decision.ipynb"
    stored = runner.outputs(nbformat.read(file, as_version=4))
    assert stored == runner.outputs(runner.executed(file)), "the analysis has changed: make docs"
    assert sum(output["kind"] == "stream" for output in stored) >= 7


def test_nothing_of_a_machine_is_stored() -> None:
    text = (FOLDER / "from_data_to_decision.ipynb").read_text(encoding="utf-8")
    for trace in ("/home/", "/tmp", "/root", 'execution": {', "Traceback"):
        assert trace not in text


def test_a_changed_output_is_seen() -> None:
    nbformat = pytest.importorskip("nbformat")
    runner = tool("run_notebook")
    stored = nbformat.read(FOLDER / "from_data_to_decision.ipynb", as_version=4)
    before = runner.outputs(stored)
    for cell in stored.cells:
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = output.text.replace("CANDIDATE", "NO-GO")
    assert runner.outputs(stored) != before
