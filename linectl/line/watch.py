"""What changed on the line: links lost and back, sensors bad and good again, the PLC's boots, alarms and pulse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from linectl.model.readings import Quality, Reading

__all__ = ["PULSE_LOST_S", "Emit", "Watch"]

Emit = Callable[[str, Mapping[str, object]], None]

PULSE_LOST_S = 3.0  # the PLC's own counter moves at least so often, or its program stands still
_SILENCES = 2  # scans in a row without any answer; one alone is a slow reply
_SENSOR_REASONS = {"not_connected", "sensor_failure", "out_of_range", "stale", "timeout", "bad_reply"}


class Watch:
    """Tells each change once, through `emit`.

    A link is lost when it is not connected, or when two scans in a row had no answer at all; it is back with its first
    answer. The sensors behind a lost link are not told one by one.
    """

    def __init__(self, emit: Emit, links: Iterable[str]) -> None:
        self._emit = emit
        self._lost: dict[str, str] = {}
        self._connected = dict.fromkeys(links, True)
        self._silences = dict.fromkeys(self._connected, 0)
        self._bad: set[str] = set()
        self._boots: object = None
        self._alarms: object = None
        self._pulse: object = None
        self._pulse_s = 0.0
        self.pulse_lost = False

    def is_lost(self, link: str) -> bool:
        """Return whether `link` is lost now."""
        return link in self._lost

    def why_lost(self, link: str) -> str | None:
        """Return why `link` is lost now, None when it is not."""
        return self._lost.get(link)

    def connected(self, link: str, is_open: bool) -> bool:
        """Take whether a link is connected; return whether it has just come back (it has yet to answer)."""
        before = self._connected[link]
        self._connected[link] = is_open
        if not is_open:
            self._lose(link, "not_connected", "")
        return is_open and not before

    def answered(self, link: str, alive: bool, reason: str = "", detail: str = "") -> None:
        """Take whether anything asked of `link` was answered."""
        self._silences[link] = 0 if alive else self._silences[link] + 1
        if not alive and (reason == "not_connected" or self._silences[link] >= _SILENCES):
            self._lose(link, reason, detail)
        elif alive and link in self._lost and self._connected[link]:
            why = self._lost.pop(link)
            self._emit("link_back", {"link": link, "reason": why})

    def _lose(self, link: str, reason: str, detail: str) -> None:
        if link not in self._lost:
            self._lost[link] = reason
            self._emit("link_lost", {"link": link, "reason": reason, "detail": detail})

    def sensor(self, tag: str, quality: Quality, detail: str) -> None:
        """Take a changed quality of a tag on a link that answers."""
        if quality.reason in _SENSOR_REASONS:
            if tag not in self._bad:
                self._bad.add(tag)
                self._emit("sensor_bad", {"tag": tag, "reason": quality.reason, "detail": detail})
        elif quality.is_good and tag in self._bad:
            self._bad.discard(tag)
            self._emit("sensor_back", {"tag": tag})

    def pulse(self, link: str, counter: object, now_s: float) -> None:
        """Take the PLC's own counter; when it stands still, its program does, however well its network card answers."""
        if counter is None or counter != self._pulse:
            self._pulse, self._pulse_s = counter, now_s
            if self.pulse_lost:
                self.pulse_lost = False
                self._emit("link_back", {"link": link, "reason": "plc_counter"})
        elif now_s - self._pulse_s > PULSE_LOST_S and not self.pulse_lost:
            self.pulse_lost = True
            self._emit("link_lost", {"link": link, "reason": "plc_counter", "detail": f"counter stands at {counter}"})

    def rebooted(self, reading: Reading) -> bool:
        """Take the boot counter; return whether the PLC has been restarted since it was last seen."""
        if reading.value is None or reading.value == self._boots:
            return False
        before, self._boots = self._boots, reading.value
        if before is None:
            return False
        self._emit("plc_reboot", {"before": before, "now": reading.value})
        return True

    def alarms(self, reading: Reading) -> None:
        """Take the alarm word; any change is told, back to 0 too."""
        if reading.value is None or reading.value == self._alarms:
            return
        before, self._alarms = self._alarms, reading.value
        if before is not None or reading.value:
            self._emit("plc_alarm", {"before": before or 0, "now": reading.value})
