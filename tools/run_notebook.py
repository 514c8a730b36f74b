"""Execute the notebooks of docs/notebook and store their outputs, without anything of this machine in them.

python tools/run_notebook.py            writes the outputs
python tools/run_notebook.py --check    says whether the stored ones are those of a fresh execution (exit 1 when not)
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "notebook"
WITHIN_S = 300
KEPT_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def executed(file: Path) -> Any:
    """Return the notebook `file` as a fresh kernel leaves it: English, no state of the user's."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory(prefix="linectl-notebook-") as state:
        changes = {
            "LINECTL_LANG": "en",
            "LINECTL_OPERATOR": "notebook",
            "XDG_STATE_HOME": state,
            "IPYTHONDIR": state,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        }
        client = NotebookClient(
            notebook, timeout=WITHIN_S, kernel_name="python3", resources={"metadata": {"path": str(file.parent)}}
        )
        asyncio.run(client.async_execute(env=os.environ | changes))
    return stripped(notebook)


def stripped(notebook: Any) -> Any:
    """Take out what differs from one execution to the next: times, counters of messages, addresses in memory."""
    notebook.metadata.clear()
    notebook.metadata.update(KEPT_METADATA)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Return outputs with texts in one piece, however they came in, and without addresses in memory."""
    found: list[Any] = []
    for output in outputs:
        output.get("metadata", {}).clear()
        if "text" in output:
            output.text = _ADDRESS.sub("0x", output.text)
            if found and found[-1].get("name") == output.name:
                found[-1].text += output.text
                continue
        found.append(output)
    return found


def outputs(notebook: Any) -> list[Any]:
    """Return the outputs of every cell, as they are compared: texts whole, of pictures only that they are there."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts = {kind: "picture" if kind.startswith("image/") else text for kind, text in data.items()}
            found.append({"kind": output.output_type, "text": output.get("text", ""), "data": texts})
    return found


def main(check: bool) -> int:
    """Execute each notebook; return the exit code."""
    import nbformat

    different = 0
    for file in sorted(FOLDER.glob("*.ipynb")):
        fresh = executed(file)
        if not check:
            nbformat.write(fresh, file)
            print(file.relative_to(ROOT))
            continue
        same = outputs(nbformat.read(file, as_version=4)) == outputs(fresh)
        different += not same
        print(f"{file.relative_to(ROOT)}: {'as stored' if same else 'differs: make docs'}")
        if not same:
            print(json.dumps(outputs(fresh), ensure_ascii=False, indent=1))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
