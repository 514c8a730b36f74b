from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import event_model
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linectl.errors import Refused
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import ExitStatus
from linectl.store.export.archive import Options, export_run
from linectl.store.export.documents import FLAVOURS, documents
from linectl.store.export.keys import document_keys
from linectl.store.export.tables import Source
from linectl.store.reader import StoreReader

RUN = "20260101T000000-ab12"
S = 1_000_000_000
GOLDEN = Path(__file__).parents[1] / "data" / "exports"


async def record(samples: Any, file: Path, *, ended: bool = True, scans: int = 5, **changes: Any) -> StoreReader:
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run(**changes))
    await store.add_trials([samples.trial(started_ns=samples.t0_ns)])
    for group in ("bath", "slow"):
        await store.start_span(RUN, None, group)
    for k in range(scans):
        store.log_scan(samples.scan(k, missing=k == 3))
    store.log_scan(samples.scan(0, group="slow"))
    await store.add_bottles(
        [
            samples.bottle(last_attached_ns=samples.t0_ns + 31 * S),
            samples.bottle("B02", first_detached_ns=samples.t0_ns + 16 * S, residue_pct=5.0, mode="torn"),
        ]
    )
    await store.add_event(samples.event("state", of="run", to="paused", text="à table", **{"from": "pausing"}))
    await store.add_event(samples.event("write", tag="bath.setpoint", old=20.0, new=60.0))
    if ended:
        await store.end_run(RUN, ExitStatus.SUCCESS, "", samples.t0_ns + 40 * S)
    await store.close()
    if not ended:  # the next start marks it as interrupted
        await store.open()
        await store.close()
    return StoreReader(file)


