"""A zip of all that helps somebody far away to see what is wrong, and of nothing that is a secret.

In it: versions, the configuration files of the line, what the doctor found, the last run with its events, the end of
the audit trail, the wire faults that were kept (by name), endpoints without their tokens, and what a server that runs
tells of the line.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from linectl.clock import wall_ns
from linectl.config.files import read_source
from linectl.config.named_secrets import known
from linectl.errors import LinectlError, Refused, StoreError
from linectl.model.lines import LineDefinition
from linectl.model.records import Run
from linectl.server.api.endpoint import endpoint_folders
from linectl.server.doctor.redact import Redactor
from linectl.server.finding import connect
from linectl.server.places import LastRun, last_run
from linectl.server.wire_faults import wire_folder
from linectl.store.audit import AuditEntry
from linectl.store.export.tables import iso
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["Bundle", "collect", "known_secrets", "must_be_new", "write"]

_AUDIT_S = 30 * 86_400
_MOST_ENTRIES = 2_000  # of the audit trail, the newest
_VARIABLES = ("LINECTL_", "LANG", "LC_", "XDG_", "VISUAL", "EDITOR", "TERM", "NO_COLOR", "CREDENTIALS_DIRECTORY")


@dataclass(slots=True)
class Bundle:
    """Files by their names in the zip (texts, or data to be written as JSON), and what could not be had, with why."""

    files: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, make: Callable[[], Any]) -> None:
        """Add what `make` returns; when it fails, that is told instead."""
        try:
            made = make()
        except (LinectlError, OSError) as error:
            self.missing[name] = str(error)
        else:
            self.files[name] = made


def collect(line: Path | None, definition: LineDefinition | None, data: Path | None) -> Bundle:
    """Return what there is of the line in the file `line`; `definition` is None when that file has mistakes."""
    found = Bundle()
    for name, path in _config_files(line, definition).items():
        found.add(f"config/{name}", partial(_text_of, path))
    found.add("endpoints.json", lambda: [_json_of(file) for file in _endpoint_files(data)])
    found.add("state.json", lambda: _state(definition, data))
    found.files["environment.json"] = {
        name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)
    }
    try:
        last = last_run(data)
        reader = StoreReader(last.store)
        run = reader.run(last.run)
    except LinectlError as error:
        found.missing["run"] = error.message
    else:
        _add_run(found, last, reader, run)
    return found


def _add_run(found: Bundle, last: LastRun, reader: StoreReader, run: Run) -> None:
    told = {key: value for key, value in asdict(run).items() if key != "definition"}
    found.files["run/run.json"] = {**told, "started": iso(run.started_ns), "store": str(last.store)}
    if run.definition:
        found.files["run/definition.yaml"] = run.definition
    found.add(
        "run/events.json",
        lambda: [
            {"time": iso(each.ts_ns), "kind": each.kind, "data": dict(each.data)} for each in reader.events(run.id)
        ],
    )
    found.add("audit.json", lambda: _audit(reader))
    found.add("wire_faults.json", lambda: _listed(wire_folder(last.store)))


def _audit(reader: StoreReader) -> list[dict[str, Any]]:
    entries = list(reader.audit(wall_ns() - _AUDIT_S * NS_PER_S))[-_MOST_ENTRIES:]
    return [_entry(each) for each in entries]


def _entry(each: AuditEntry) -> dict[str, Any]:
    values = {name: None if text is None else json.loads(text) for name, text in (("old", each.old), ("new", each.new))}
    told = {"id": each.id, "time": iso(each.ts_ns), "who": each.actor, "action": each.action, "what": each.target}
    return {**told, **values, "why": each.reason, "hash": each.hash.hex()}


def _listed(folder: Path) -> list[dict[str, Any]]:
    """Return the files in `folder` by name and size; the frames themselves may hold what was sent as a password."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return [{"file": str(path.relative_to(folder)), "bytes": path.stat().st_size} for path in files]


def _config_files(line: Path | None, definition: LineDefinition | None) -> dict[str, Path]:
    """Return the files of which the line is made, by their names in the zip."""
    paths = [] if line is None else [line]
    if definition is not None:
        paths += [Path(each.definition.source) for each in definition.devices.values()]
        paths += [Path(definition.calibration)] if definition.calibration else []
        beside = (getattr(definition, name, None) for name in ("interlocks", "alarms"))
        paths += [Path(source) for each in beside if (source := getattr(each, "source", ""))]
    found: dict[str, Path] = {}
    for path in dict.fromkeys(path.resolve() for path in paths):
        name, number = path.name, 2
        while name in found:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        found[name] = path
    return found


def _state(definition: LineDefinition | None, data: Path | None) -> Any:
    """Return the state of the line as its server tells it now: values, alarms, interlocks, who holds it."""
    with connect(data, definition.name if definition is not None else "", face="doctor") as caller:
        return caller.call("status")


def _endpoint_files(data: Path | None) -> list[Path]:
    """Return the files by which running servers are found, those of a service too."""
    folders = (*endpoint_folders(data), *endpoint_folders())
    return [file for folder in dict.fromkeys(folders) for file in sorted(folder.glob("*.json")) if _is_endpoint(file)]


def _is_endpoint(file: Path) -> bool:
    told = _json_of(file)
    return isinstance(told, dict) and "token" in told


def _text_of(file: Path) -> str:
    return read_source(file).text


def _json_of(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def known_secrets(definition: LineDefinition | None, data: Path | None) -> Iterator[str]:
    """Give every secret that can be found here, whoever may read it: it is to be blotted, not used."""
    for places in known().values():
        for found in places:
            yield os.environ.get(found.at) or _first_line(Path(found.at))
    for secret in () if definition is None else definition.secrets.values():
        yield os.environ.get(secret.env, "")
        yield _first_line(Path(secret.file)) if secret.file else ""
    for file in _endpoint_files(data):
        yield str(_json_of(file)["token"])


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].rstrip("\r")
    except OSError:
        return ""


def must_be_new(file: Path) -> None:
    """Refuse to write over a file.

    Raises:
        Refused: `file` is there already.
    """
    if file.exists():
        hint = tr("name another file, or take that one away")
        raise Refused(tr("{file} is there already").format(file=file), hint=hint)


def write(file: Path, bundle: Bundle, redactor: Redactor) -> list[str]:
    """Write the zip, which only its owner may read, and return the names in it; everything passes the `redactor`.

    Raises:
        Refused: `file` is there already.
        StoreError: it cannot be written.
    """
    must_be_new(file)
    texts = {redactor.text(name): _text(content, redactor) for name, content in bundle.files.items()}
    texts["manifest.json"] = _text(_manifest(texts, bundle.missing), redactor)
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, text in texts.items():
                    archive.writestr(name, text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        hint = tr("is there room left, and may you write there? name another place, or free some space")
        raise StoreError(f"{file}: {error.strerror or error}", hint=hint) from error
    return list(texts)


def _text(content: Any, redactor: Redactor) -> str:
    if isinstance(content, str):
        return redactor.text(content)
    return json.dumps(redactor.data(content), indent=1, ensure_ascii=False, default=str) + "\n"


def _manifest(texts: Mapping[str, str], missing: Mapping[str, str]) -> dict[str, Any]:
    packages = {each.metadata["Name"]: each.version for each in distributions()}
    return {
        "schema": "linectl.bundle/1",
        "made": iso(wall_ns()),
        "linectl": version("linectl"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items())),
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()},
        "missing": dict(missing),
    }
