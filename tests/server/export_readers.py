"""Reads exported documents with the tools they are for. Run by the Python of an environment that has them.

    python export_readers.py tiled FILE...
    python export_readers.py databroker FILE...

Prints one JSON list: for each file the stop's exit status, and by stream the number of rows and the mean of each
number column, as the tool shows them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any


def by_tiled(files: Iterable[str]) -> list[dict[str, Any]]:
    """Ingest `{"name", "doc"}` lines with TiledWriter into a tiled server in this process, and read them back."""
    tiled = import_module("tiled.client")
    build_app = import_module("tiled.server.app").build_app
    writer_of = import_module("bluesky_tiled_plugins").TiledWriter
    told = []
    with tempfile.TemporaryDirectory() as folder:
        storage = [f"file://localhost{folder}/data", f"duckdb:///{folder}/tables.db"]
        catalog = import_module("tiled.catalog").from_uri(
            f"sqlite:///{folder}/catalog.db", writable_storage=storage, init_if_not_exists=True
        )
        with tiled.Context.from_app(build_app(catalog)) as context:
            client = tiled.from_context(context)
            for file in files:
                lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
                write = writer_of(client)
                for line in lines:
                    write(line["name"], line["doc"])
                told.append(_told(client[lines[0]["doc"]["uid"]]))
    return told


def by_databroker(files: Iterable[str]) -> list[dict[str, Any]]:
    """Read `[name, doc]` lines with databroker."""
    catalog_of = import_module("databroker._drivers.jsonl").BlueskyJSONLCatalog
    told = []
    for file in files:
        catalog = catalog_of([file])
        told.append(_told(catalog[next(iter(catalog))]))
    return told


def _told(run: Any) -> dict[str, Any]:
    stop = run.metadata["stop"]
    streams = {name: run[name].read() for name in run}
    return {
        "exit_status": stop["exit_status"] if stop else None,
        "rows": {name: int(data.sizes["time"]) for name, data in streams.items()},
        "means": {
            name: {key: float(data[key].mean()) for key in data.data_vars if data[key].dtype.kind in "fi"}
            for name, data in streams.items()
        },
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    read = {"tiled": by_tiled, "databroker": by_databroker}[sys.argv[1]]
    sys.stdout.write(json.dumps(read(sys.argv[2:])) + "\n")
