"""One owner a wire: order, deadlines, losses."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

import pytest

from drivers.errors import LinkDown, ReplyTimeout
from drivers.link import Priority
from drivers.owner import Owner, backoff
from linectl.clock import VirtualTimeLoop


class Wire:
    """A wire that counts its connections and can refuse them."""

    def __init__(self) -> None:
        self.connected = 0
        self.refuse = False

    async def connect(self) -> None:
        if self.refuse:
            raise LinkDown("nobody there")
        self.connected += 1

    async def disconnect(self) -> None:
        await asyncio.sleep(0)

    def owner(self) -> Owner:
        return Owner("wire", self.connect, self.disconnect, backoff_s=(0.01, 0.02))


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def until(condition: Callable[[], bool]) -> None:
    """Wait (5 s at most) for `condition`."""
    async with asyncio.timeout(5):
        while not condition():  # what is watched has no event
            await asyncio.sleep(0.005)


async def test_the_most_urgent_goes_first() -> None:
    owner, done, gate = Wire().owner(), list[str](), asyncio.Event()
    await owner.start()

    async def act(name: str) -> None:
        await gate.wait()
        done.append(name)

    async def call(name: str, priority: Priority) -> None:
        await owner.call(lambda: act(name), deadline=soon(), priority=priority)

    calls = [asyncio.create_task(call("first", Priority.SCAN))]
    await asyncio.sleep(0.01)
    for name, priority in (("scan", Priority.SCAN), ("heartbeat", Priority.HEARTBEAT), ("stop", Priority.STOP)):
        calls.append(asyncio.create_task(call(name, priority)))
    await asyncio.sleep(0.01)
    gate.set()
    await asyncio.gather(*calls)
    await owner.stop()
    assert done == ["first", "stop", "heartbeat", "scan"]


async def test_what_is_late_is_not_sent() -> None:
    owner, sent = Wire().owner(), list[str]()
    await owner.start()

    async def slow() -> None:
        await asyncio.sleep(0.2)

    async def fast() -> None:
        sent.append("late")

    first = asyncio.create_task(owner.call(slow, deadline=soon(), priority=Priority.SCAN))
    await asyncio.sleep(0.01)
    with pytest.raises(ReplyTimeout):
        await owner.call(fast, deadline=soon(0.05), priority=Priority.SCAN)
    await first
    await asyncio.sleep(0.01)
    await owner.stop()
    assert not sent


async def test_a_deadline_that_has_passed_already_is_not_sent_either() -> None:
    owner, sent = Wire().owner(), list[int]()
    await owner.start()

    async def act() -> None:
        sent.append(1)

    for late_s in (0.0, 1.0):
        with pytest.raises(ReplyTimeout, match="had passed"):
            await owner.call(act, deadline=soon(-late_s), priority=Priority.STOP)
    await asyncio.sleep(0.01)
    assert not sent
    await owner.stop()


async def test_a_caller_that_goes_away_leaves_the_wire_alone() -> None:
    owner, ended = Wire().owner(), list[bool]()
    await owner.start()

    async def act() -> None:
        await asyncio.sleep(0.05)
        ended.append(True)

    caller = asyncio.create_task(owner.call(act, deadline=soon(), priority=Priority.READ))
    await asyncio.sleep(0.01)
    caller.cancel()
    await asyncio.sleep(0.1)
    await owner.stop()
    assert ended == [True]


async def test_a_loss_fails_what_waits_at_once_and_the_wire_comes_back() -> None:
    wire = Wire()
    owner = wire.owner()
    await owner.start()

    async def never() -> None:
        await asyncio.sleep(60)

    waiting = [asyncio.create_task(owner.call(never, deadline=soon(60), priority=Priority.READ)) for _ in range(3)]
    await asyncio.sleep(0.01)
    began_s = asyncio.get_running_loop().time()
    owner.lost()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, LinkDown) for end in ends)
    assert asyncio.get_running_loop().time() - began_s < 1
    await until(lambda: owner.is_open)
    assert wire.connected == 2
    assert "open" in repr(owner)
    await owner.stop()


async def test_a_first_connection_that_fails_leaves_nothing_running() -> None:
    wire = Wire()
    wire.refuse = True
    owner = wire.owner()
    with pytest.raises(LinkDown, match="nobody there"):
        await owner.start()
    with pytest.raises(LinkDown):
        await owner.call(wire.connect, deadline=soon(), priority=Priority.READ)


async def test_stopping_fails_what_is_on_the_wire() -> None:
    owner = Wire().owner()
    await owner.start()

    async def never() -> None:
        await asyncio.sleep(60)

    waiting = asyncio.create_task(owner.call(never, deadline=soon(60), priority=Priority.READ))
    await asyncio.sleep(0.01)
    await owner.stop()
    with pytest.raises(LinkDown, match="closed"):
        await waiting


async def test_an_action_that_breaks_fails_its_caller_alone() -> None:
    owner = Wire().owner()
    await owner.start()

    async def breaks() -> None:
        raise ZeroDivisionError

    async def works() -> int:
        return 7

    with pytest.raises(ZeroDivisionError):
        await owner.call(breaks, deadline=soon(), priority=Priority.READ)
    assert await owner.call(works, deadline=soon(), priority=Priority.READ) == 7
    await owner.stop()


@pytest.mark.parametrize("stubborn", [False, True])
async def test_deadlines_and_losses_leave_the_owner_at_work(stubborn: bool) -> None:
    """Its own cancellations must not add up, not even when an action turns them into an error of its own."""
    owner = Wire().owner()
    await owner.start()

    async def silent() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if stubborn:
                raise ReplyTimeout("of its own") from None
            raise

    async def works() -> int:
        await asyncio.sleep(0)
        return 7

    for _ in range(3):
        with pytest.raises(ReplyTimeout):
            await owner.call(silent, deadline=soon(0.01), priority=Priority.READ)
        assert await owner.call(works, deadline=soon(), priority=Priority.READ) == 7
    pending = asyncio.create_task(owner.call(silent, deadline=soon(), priority=Priority.READ))
    await asyncio.sleep(0.01)
    owner.lost("cable out")
    with pytest.raises((LinkDown, ReplyTimeout)):
        await pending
    await until(lambda: owner.is_open)
    assert await owner.call(works, deadline=soon(), priority=Priority.READ) == 7
    await owner.stop()


async def test_the_action_on_the_wire_may_declare_it_lost() -> None:
    wire = Wire()
    owner = wire.owner()
    await owner.start()

    async def at_its_deadline() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            owner.lost("silent")

    async def at_once() -> None:
        owner.lost("silent")
        raise LinkDown("by itself")

    for action, error in ((at_its_deadline, ReplyTimeout), (at_once, LinkDown)):
        with pytest.raises(error):
            await owner.call(action, deadline=soon(0.02), priority=Priority.READ)
        assert not owner.is_open
        await until(lambda: owner.is_open)
    assert wire.connected == 3
    await owner.stop()


async def test_a_caller_that_goes_away_in_the_queue_is_not_served() -> None:
    owner, sent = Wire().owner(), list[str]()
    await owner.start()

    async def act(name: str) -> None:
        sent.append(name)
        await asyncio.sleep(0.02)

    calls = [
        asyncio.create_task(owner.call(partial(act, name), deadline=soon(), priority=Priority.READ))
        for name in ("first", "second", "third")
    ]
    await asyncio.sleep(0.005)
    calls[1].cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await owner.stop()
    assert sent == ["first", "third"]


async def test_a_whole_action_outlives_its_callers_deadline() -> None:
    wire, ended = Wire(), list[str]()
    owner = Owner("wire", wire.connect, wire.disconnect, whole=True)
    await owner.start()

    async def act(name: str) -> None:
        await asyncio.sleep(0.05)
        ended.append(name)

    with pytest.raises(ReplyTimeout):
        await owner.call(partial(act, "first"), deadline=soon(0.01), priority=Priority.READ)
    assert not ended
    await owner.call(partial(act, "second"), deadline=soon(), priority=Priority.READ)
    assert ended == ["first", "second"]
    await owner.stop()


def test_nothing_is_begun_before_the_wire_is_ready_and_the_most_urgent_goes_first_then() -> None:
    async def main() -> list[str]:
        wire, done, ready_s = Wire(), list[str](), [10.0]
        owner = Owner("wire", wire.connect, wire.disconnect, ready_at=lambda: ready_s[0])
        await owner.start()

        async def act(name: str) -> None:
            done.append(f"{name} {soon(0):.0f}")

        calls = []
        for name, priority in (("scan", Priority.SCAN), ("read", Priority.READ), ("stop", Priority.STOP)):
            calls.append(asyncio.create_task(owner.call(partial(act, name), deadline=soon(60), priority=priority)))
            await asyncio.sleep(1)
        with pytest.raises(ReplyTimeout):
            await owner.call(partial(act, "late"), deadline=soon(1), priority=Priority.STOP)
        await asyncio.gather(*calls)
        ready_s[0] = 1e9
        waiting = asyncio.create_task(owner.call(partial(act, "never"), deadline=soon(60), priority=Priority.READ))
        await asyncio.sleep(1)
        owner.lost("cable out")
        with pytest.raises(LinkDown, match="cable out"):
            await waiting
        assert soon(0) < 13
        await owner.stop()
        return done

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == ["stop 10", "read 10", "scan 10"]


async def test_each_waiter_gets_an_error_of_its_own() -> None:
    owner = Wire().owner()
    await owner.start()

    async def never() -> None:
        await asyncio.sleep(60)

    waiting = [asyncio.create_task(owner.call(never, deadline=soon(60), priority=Priority.READ)) for _ in range(3)]
    await asyncio.sleep(0.01)
    owner.lost("cable out")
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert len({id(end) for end in ends}) == 3
    await owner.stop()


def test_an_outage_costs_no_real_time_on_a_clock_that_jumps() -> None:
    async def outage() -> tuple[float, int]:
        wire = Wire()
        owner = Owner("wire", wire.connect, wire.disconnect, seed=7)
        await owner.start()
        wire.refuse = True
        owner.lost()
        await asyncio.sleep(3600)
        assert not owner.is_open
        assert "reconnecting" in repr(owner)
        assert owner.last_error == "nobody there"
        wire.refuse = False
        began_s = soon(0)
        await until(lambda: owner.is_open)
        await owner.stop()
        return soon(0) - began_s, owner.reconnects

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        back_s, reconnects = runner.run(outage())
    assert back_s <= 1.01
    assert reconnects == 1


def test_pauses_double_up_to_the_longest() -> None:
    pauses = list(itertools.islice(backoff(0.1, 1.0, seed=1), 8))
    for pause, full in zip(pauses, (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0), strict=True):
        assert full / 2 <= pause <= full
    assert pauses == list(itertools.islice(backoff(0.1, 1.0, seed=1), 8))


def test_pauses_are_spread_by_the_seed() -> None:
    """Ten programs that lost the same broker do not come back in the same instant."""
    firsts = {round(next(backoff(0.1, 1.0, seed)), 6) for seed in range(10)}
    assert len(firsts) == 10
    assert 0.05 <= min(firsts) < 0.07
    assert 0.08 < max(firsts) <= 0.1
    assert list(itertools.islice(backoff(0.1, 1.0, 3), 9)) == list(itertools.islice(backoff(0.1, 1.0, 3), 9))
