"""The reference of the local API, made from its operations: what may be asked, by whom, with which arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from linectl.server.api.operations import Operation
from linectl.server.api.protocol import API

__all__ = ["reference", "schemas"]

_HEAD = f"""# The local API

Whoever holds a line (`linectl serve`, or a run in real time) answers on a port of 127.0.0.1. The file
`line-NAME.json` says which port, and holds the token; it stands in the folder of the data (`--data`), else in the
user's runtime folder, readable by its owner alone.

One JSON object a line. The first line of a client is its greeting, then requests, each answered by one line:

```
{{"api": {API}, "token": "...", "client": "script", "operator": "op1", "lang": "fr"}}
{{"id": 1, "op": "status", "args": {{"sections": ["values"]}}}}
{{"id": 1, "ok": true, "data": {{"values": {{...}}}}, "error": null}}
{{"id": 2, "ok": false, "data": null, "error": {{"code": "E-API-002", "exit_code": 6, "message": "...", "hint": ""}}}}
```

After `subscribe` the server also sends `{{"event": SECTION, "seq": N, "data": ...}}`: each section whole when it
changed (of `values` those that changed, of `journal` what is new), and `beat` at least every half second. `key` in a
request makes it one request however often it is sent, where the table says *once*; `reason` is kept in the audit trail.
Without a valid token the connection is cut off. Roles contain each other: view, operate, research, service.

This page is made from the program; the JSON Schemas of all arguments stand in `local-api.schema.json`.
"""


def reference(operations: Sequence[Operation]) -> str:
    """Return the page (Markdown) that tells of `operations`, in their order."""
    rows = ["| operation | role | once | what it does |", "| --- | --- | --- | --- |"]
    rows += [f"| `{each.name}` | {each.role} | {'yes' if each.once else ''} | {each.doc} |" for each in operations]
    parts = [_HEAD, "\n".join(rows), "", "## Arguments", ""]
    for each in operations:
        told = each.as_data()["args"]
        if told["properties"]:
            parts += [f"### `{each.name}`", "", *_arguments(told), ""]
    return "\n".join(parts).rstrip() + "\n"


def schemas(operations: Sequence[Operation]) -> str:
    """Return the JSON Schemas of the arguments of `operations`, by name."""
    found = {each.name: each.as_data()["args"] for each in operations}
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _arguments(schema: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, each in schema["properties"].items():
        needed = "" if name in schema["required"] else f", else {json.dumps(each.get('default'))}"
        lines.append(f"- `{name}`: {_type(each)}{needed}")
    return lines


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{each}"' for each in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema["type"])
