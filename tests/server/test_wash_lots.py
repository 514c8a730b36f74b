"""Wash lots on the twin, followed by counting alone, against what the twin knows of each bottle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linectl.errors import Refused
from linectl.model.faults import FaultOrder
from linectl.model.lots import Lot
from linectl.model.readings import Scan
from linectl.server.washing.lot_book import DAY_NS
from linectl.server.washing.lot_told import is_due
from linectl.server.washing.machine_args import (
    CommandArgs,
    EndLot,
    LotArgs,
    LotsArgs,
    QuarantineArgs,
    RecipeArgs,
    StartLot,
)
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.glue.lots import Lot as Bottles
from tests.server.machine_bench import LEA, Bench, on_a_washer

CASEIN = StartLot("Cave du Jura", "burgundy_75cl", "casein", "7731", "L1")
PERMANENT = StartLot("Domaine Zoé", "burgundy_75cl", "permanent", name="L2", note="labels of before 2020")


def lot_of(bench: Bench, name: str) -> Lot:
    return bench.machine.lots.book.lot(name)


async def two_lots(bench: Bench, first: int = 300, second: int = 200) -> None:
    """Let two lots in, one right behind the other."""
    await bench.machine.lots.lot_start(CASEIN, LEA)
    await bench.wash(Bottles("a", first, glue="casein"), Bottles("b", second, glue="permanent"))
    await bench.until(lambda: bench.value("washer.bottles_in") >= first, 1200.0)
    await bench.machine.lots.lot_end(EndLot("L1"), LEA)
    await bench.machine.lots.lot_start(PERMANENT, LEA)


def test_bottles_and_rejects_of_two_lots_are_told_apart_at_the_outfeed(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await two_lots(bench)
        assert (lot_of(bench, "L1").state, lot_of(bench, "L1").bottles_in) == ("leaving", 300)
        assert lot_of(bench, "L2").state == "washing"
        await bench.restart()  # a new start of linectl finds both again
        await bench.until(lambda: bench.value("washer.bottles_in") >= 500, 1200.0)
        await bench.machine.lots.lot_end(EndLot(), LEA)
        by_the_clock = bench.value("washer.bottles_rejected")  # what had been rejected when the last bottle went in
        await bench.empty()
        truth = bench.rig.washer.chain.tallies
        for name, key in (("L1", "a"), ("L2", "b")):
            lot = lot_of(bench, name)
            assert (lot.state, lot.bottles_in) == ("washed", truth[key].fed)
            assert (lot.bottles_seen, lot.rejected) == (truth[key].judged, truth[key].rejected), name
            assert lot.label_rejects == lot.rejected, "this camera looks for labels alone"
            assert lot.used.water_l is not None
            assert lot.used.water_l > 0.0
            assert lot.used.naoh_g is None, "nothing on this line measures it"
            assert lot.reuse_by_ns == (lot.washed_ns or 0) + 180 * DAY_NS
        assert truth["b"].rejected > 10 * (truth["a"].rejected + 1), "else the two could have been mixed up unseen"
        assert by_the_clock < truth["a"].rejected + truth["b"].rejected, "the control: begin and end would not do"
        assert (await bench.stored()).lots() == bench.machine.lots.book.lots()
        shown = await bench.machine.lots.lot(LotArgs("L2"), LEA)
        assert 0.97 < shown["label_interval"]["low"] < shown["label_share"] <= shown["label_interval"]["high"] == 1.0

    on_a_washer(tmp_path, act)


def test_label_rejects_are_not_known_where_nobody_counted_as_one_lot_followed_the_other(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await two_lots(bench, 100, 200)
        await bench.until(lambda: bench.value("washer.bottles_out") >= 60, 1200.0)
        await bench.restart(gap_s=100.0)  # 80 bottles, and the last of the first lot among them
        first, second = lot_of(bench, "L1"), lot_of(bench, "L2")
        assert (first.state, first.bottles_seen, first.label_rejects) == ("washed", 100, None)
        assert second.bottles_seen > 0
        await bench.until(lambda: bench.value("washer.bottles_in") >= 300, 1200.0)
        await bench.machine.lots.lot_end(EndLot(), LEA)
        await bench.empty()
        second = lot_of(bench, "L2")
        assert (second.state, second.bottles_seen, second.label_rejects) == ("washed", 200, None)
        rejected = sum(tally.rejected for tally in bench.rig.washer.chain.tallies.values())
        assert first.rejected + second.rejected == rejected, "none is lost, and none is counted twice"

    on_a_washer(tmp_path, act)


def test_the_section_tells_the_lot_and_what_a_bottle_took_since_the_shift_began(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await two_lots(bench, 100, 50)
        await bench.until(lambda: bench.value("washer.bottles_out") >= 100, 1200.0)
        told = bench.section()
        json.dumps(told)
        assert (told["lot"]["name"], told["lot"]["glue"]) == ("L2", "permanent")
        assert told["counters"]["bottles_out"] >= 100
        assert told["counters"]["inside"] == bench.rig.washer.chain.counts.inside
        assert told["per_bottle"]["naoh_g"] is None
        water_l = bench.value("washer.water") / bench.value("washer.bottles_out")
        assert told["per_bottle"]["water_l"] == pytest.approx(water_l, rel=0.05)
        await bench.machine.hold(CommandArgs(), LEA)
        assert bench.machine.lots.inside() > 0

    on_a_washer(tmp_path, act)


def without_water(bench: Bench) -> FaultEngine:
    engine = FaultEngine(bench.rig, bench.clock, machines=("washer",))
    engine.add(FaultOrder("valve_stuck", "fresh"))
    engine.start()
    return engine


def test_a_lost_final_rinse_sets_the_bottles_of_the_last_transit_aside_by_number(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await two_lots(bench, 900, 200)
        await bench.until(lambda: bench.value("washer.bottles_out") >= 800, 1800.0)
        assert not any(lot.quarantined for lot in bench.machine.lots.book.lots())
        engine = without_water(bench)
        await bench.until(lambda: lot_of(bench, "L1").quarantined, 60.0)
        await bench.until(lambda: bench.section()["state"] == "held", 60.0)
        out = int(bench.value("washer.bottles_out"))
        (aside,) = lot_of(bench, "L1").quarantines
        assert (aside.reason, aside.by, aside.stands) == ("final_rinse_lost", "linectl", True)
        machine = 604  # pockets from infeed to exit, all of them full
        assert out - machine - 20 <= aside.first <= out - machine + 20, "one machine length, by number"
        assert aside.last is not None
        assert out < aside.last <= out + 20, "and what is in the final rinse"
        theirs = bench.plc.quarantines[-1]
        assert abs(theirs.first - aside.first) <= 20
        assert abs(theirs.last - aside.last) <= 20
        assert not lot_of(bench, "L2").quarantined, "those are still far from the rinse"
        entry = next(each for each in (await bench.stored()).audit() if each.action == "quarantine")
        assert (entry.actor, entry.target, entry.reason) == ("linectl", "L1", "final_rinse_lost")
        assert json.loads(entry.new or "{}")["bottles"][0]["first"] == aside.first

        await bench.clock.sleep(600.0)  # the chain stands: a wall clock would take more and more of them
        assert lot_of(bench, "L1").quarantines == (aside,)
        with pytest.raises(Refused, match="the cause still stands"):
            await bench.machine.lots.lot_release(LotArgs("L1", "looked at ten"), LEA)
        engine.clear_all()
        await engine.stop()

    on_a_washer(tmp_path, act)


def test_bottles_are_released_by_a_person_with_a_reason_once_the_cause_is_gone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        lots = bench.machine.lots
        await lots.lot_start(CASEIN, LEA)
        await bench.wash(Bottles("a", 40))
        await bench.until(lambda: bench.value("washer.bottles_out") >= 20, 1200.0)
        bench.trips = ["caustic_in_rinse", "chain_torque"]
        await bench.clock.sleep(2.0)
        assert [each.reason for each in lot_of(bench, "L1").quarantines] == ["caustic_in_rinse"]
        bench.trips = []
        await bench.empty()
        for wrong in (LotArgs("L1"), LotArgs("L1", "   ")):
            with pytest.raises(Refused, match="needs a reason"):
                await lots.lot_release(wrong, LEA)
        with pytest.raises(Refused, match="set aside"):
            await lots.lot_deliver(LotArgs("L1"), LEA)
        told = await lots.lot_release(LotArgs("L1", "pH 7.2 in ten of them"), LEA)
        assert (told["quarantined"], told["doubtful"], told["quarantines"][0]["released_by"]) == (False, 0, "Léa")
        with pytest.raises(Refused, match="no bottle of L1 is set aside"):
            await lots.lot_release(LotArgs("L1", "again"), LEA)
        await lots.lot_end(EndLot(), LEA)
        assert lot_of(bench, "L1").state == "washed"
        assert (await lots.lot_deliver(LotArgs("L1"), LEA))["state"] == "delivered"
        acts = [
            (entry.action, entry.actor, entry.reason)
            for entry in (await bench.stored()).audit()
            if entry.target == "L1"
        ]
        assert acts == [
            ("lot_started", "Léa", ""),
            ("quarantine", "linectl", "caustic_in_rinse"),
            ("lot_released", "Léa", "pH 7.2 in ten of them"),
            ("lot_ended", "Léa", ""),
            ("lot_delivered", "Léa", ""),
        ]
        assert (await bench.stored()).audit_broken() is None

    on_a_washer(tmp_path, act)


def test_interlocks_that_look_at_the_final_rinse_alone_set_bottles_aside(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        assert bench.machine.lots.rinse == {"final_rinse_lost", "caustic_in_rinse"}
        await bench.wash(Bottles("a", 40))
        await bench.until(lambda: bench.value("washer.bottles_out") >= 20, 1200.0)
        bench.trips = ["chain_torque", "z3_hot"]
        await bench.clock.sleep(2.0)
        assert (await bench.stored()).loose_quarantines() == []
        bench.trips = ["final_rinse_lost"]  # bottles of no lot are set aside too
        await bench.clock.sleep(30.0)
        (loose,) = (await bench.stored()).loose_quarantines()
        assert (loose.first, loose.stands) == (1, True)

    on_a_washer(tmp_path, act)


def test_past_lots_from_a_spreadsheet_have_no_bottles_to_set_aside(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        past = Lot("P1", "Zoé", "b", "casein", 1, "Max", ended_ns=1, washed_ns=1, bottles_in=600, bottles_seen=600)
        assert bench.server.store is not None
        await bench.server.store.put_lots([past], {})
        await bench.restart()
        await bench.wash(Bottles("a", 40))
        await bench.until(lambda: bench.value("washer.bottles_out") >= 20, 1200.0)
        bench.trips = ["final_rinse_lost"]
        await bench.clock.sleep(2.0)
        assert lot_of(bench, "P1") == past
        assert len((await bench.stored()).loose_quarantines()) == 1

    on_a_washer(tmp_path, act)


def test_a_person_sets_bottles_aside_and_must_say_why(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        lots = bench.machine.lots
        await lots.lot_start(PERMANENT, LEA)
        with pytest.raises(Refused, match="needs a reason"):
            await lots.lot_quarantine(QuarantineArgs("L2"), LEA)
        with pytest.raises(Refused, match="counted from 1"):
            await lots.lot_quarantine(QuarantineArgs("L2", "smell", 5, 2), LEA)
        with pytest.raises(Refused) as caught:
            await lots.lot_quarantine(QuarantineArgs("L9", "smell"), LEA)
        assert caught.value.code == "E-LOT-001"
        told = await lots.lot_quarantine(QuarantineArgs("L2", "smell of wine", 5, 9), LEA)
        assert (told["quarantines"][0]["first"], told["quarantines"][0]["told"]) == (5, "smell of wine")

    on_a_washer(tmp_path, act)


def test_one_lot_goes_in_at_a_time_and_each_has_its_name(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        lots = bench.machine.lots
        with pytest.raises(Refused, match="no lot goes in"):
            await lots.lot_end(EndLot(), LEA)
        first = await lots.lot_start(StartLot("Zoé", "burgundy_75cl", "unknown"), LEA)
        assert first["name"].endswith("-1")
        with pytest.raises(Refused, match="end it first"):
            await lots.lot_start(CASEIN, LEA)
        with pytest.raises(Refused, match="goes in, not L1"):
            await lots.lot_end(EndLot("L1"), LEA)
        done = await lots.lot_end(EndLot(), LEA)
        assert done["state"] == "washed", "nothing is inside: nobody waits for it"
        assert (await lots.lot_start(StartLot("Zoé", "burgundy_75cl", "unknown"), LEA))["name"].endswith("-2")
        await lots.lot_end(EndLot(), LEA)
        for name, why in ((first["name"], "already"), ("../etc", "no name"), ("last", "no name")):
            with pytest.raises(Refused, match=why):
                await lots.lot_start(StartLot("Zoé", "b", "unknown", name=name), LEA)
        for grower in ("Zoé\x1b[2J", "two\nlines", "x" * 201):
            with pytest.raises(Refused, match="one line, of 200 characters"):
                await lots.lot_start(StartLot(grower, "burgundy_75cl", "casein"), LEA)
        with pytest.raises(Refused, match="needs --glue"):
            await lots.lot_start(StartLot("Zoé", "burgundy_75cl", " "), LEA)

    on_a_washer(tmp_path, act)


def test_a_washed_lot_is_told_thirty_days_before_it_must_be_used(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        lots = bench.machine.lots
        await lots.lot_start(StartLot("Zoé", "burgundy_75cl", "casein", name="L0"), LEA)
        await lots.lot_end(EndLot(), LEA)
        assert lot_of(bench, "L0").reuse_by_ns is None, "no recipe says of which washer, and so for how long"
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await lots.lot_start(CASEIN, LEA)
        await lots.lot_end(EndLot(), LEA)
        lot = lot_of(bench, "L1")
        assert lot.reuse_by_ns is not None
        assert not is_due(lot, lot.reuse_by_ns - 31 * DAY_NS)
        assert is_due(lot, lot.reuse_by_ns - 30 * DAY_NS)
        assert is_due(lot, lot.reuse_by_ns + DAY_NS), "and when it is over"
        assert await lots.lots(LotsArgs(due_days=30.0), LEA) == []
        assert [each["name"] for each in await lots.lots(LotsArgs(due_days=181.0), LEA)] == ["L1"]
        await lots.lot_deliver(LotArgs("L1"), LEA)
        assert not is_due(lot_of(bench, "L1"), lot.reuse_by_ns), "what has left is nobody's worry here"

    on_a_washer(tmp_path, act)


def test_a_scan_in_which_nothing_moved_is_all_but_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a clock's answer, for this computer is shared: what is called is counted."""

    async def act(bench: Bench) -> None:
        scans: list[Scan] = []
        bench.server.line.on_scan(scans.append)
        await bench.clock.sleep(3.0)
        fast = next(scan for scan in scans if len(scan.readings) > 20)
        machine = bench.machine
        asked: list[int] = []
        honest = machine.lots.counts.totals

        def counted() -> dict[str, int]:
            asked.append(1)
            return honest()

        monkeypatch.setattr(machine.lots.counts, "totals", counted)
        machine.scan(fast)
        asked.clear()
        version = machine.version
        for _ in range(100):
            machine.scan(fast)
        assert (asked, machine.version) == ([], version)

    on_a_washer(tmp_path, act)
