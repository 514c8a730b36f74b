"""Serial lines over real pseudo-terminals: whole lines only, unplug and replug, and a clock that jumps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drivers.serial_port
from drivers.errors import LinkDown
from drivers.in_flight import in_flight
from drivers.lines import LINE_LIMIT, LineBuffer, LinePort, open_line_port
from drivers.serial_port import PtyEnd
from drivers.settings import SerialSettings
from linectl.clock import VirtualTimeLoop


@given(st.lists(st.binary(max_size=12)))
def test_lines_are_the_same_however_the_bytes_are_cut(chunks: list[bytes]) -> None:
    buffer = LineBuffer()
    lines = [line for chunk in chunks for line in buffer.feed(chunk)]
    assert lines == b"".join(chunks).split(b"\r")[:-1]
    assert buffer.overflows == 0


@pytest.mark.parametrize("terminator", [b"\r", b"\r\n"])
def test_a_line_that_is_too_long_is_dropped_and_counted(terminator: bytes) -> None:
    buffer = LineBuffer(terminator, limit=10)
    assert buffer.feed(b"x" * 25) == []
    assert buffer.feed(b"y" * 25 + terminator[:1]) == []
    assert buffer.feed(terminator[1:] + b"7.82" + terminator) == [b"7.82"]
    assert buffer.feed(b"z" * 11 + terminator + b"7.83" + terminator) == [b"7.83"]
    assert buffer.overflows == 2
    assert "2 overflows" in repr(buffer)


def test_clearing_forgets_half_a_line() -> None:
    buffer = LineBuffer()
    assert buffer.feed(b"71.") == []
    assert buffer.clear() == 3
    assert buffer.feed(b"72.5\r") == [b"72.5"]


async def open_port(
    path: str, on_line: Callable[[bytes], bool] | None = None, on_lost: Callable[[str], None] | None = None
) -> LinePort:
    return await open_line_port(SerialSettings(path), on_line=on_line, on_lost=on_lost)


async def read_line(port: LinePort, within_s: float = 5.0) -> bytes:
    async with asyncio.timeout(within_s):
        return await port.read_line()


async def test_lines_go_both_ways() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        port.write(b"R\r")
        assert await end.read_line() == b"R"
        end.write(b"71.234\r*OK\r")
        assert [await read_line(port), await read_line(port)] == [b"71.234", b"*OK"]
        assert repr(port) == f"<LinePort {end.path} open>"
        port.close()
        assert repr(port) == f"<LinePort {end.path} closed>"


@pytest.mark.fault("F12")
async def test_half_a_line_is_no_line() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        end.write(b"7")
        with pytest.raises(TimeoutError):
            await read_line(port, 0.1)
        end.write(b"1.3\r")
        assert await read_line(port) == b"71.3"
        port.close()


async def test_what_waited_before_the_port_was_opened_is_thrown_away() -> None:
    async with PtyEnd() as end:
        end.write(b"12.3\r45")
        await asyncio.sleep(0.05)
        port = await open_port(end.path)
        end.write(b"71.3\r")
        assert await read_line(port) == b"71.3"
        port.close()


async def test_discard_throws_away_lines_and_half_a_line() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        end.write(b"1.0\r2.0\r3")
        await asyncio.sleep(0.05)
        assert await port.discard() == len(b"1.02.03")
        end.write(b"4.0\r")
        assert await read_line(port) == b"4.0"
        assert await port.discard() == 0
        port.close()


async def test_bytes_that_have_arrived_unseen_are_discarded_too() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        end.write(b"old\r")
        time.sleep(0.05)  # noqa: ASYNC251  # the loop must not see the bytes before the discard does
        assert await port.discard() == 3
        await asyncio.sleep(0.01)
        assert not port.lost
        port.close()


@pytest.mark.fault("F12")
async def test_garbage_costs_one_line() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        end.write(bytes(range(14, 256)) + b"\r71.3\r")
        assert await read_line(port) != b"71.3"
        assert await read_line(port) == b"71.3"
        port.close()


@pytest.mark.fault("F12")
async def test_a_flood_without_terminator_is_bounded_and_counted() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        for _ in range(50):
            end.write(b"x" * 1000)
            await asyncio.sleep(0.002)
        end.write(b"\r71.3\r")
        assert await read_line(port) == b"71.3"
        assert port.overflows == 1
        assert len(port._buffer.unfinished) <= LINE_LIMIT
        port.close()


async def test_a_flood_of_lines_keeps_the_newest() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        for k in range(1000):
            end.write(f"{k}\r".encode())
            if k % 100 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        lines = [await read_line(port) for _ in range(256)]
        assert lines[-1] == b"999"
        with pytest.raises(TimeoutError):
            await read_line(port, 0.05)
        port.close()


async def test_what_the_kernel_does_not_take_at_once_follows() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        text = b"0123456789abcde" * 2500  # 37.5 kB, a pty holds about 4 to 20 kB
        end.write(text + b"\r")
        with pytest.raises(LinkDown, match="takes no bytes"):
            end.write(b"x" * 66_000)
        assert end._unsent
        while end._unsent:  # the kernel tells nobody but the end itself
            await asyncio.sleep(0.001)
        end.write(b"71.3\r")
        assert await read_line(port) == b"71.3"
        assert port.overflows == 1
        port.close()


async def test_every_line_is_seen_as_it_arrives() -> None:
    async with PtyEnd() as end:
        seen: list[bytes] = []

        def see(line: bytes) -> bool:
            seen.append(line)
            return False

        port = await open_port(end.path, on_line=see)
        end.write(b"*RE\r7")
        await asyncio.sleep(0.1)
        assert seen == [b"*RE"]
        port.close()


@pytest.mark.fault("F11")
async def test_an_unplug_is_noticed_at_once() -> None:
    loop = asyncio.get_running_loop()
    lost: list[float] = []
    end = PtyEnd()
    port = await open_port(end.path, on_lost=lambda _why: lost.append(loop.time()))
    waiting = asyncio.create_task(read_line(port))
    await asyncio.sleep(0.01)
    unplugged = loop.time()
    end.close()
    with pytest.raises(LinkDown, match=end.path):
        await waiting
    assert len(lost) == 1
    assert lost[0] - unplugged < 0.5
    with pytest.raises(LinkDown):
        port.write(b"R\r")
    with pytest.raises(LinkDown):
        await port.read_line()
    port.close()
    assert len(lost) == 1


async def test_closing_by_oneself_is_no_loss() -> None:
    async with PtyEnd() as end:
        lost: list[int] = []
        port = await open_port(end.path, on_lost=lambda _why: lost.append(1))
        port.close()
        with pytest.raises(LinkDown, match="closed"):
            await port.read_line()
        assert lost == []


async def test_the_far_end_lives_on_without_a_program_and_does_not_spin() -> None:
    async with PtyEnd() as end:
        for k in range(3):
            port = await open_port(end.path)
            port.write(b"R\r")
            assert await end.read_line() == b"R"
            end.write(f"{k}\r".encode())
            assert await read_line(port) == str(k).encode()
            port.close()
        reading = asyncio.create_task(end.read_line())
        before = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - before < 0.15  # a spinning reader takes it all
        assert not reading.done()
        reading.cancel()


async def test_a_port_is_opened_by_one_program_alone() -> None:
    async with PtyEnd() as end:
        port = await open_port(end.path)
        with pytest.raises(LinkDown, match=f"{end.path}.*another program"):
            await open_port(end.path)
        port.close()
        (await open_port(end.path)).close()


@pytest.mark.parametrize("path", ["/dev/no-such-port", "/dev/null", "/"])
async def test_what_is_no_port_is_named(path: str) -> None:
    with pytest.raises(LinkDown, match=path):
        await open_port(path)


async def test_a_link_follows_the_replug(tmp_path: Path) -> None:
    path = tmp_path / "ezo-rtd"
    first = PtyEnd()
    first.link(path)
    (await open_port(str(path))).close()
    second = PtyEnd()
    second.link(path)
    first.close()
    assert path.readlink() == Path(second.path)  # the old end does not take away the new one's link
    port = await open_port(str(path))
    second.write(b"2\r")
    assert await read_line(port) == b"2"
    port.close()
    second.close()
    assert not path.is_symlink()
    with pytest.raises(LinkDown, match=str(path)):
        await open_port(str(path))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_no_file_is_left_open() -> None:
    before = open_files()
    for _ in range(5):
        end = PtyEnd()
        port = await open_port(end.path)
        with pytest.raises(LinkDown):
            await open_port(end.path)
        port.close()
        port.close()
        end.close()
        end.close()
    assert open_files() == before


READS = 3600


async def poll_an_instrument(reads: int) -> int:
    """Read an instrument that answers after 300 ms each second, with 600 ms of patience; return the false timeouts."""
    loop = asyncio.get_running_loop()

    async def instrument(end: PtyEnd) -> None:
        while True:
            await end.read_line()
            await asyncio.sleep(0.3)
            end.write(b"71.234\r*OK\r")

    timeouts, started = 0, loop.time()
    async with PtyEnd() as end:
        serving = asyncio.create_task(instrument(end))
        port = await open_port(end.path)
        for k in range(reads):
            await port.discard()
            port.write(b"R\r")
            try:
                async with asyncio.timeout(0.6):
                    assert [await port.read_line(), await port.read_line()] == [b"71.234", b"*OK"]
            except TimeoutError:
                timeouts += 1
            await asyncio.sleep(started + k + 1 - loop.time())
        port.close()
        serving.cancel()
        counter = in_flight()
        assert counter is not None
        assert not counter
    return timeouts


def test_an_hour_on_a_jumping_clock_has_no_false_timeout() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(poll_an_instrument(READS)) == 0


def test_without_the_counting_the_clock_jumps_past_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers.serial_port, "in_flight", lambda: None)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert any(runner.run(poll_an_instrument(READS // 10)) for _ in range(30))


def test_nothing_sent_is_not_waited_for() -> None:
    async def main() -> bool:
        async with PtyEnd() as end:
            port = await open_port(end.path)
            end.write(b"")
            counter = in_flight()
            assert counter is not None
            waits = bool(counter)
            port.close()
            return waits

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) is False


def test_bytes_that_nobody_hears_do_not_hold_the_clock() -> None:
    async def main() -> float:
        async with PtyEnd() as end:
            for _ in range(600):
                end.write(b"*RE\r")  # no program has the port: these are not waited for
                await asyncio.sleep(1)
            port = await open_port(end.path)
            end.write(b"71.3\r")
            async with asyncio.timeout(0.001):
                assert await port.read_line() == b"71.3"
            port.write(b"R\r")
            port.close()
            await asyncio.sleep(1)
            return asyncio.get_running_loop().time()

    started = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == pytest.approx(601)
    assert time.monotonic() - started < 30  # waited for, each line would cost a second
