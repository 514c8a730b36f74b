"""Tables as Parquet files (extra `parquet`): units in each field's metadata, the run in the schema's, nulls real."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from linectl.errors import LinectlError
from linectl.store.export.columns import Column
from linectl.store.export.documents import unit_name
from linectl.store.export.sink import Sink, Written
from linectl.store.export.tables import Source, Table, iso
from linectl.words import tr

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MissingExtra", "need_pyarrow", "write_parquet"]

_ROWS = 16_384  # rows of one row group: what memory holds at once


class MissingExtra(LinectlError):
    """A part of linectl that is installed on demand is not there."""

    exit_code = 2
    code = "E-USE-001"


def need_pyarrow() -> Any:
    """Return pyarrow.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(
            tr("Parquet files need pyarrow, which is not installed"), hint="pip install 'linectl[parquet]'"
        ) from error
    return pyarrow


def write_parquet(sink: Sink, table: Table, source: Source) -> list[Written]:
    """Write `table` as `NAME.parquet` (zstd); `time` is a timestamp in UTC, a quality a dictionary of texts."""
    arrow = need_pyarrow()
    schema = _schema(arrow, table, source)
    instant = next((index for index, column in enumerate(table.columns) if column.name == "time_ns"), None)
    with sink.file(f"{table.name}.parquet") as (file, written):
        count = 0
        with arrow.parquet.ParquetWriter(file, schema, compression="zstd", store_schema=True) as writer:
            rows = iter(table.rows())
            while chunk := list(islice(rows, _ROWS)):
                writer.write_table(_arrays(arrow, schema, table, chunk, instant))
                count += len(chunk)
        written.rows = count
    return [written]


def _schema(arrow: Any, table: Table, source: Source) -> pa.Schema:
    types = {
        "number": arrow.float64(),
        "integer": arrow.int64(),
        "boolean": arrow.bool_(),
        "string": arrow.string(),
    }
    words = arrow.dictionary(arrow.int16(), arrow.string())
    fields = []
    for column in table.columns:
        kind = words if column.is_quality or column.name == "boot" else types[column.type]
        if column.name == "time":
            kind = arrow.timestamp("us", tz="UTC")
        fields.append(arrow.field(column.name, kind, metadata=_about(column)))
    run = source.run
    about = {
        "run": run.id,
        "started": iso(run.started_ns),
        "line": run.line,
        "simulated": run.simulated,
        "complete": source.is_complete,
        "version": run.version,
        "config_hash": run.config_hash,
        "calibration_hash": run.calibration_hash,
        "group": table.group,
        "period_s": table.period_s,
    }
    return arrow.schema(fields, metadata={"linectl": json.dumps(about, ensure_ascii=False, sort_keys=True)})


def _about(column: Column) -> dict[str, str]:
    about = {"unit": unit_name(column.unit)} if column.unit else {}
    return about | {"description": column.description, "tag": column.tag}


def _arrays(arrow: Any, schema: pa.Schema, table: Table, rows: list[Any], instant: int | None) -> Any:
    arrays = []
    for index, (column, field) in enumerate(zip(table.columns, schema, strict=True)):
        cells: list[object]
        if column.name == "time" and instant is not None:
            cells = [_moment(row[instant]) for row in rows]
        elif column.type == "boolean":
            cells = [None if row[index] is None else bool(row[index]) for row in rows]
        else:
            cells = [row[index] for row in rows]
        arrays.append(arrow.array(cells, type=field.type))
    return arrow.table(arrays, schema=schema)


def _moment(ns: object) -> datetime:
    assert isinstance(ns, int)
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=ns // 1000)
