"""What a person does with a soak bath, as a procedure on a line: drain, fill, dose, heat, wait until it is stable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from drivers.link import Outcome
from linectl.clock import Clock
from linectl.errors import DeviceError, Refused
from linectl.lab.halt import Halt
from linectl.lab.heating import Blind, Gain
from linectl.lab.journal import Journal, Questions
from linectl.lab.schedule import BathState
from linectl.line.line import Line
from linectl.line.reports import Command
from linectl.model.experiments import Stabilisation
from linectl.model.lines import Zone
from linectl.model.prompts import Prompt, PromptKind
from linectl.model.readings import Value
from linectl.words import tr

__all__ = ["DOSE_WITHIN_PCT", "BathProcedure", "naoh_of"]

DOSE_WITHIN_PCT = 0.2
EMPTY_PCT = 2.0
FULL_PCT = 95.0

_LOOK_S = 1.0  # process time between two looks at a temperature or a conductivity
_SETTLE_S = 180.0  # process time in which a dose must show in the conductivity: stirring, and the lag of the cell
_WATER_MS_CM = 1.5  # plain water conducts less at any temperature: 0.01 % NaOH at 90 °C gives 1.3 mS/cm
_SLACK, _SLACK_S = 1.5, 120.0  # a fill or drain may take so much longer than the line's file says
_TRIP_STATES = {9: "aborted", 11: "held"}  # PackML

Phase = Callable[[str], Awaitable[None]]


async def _unannounced(_phase: str) -> None:
    """Announce nothing: a procedure outside a run."""


def naoh_of(naoh: object, conductivity: object) -> float | None:
    """Return the NaOH in % that GOOD values of both tags tell (None: not GOOD); plain water, below the law, is 0."""
    if isinstance(naoh, float | int):
        return float(naoh)
    if isinstance(conductivity, float | int) and conductivity < _WATER_MS_CM:
        return 0.0
    return None


class BathProcedure:
    """Works one bath through its line, and believes nothing that was not read back.

    `enter` is awaited with the name of each phase before it acts (see `schedule.PHASES`); stops asked of `halt` take
    effect between phases and while waiting for a temperature. What is wrong and does not end the work is in `flags`.
    Durations are process time.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        zone: Zone,
        questions: Questions,
        journal: Journal,
        *,
        halt: Halt | None = None,
        enter: Phase = _unannounced,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._line = line
        self._clock = clock
        self._zone = zone
        self._questions = questions
        self._journal = journal
        self._halt = halt or Halt(clock)
        self._enter = enter
        self._look = look
        self._heating = False
        self._skip = False
        self.flags: list[str] = []

    # what is measured

    def value(self, quantity: str) -> float | None:
        """Return the zone's latest GOOD value of `quantity` (`temperature`, `level` ...), else None."""
        reading = self._line.reading(f"{self._zone.name}.{quantity}")
        return None if reading.value is None or not reading.quality.is_good else float(reading.value)

    def naoh_pct(self) -> float | None:
        """Return the bath's NaOH in % by conductivity; 0 for plain water, None when it cannot be measured."""
        return naoh_of(self.value("naoh"), self.value("conductivity"))

    def state(self) -> BathState | None:
        """Return what is in the bath, None when it cannot be measured or the bath holds too little to tell."""
        temperature, naoh, level = self.value("temperature"), self.naoh_pct(), self.value("level")
        if temperature is None or naoh is None or level is None or level < FULL_PCT / 2:
            return None
        return BathState(temperature, naoh)

    # what is done

    async def make_ready(self) -> None:
        """Bring a tripped or aborted controller back; for the start of a run, when a person has just asked for it.

        Raises:
            DeviceError: the controller's state cannot be read.
            Refused: the cause of an alarm still stands.
        """
        if f"{self._zone.name}.state" not in self._line.definition.tags:
            return
        state = (await self._line.read(f"{self._zone.name}.state")).value
        if state is None:
            raise DeviceError(tr("the state of the controller of {zone} cannot be read").format(zone=self._zone.name))
        alarms = (await self._line.read(f"{self._zone.name}.alarm_word")).value
        if state not in _TRIP_STATES and not alarms:
            return
        await self._journal.event("made_ready", state=_TRIP_STATES.get(int(state), int(state)), alarms=alarms)
        if alarms or state == 11:
            await self._command(Command.ACKNOWLEDGE, 5.0)
        state = (await self._line.read(f"{self._zone.name}.state")).value
        if state in _TRIP_STATES:
            await self._command(Command.CLEAR if state == 9 else Command.UNHOLD, 5.0)

    async def drain(self) -> None:
        """Switch heater and stirrer off and let everything out; nothing to do for an empty bath."""
        level = self.value("level")
        if level is not None and level < EMPTY_PCT:
            return
        await self._enter("drain")
        await self.heater_off()
        await self._set("stirrer", 0)
        await self._command(Command.DRAIN, self._within(self._zone.drain_l_min))

    async def fill(self, stirrer_pct: float = 0.0) -> None:
        """Fill to the full level, then stir."""
        await self._enter("fill")
        await self._command(Command.FILL, self._within(self._zone.fill_l_min))
        await self._set("stirrer", stirrer_pct)

    async def refill(self, stirrer_pct: float = 0.0) -> None:
        """Drain and fill: the only way down in NaOH, and the fast way down in temperature."""
        await self.drain()
        await self._halt.boundary()
        await self.fill(stirrer_pct)
        await self._halt.boundary()

    async def top_up(self, stirrer_pct: float = 0.0) -> None:
        """Replace what evaporated or was carried out, when it is enough to matter (below 95 %), and stir."""
        level = self.value("level")
        if level is None or level < FULL_PCT:
            await self.fill(stirrer_pct)
        else:
            await self._set("stirrer", stirrer_pct)
        await self._halt.boundary()

    async def dose(self, naoh_pct: float) -> None:
        """Dose up to `naoh_pct` % and wait until the conductivity says so, within ± 0.2 %.

        A content that cannot be measured is flagged (`naoh_unknown`).

        Raises:
            DeviceError: the conductivity shows another content.
        """
        found = self.naoh_pct()
        if naoh_pct > 0 and (found is None or found < naoh_pct):
            await self._enter("dose")
            await self._set("naoh_setpoint", naoh_pct)
            await self._command(Command.DOSE, self._dose_within(naoh_pct))
        await self._prove_dose(naoh_pct)
        await self._halt.boundary()

    async def heat_to(self, temperature_c: float) -> None:
        """Give the controller its setpoint in °C and enable the heater; a hotter bath is left to cool."""
        await self.lid(opened=False)
        await self._enter("heat")
        await self._set("setpoint", temperature_c)
        await self._halt.boundary()
        self._heating = True
        await self._set("heater_enable", True)
        if self._halt.held:  # asked while the write was on its way
            await self.hold_heat()

    async def stabilise(self, temperature_c: float, stable: Stabilisation) -> None:
        """Wait until the bath was within ± `stable.band_c` of `temperature_c` (°C) for `stable.hold_s`.

        Raises:
            DeviceError: not stable within `stable.within_s`, no heat arrives, or the temperature cannot be read.
            StopRequested: a stop was asked for.
        """
        began = self._clock.process_s()
        since: float | None = None  # process time since when the bath is in the band
        blind, gain = Blind(), Gain(temperature_c)
        announced = self._skip = False
        stood_s = before_s = self._halt.waited_s
        while since is None or self._clock.process_s() - since < stable.hold_s:
            await self._halt.sleep(_LOOK_S)
            if self._skip:
                self._skip = False
                return
            if self._halt.waited_s > stood_s:  # held meanwhile: the bath cooled, nothing seen before counts
                stood_s, since, blind, gain = self._halt.waited_s, None, Blind(), Gain(temperature_c)
            self._look()
            now, measured = self._clock.process_s(), self.value("temperature")
            blind.see(now, measured)
            inside = measured is not None and abs(measured - temperature_c) <= stable.band_c
            if inside and since is None:
                if not announced:
                    await self._enter("stabilise")
                announced, since = True, now
            elif not inside:
                gain.see(now, measured)
                since = None
            if now - began - (stood_s - before_s) > stable.within_s:
                raise self._not_stable(temperature_c, measured, stable)

    def skip_wait(self) -> None:
        """End the wait for a stable bath now; it is for the caller to record that it was not waited out."""
        self._skip = True

    async def heater_off(self) -> None:
        """Switch the heater off, and read that it is."""
        self._heating = False
        await self.hold_heat()

    async def hold_heat(self) -> None:
        """Switch the heater off, and read that it is, without forgetting that the procedure had it on."""
        await self._set("heater_enable", False)

    async def restore_heat(self) -> bool:
        """Switch the heater on again where the procedure had it on; return whether it did. For a person's resume only.

        Raises:
            Refused: the controller does not let it be switched on.
            DeviceError: the controller was not heard.
        """
        if self._heating:
            await self._set("heater_enable", True)
        return self._heating

    async def heat_again(self, temperature_c: float, stirrer_pct: float) -> None:
        """Stir and heat a bath with bottles in it, in which the program died; only when a person has just said so."""
        await self._set("stirrer", stirrer_pct)
        await self._set("setpoint", temperature_c)
        self._heating = True
        if not self._halt.held:
            await self._set("heater_enable", True)

    async def lid(self, *, opened: bool) -> None:
        """Ask a person to open or close the lid, when its contact says otherwise (or there is none to ask)."""
        name = f"{self._zone.name}.lid_closed"
        if name not in self._line.definition.tags:
            return
        closed = (await self._line.read(name)).value
        if closed is not None and bool(closed) is not opened:
            return
        text = tr("Open the lid of {zone}.") if opened else tr("Close the lid of {zone}.")
        prompt = Prompt(
            id=f"lid-{round(self._clock.process_s())}",
            kind=PromptKind.CONFIRM,
            text=text.format(zone=self._zone.name),
            task="lid",
            facts={"open": opened},
        )
        await self._questions.ask(prompt)

    # how

    async def _set(self, quantity: str, value: float | bool) -> None:
        name = f"{self._zone.name}.{quantity}"
        before = await self._before(name)
        report = await self._line.write(name, value, planned=True)
        tag = self._line.definition.tags.get(name)
        self._journal.wrote(report, before=before, unit="" if tag is None else tag.unit)
        if report.outcome is Outcome.CONFIRMED:
            return
        text = tr("{tag}: asked {asked}, got {got} ({outcome} {by} {detail})").format(
            tag=report.tag,
            asked=report.asked,
            got=report.got,
            outcome=report.outcome,
            by=report.refused_by,
            detail=report.detail,
        )
        if report.outcome is Outcome.UNKNOWN or report.refused_by == "link":
            raise DeviceError(text, hint=tr("check the controller and its network, then start the run again"))
        raise Refused(text, hint=tr("check alarms, level and limits of {zone}").format(zone=self._zone.name))

    async def _before(self, name: str) -> Value | None:
        """Return what `name` holds before it is written, for the record; None: nobody knows.

        Scans tell, so that nothing waits that makes safe; what no scan reads is read now.
        """
        tag = self._line.definition.tags.get(name)
        if tag is None or tag.point is None or not tag.point.readback:
            return None
        return (self._line.reading(name) if tag.scan else await self._line.read(name)).value

    async def _command(self, command: Command, within_s: float) -> None:
        report = await self._line.command(command, within_s=within_s)
        self._journal.commanded(report, self._zone.name)
        if report.outcome is Outcome.CONFIRMED:
            return
        name = command.name.lower()
        if report.outcome is Outcome.REFUSED:
            raise Refused(
                tr("the controller of {zone} refused {command}: {detail}").format(
                    zone=self._zone.name, command=name, detail=report.detail
                ),
                hint=tr("look at its alarms; acknowledge what is gone, then start the run again"),
            )
        raise DeviceError(
            tr("{command} of {zone} did not end within {minutes:.0f} min: {detail}").format(
                command=name, zone=self._zone.name, minutes=within_s / 60, detail=report.detail
            ),
            hint=tr("check valves, pumps and the level probe"),
        )

    async def _prove_dose(self, naoh_pct: float) -> None:
        """Wait for the conductivity to show `naoh_pct` ± 0.2 %."""
        until = self._clock.process_s() + _SETTLE_S
        while True:
            found = self.naoh_pct()
            if found is not None and abs(found - naoh_pct) <= DOSE_WITHIN_PCT:
                return
            if self._clock.process_s() >= until:
                break
            await self._halt.sleep(_LOOK_S)
            self._look()
        await self._journal.event("dose_not_shown", asked_pct=naoh_pct, found_pct=found)
        if found is None:
            self.flags.append("naoh_unknown")
            return
        raise DeviceError(
            tr("the bath should hold {asked:g} % NaOH, its conductivity shows {found:.2f} %").format(
                asked=naoh_pct, found=found
            ),
            hint=tr("check the stock of lye, the dosing pump and the conductivity cell"),
        )

    def _not_stable(self, temperature_c: float, measured: float | None, stable: Stabilisation) -> DeviceError:
        return DeviceError(
            tr("{zone} is at {now} °C after {minutes:.0f} min; asked {asked:g} ± {band:g} °C for {hold:g} s").format(
                zone=self._zone.name,
                now="?" if measured is None else f"{measured:.1f}",
                minutes=stable.within_s / 60,
                asked=temperature_c,
                band=stable.band_c,
                hold=stable.hold_s,
            ),
            hint=tr("check heater, lid and stirrer, or give it longer: stabilisation.within_s"),
        )

    def _within(self, litres_min: float) -> float:
        """Return the process seconds that a fill or drain may take."""
        rate = litres_min if litres_min > 0 else 1.0
        return _SLACK * 60.0 * self._zone.volume_l / rate + _SLACK_S

    def _dose_within(self, naoh_pct: float) -> float:
        """Return the process seconds that a dose may take: a pump of 15 g NaOH/min for 40 L is a slow one."""
        return _SLACK * 60.0 * 10.0 * naoh_pct * 40.0 / 15.0 + _SLACK_S