def _documents(reader: StoreReader, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    return list(documents(Source(reader, reader.run("last")), **options))


def _validate(docs: list[tuple[str, dict[str, Any]]]) -> None:
    """Against the schemas, and what they let pass: numbers without a hole, the descriptor's keys in each event."""
    descriptors: dict[str, dict[str, Any]] = {}
    numbers: Counter[str] = Counter()
    for name, doc in docs:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(doc)
        if name == "descriptor":
            descriptors[doc["uid"]] = doc
        if name == "event":
            stream = descriptors[doc["descriptor"]]
            numbers[stream["name"]] += 1
            assert doc["seq_num"] == numbers[stream["name"]]
            assert set(doc["data"]) == set(doc["timestamps"]) == set(stream["data_keys"])
            for key, value in doc["data"].items():
                kind = stream["data_keys"][key]["dtype"]
                kinds: tuple[type, ...] = {"number": (int, float), "integer": (int,), "string": (str,)}[kind]
                assert (value is None and kind != "string") or isinstance(value, kinds)
                assert not isinstance(value, bool)
    assert docs[0][0] == "start"
    assert len({doc["uid"] for _, doc in docs}) == len(docs)
    if docs[-1][0] == "stop":
        assert docs[-1][1]["num_events"] == dict(numbers)


async def test_every_document_is_what_the_schemas_ask(samples: Any, tmp_path: Path) -> None:
    docs = _documents(await record(samples, tmp_path / "line.db"))
    _validate(docs)
    streams = [doc["name"] for name, doc in docs if name == "descriptor"]
    assert streams == ["primary", "slow", "baseline", "bottles", "journal", "interruptions"]
    start, stop = docs[0][1], docs[-1][1]
    assert start["linectl"]["simulated"] is True
    assert start["sample"] == {"glues": ["casein"]}
    assert (stop["exit_status"], stop["reason"], stop["num_events"]["primary"]) == ("success", "", 5)
    primary = next(doc for name, doc in docs if name == "descriptor")
    assert primary["data_keys"]["bath_temperature"]["units"] == "degC"
    events = [doc["data"] for name, doc in docs if name == "event" and doc["descriptor"] == primary["uid"]]
    assert (events[3]["bath_temperature"], events[3]["bath_temperature_quality"]) == (None, "bad:not_connected")
    assert [event["bath_lid_closed"] for event in events] == [1.0, 0.0, 1.0, 0.0, 1.0]
    (word,) = [doc["data"] for name, doc in docs if name == "event" and "interruption" in doc["data"]]
    assert word == {"interruption": "pause"}


def test_the_control_a_wrong_document_is_refused_by_the_schemas() -> None:
    validator = event_model.schema_validators[event_model.DocumentNames.start]
    with pytest.raises(Exception, match="uid"):
        validator.validate({"time": 0.0})
    with pytest.raises(Exception, match=r"bath\.temperature"):
        validator.validate({"uid": "x", "time": 0.0, "bath.temperature": 1})


async def test_a_killed_run_gets_a_stop_that_says_so(samples: Any, tmp_path: Path) -> None:
    docs = _documents(await record(samples, tmp_path / "line.db", ended=False))
    _validate(docs)
    name, stop = docs[-1]
    assert (name, stop["exit_status"], stop["linectl"]) == ("stop", "fail", {"synthetic": True})
    assert stop["reason"] == "process killed at 2026-01-01T00:00:04.000+00:00"
    words = [doc["data"]["interruption"] for name, doc in docs if name == "event" and "interruption" in doc["data"]]
    assert words == ["pause", "crash"]


async def test_a_run_that_goes_on_has_no_stop_unless_asked(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db")
    await store.open()
    await store.start_run(samples.run())
    await store.start_span(RUN, None, "bath")
    store.log_scan(samples.scan(0))
    await store.add_event(samples.event("note"))
    reader = StoreReader(tmp_path / "line.db")
    docs, closed = _documents(reader), _documents(reader, close=True)
    await store.close()
    _validate(docs)
    _validate(closed)
    assert docs[-1][0] == "event"
    assert closed[:-1] == docs
    assert closed[-1][1]["reason"].startswith("still going at")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_lines_are_those_of_the_golden_file(samples: Any, tmp_path: Path, flavour: str) -> None:
    reader = await record(samples, tmp_path / "line.db", scans=2)
    export_run(reader, RUN, tmp_path / "out", Options(form=flavour))
    content = (tmp_path / "out" / "documents.jsonl").read_bytes()
    assert content == (GOLDEN / f"{flavour}.jsonl").read_bytes()
    assert content.endswith(b"}\n" if flavour == "jsonl" else b"]\n")
    for line in content.decode("utf-8").splitlines():
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert "à table".encode() in content


async def test_what_is_not_finite_is_null(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db")
    await store.open()
    await store.start_run(samples.run())
    await store.start_span(RUN, None, "bath")
    for k, value in enumerate((float("nan"), float("inf"), 60.0)):
        reading = Reading("bath.temperature", value, GOOD, k, k, k)
        store.log_scan(Scan(ScanLayout("bath", 1.0, ("bath.temperature",)), "b", k, k, samples.t0_ns + k, (reading,)))
    await store.close()
    reader = StoreReader(tmp_path / "line.db")
    values = [doc["data"].get("bath_temperature") for name, doc in _documents(reader) if name == "event"]
    assert values[:3] == [None, None, 60.0]
    export_run(reader, RUN, tmp_path / "out")
    rows = (tmp_path / "out" / "readings.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [row.split(",")[2] for row in rows] == ["", "", "60.0"]


@given(st.lists(st.text(alphabet="ab./é_ 1", min_size=1, max_size=4), unique=True, max_size=6))
def test_keys_are_sound_or_refused(names: list[str]) -> None:
    try:
        keys = document_keys(names)
    except Refused:  # by name, as the next test shows
        return
    assert len(set(keys.values())) == len(names)
    for key in keys.values():
        assert key.isascii()
        assert not set("./") & set(key)
        assert key not in {"time", "seq_num"}
        assert not key.startswith("ts_")


@pytest.mark.parametrize("pair", [("bath.a", "bath/a"), ("bath.é", "bath.e"), ("a b", "a_b")])
def test_two_tags_with_one_key_are_refused_by_name(pair: tuple[str, str]) -> None:
    with pytest.raises(Refused, match="would both be called") as raised:
        document_keys(pair)
    assert raised.value.code == "E-DAT-041"


async def test_a_death_is_told_once_and_taking_up_after_it(samples: Any, tmp_path: Path) -> None:
    """The record closes a killed run, and who takes it up tells of the same crash: one word, then `resumed`."""
    store = samples.store(tmp_path / "line.db")
    await store.open()
    await store.start_run(samples.run())
    for kind in ("run_interrupted", "crash", "resumed", "held"):
        await store.add_event(samples.event(kind))
    for of in ("run", "soak"):
        for was, to in (("holding", "held"), ("held", "restarting"), ("restarting", "running")):
            await store.add_event(samples.event("state", of=of, to=to, **{"from": was}))
    await store.end_run(RUN, ExitStatus.SUCCESS, "", samples.t0_ns + S)
    await store.close()
    docs = _documents(StoreReader(tmp_path / "line.db"))
    _validate(docs)
    words = [doc["data"]["interruption"] for name, doc in docs if name == "event" and "interruption" in doc["data"]]
    assert words == ["crash", "resumed", "pause", "resume"]
