"""The machine of a line, as its faces have it: commands, modes, recipes, and through `lots` what it washes.

One room of the line's server. Each operation takes a dataclass of its arguments and who asks; what it refuses raises
`Refused`, and its answer is data that JSON can hold. Whatever was asked of the machine is in the record and the audit
trail, with who and why, before the answer is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.link import Outcome
from linectl.clock import Clock
from linectl.errors import NotConfirmed, Refused
from linectl.line.interlocks import State as RulesState
from linectl.line.line import Line
from linectl.line.packml import SAFE_COMMANDS, Mode, State, command_word, possible, state_name
from linectl.line.reports import Command
from linectl.model.interlocks import Interlocks
from linectl.model.people import Who
from linectl.model.readings import Scan
from linectl.model.records import Event
from linectl.server.washing.commanding import Commanding, Done, Refusing
from linectl.server.washing.machine_args import CommandArgs, ModeArgs, NoArgs, RecipeArgs, StopArgs
from linectl.server.washing.machine_record import MachineRecord
from linectl.server.washing.machine_runs import Runs, must_be_free_of_runs
from linectl.server.washing.recipe_desk import RecipeDesk
from linectl.server.washing.recipe_setting import Write
from linectl.server.washing.wash_lots import WashLots
from linectl.store.reader import StoreReader
from linectl.store.store import Store
from linectl.words import ntr, tr

__all__ = ["Machine"]

_MODE_WITHIN_S = 5.0
_AT_REST = frozenset({State.STOPPED, State.IDLE, State.COMPLETE})
_NOTHING_TO_LOSE = _AT_REST | {State.ABORTED, State.ABORTING, State.STOPPING, State.CLEARING, State.RESETTING}
_RELEASES = ("fresh_valve", "heater_enable", "caustic_dose_enable", "feed_enable")


class Machine:
    """The machine of `line`: what its PLC is told, and what it says of itself.

    `refusing` tells what stands against a command, `write` is the line's safe write. `rules` are the line's interlocks,
    and `rules_state` says how they stand. While a run has the machine (`runs`), hold and unhold are the run's own, stop
    and abort end it, and nothing else is done. `version` moves whenever `section` may have changed.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        store: Store,
        *,
        runs: Runs,
        write: Write,
        refusing: Refusing,
        rules: Interlocks | None = None,
        rules_state: Callable[[], RulesState] = RulesState,
    ) -> None:
        control = line.definition.control
        self.zone = "" if control is None else control.heartbeat.rpartition(".")[0]
        self._line, self._clock, self._store = line, clock, store
        self._runs = runs
        self._state_tag, self._mode_tag = f"{self.zone}.state", f"{self.zone}.unit_mode"
        self.exists = control is not None and self._state_tag in line.definition.tags
        self._commanding = Commanding(line, clock, self._state_tag, refusing)
        self._record = MachineRecord(clock, store, self.zone)
        self._state = State.UNDEFINED
        self._state_place: dict[str, int | None] = {}
        self.recipes = RecipeDesk(line, clock, store, self.zone, write)
        self.lots = WashLots(line, clock, store, self.zone, self.recipes.standing, rules=rules, state=rules_state)
        self.version = 0

    def __repr__(self) -> str:
        """Return the zone and the state."""
        return f"<Machine {self.zone or '-'} {self._state.name.lower()}>"

    def open(self, reader: StoreReader) -> None:
        """Take up what the store knows (lots under way, counters, the recipe), then listen to the line's scans."""
        self.lots.open(reader)
        self.recipes.open(reader)
        if self.exists:
            self._state = self._commanding.state()
            self.lots.follow(self._state)
            self._line.on_scan(self.scan)

    def close(self) -> None:
        """Keep what was counted since the last saving."""
        self.lots.save()

    # scans

    def scan(self, scan: Scan) -> None:
        """Take a scan: follow the state, the counters, the lots; when nothing has moved this is all but free."""
        group = scan.layout.group
        if group not in self._state_place:
            tags = scan.layout.tags
            self._state_place[group] = tags.index(self._state_tag) if self._state_tag in tags else None
        place = self._state_place[group]
        if place is not None and scan.readings[place].value != self._state:
            self._seen(self._commanding.state())
        if self.lots.scan(scan, self._state):
            self.version += 1
        looked = self.lots.look()
        if self.recipes.scan(scan) or looked:
            self.version += 1

    def _seen(self, state: State) -> None:
        if state is self._state:
            return
        before, self._state = self._state, state
        self.version += 1
        data = {"before": before.name.lower(), "now": state.name.lower()}
        self._store.log_event(Event(self._clock.now_ns(), "machine_state", data))
        self.lots.follow(state)

    # commands

    async def start(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Start the machine. One without a recipe is not started; what is switched off stays so, and is named."""
        answer = await self._command(Command.START, args, who)
        return {**answer, "off": self._switched_off()}

    async def stop(self, args: StopArgs, who: Who) -> dict[str, Any]:
        """Stop the machine, everything off.

        Raises:
            NotConfirmed: something would be lost, and nobody has said yes to that (E-MCH-003).
        """
        lost = self._would_lose()
        if lost and not args.confirmed and not args.dry_run:
            text = tr("a stop loses: {what}").format(what="; ".join(lost))
            raise NotConfirmed(text, hint=tr("linectl hold keeps all of it"), code="E-MCH-003")
        if self._runs.run_id and not args.dry_run:
            self._runs.abort(who=who.operator, why=args.reason)
        asked = CommandArgs(args.reason, args.within_s, args.dry_run)
        return {**await self._command(Command.STOP, asked, who), "loses": lost}

    async def would_lose(self, args: NoArgs, who: Who) -> dict[str, Any]:  # noqa: ARG002  # an operation like the others
        """Tell what a stop now would lose, as people read it."""
        return {"loses": self._would_lose(), "state": self._state.name.lower()}

    async def hold(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Freeze the machine where it is, with the run that has it; asks nothing."""
        if self._runs.run_id and not args.dry_run:
            await self._runs.hold(who=who.operator, why=args.reason)
            return await self._of_run(Command.HOLD, who, args.reason, tr("hold: run {run} is held, its heater is off"))
        return await self._command(Command.HOLD, args, who)

    async def unhold(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Go on after a hold, with the run that has the machine."""
        if self._runs.run_id and not args.dry_run:
            await self._runs.resume(who=who.operator)
            return await self._of_run(Command.UNHOLD, who, args.reason, tr("unhold: run {run} goes on"))
        return await self._command(Command.UNHOLD, args, who)

    async def suspend(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Wait for something outside: nothing comes in, or nothing can go out."""
        return await self._command(Command.SUSPEND, args, who)

    async def unsuspend(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Go on after a suspension."""
        return await self._command(Command.UNSUSPEND, args, who)

    async def clear(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """After an abort: back to Stopped."""
        return await self._command(Command.CLEAR, args, who)

    async def reset(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Make a stopped or complete machine ready to start."""
        return await self._command(Command.RESET, args, who)

    async def abort(self, args: CommandArgs, who: Who) -> dict[str, Any]:
        """Switch everything off at once; asks nothing. Where that is not proved, the line's safe state is tried too.

        Raises:
            DeviceError: neither the abort nor the safe state could be proved.
        """
        self._runs.abort(who=who.operator, why=args.reason)
        if not self.exists:
            await self._line.safe()
            return {"command": "abort", "outcome": str(Outcome.CONFIRMED), "state": "", "safe": True}
        done = await self._commanding.give(Command.ABORT, args.within_s)
        answer = await self._recorded(done, who, args.reason)
        if done.outcome is not Outcome.CONFIRMED:
            await self._line.safe()
            answer["safe"] = True
        return answer

    async def mode(self, args: ModeArgs, who: Who) -> dict[str, Any]:
        """Select a mode of the machine (produce, maintenance, manual), at rest.

        Raises:
            NotConfirmed: a lot is under way, and nobody has said yes to leaving it (E-MCH-003).
        """
        self._must_exist()
        must_be_free_of_runs(self._runs, Command.SELECT_MODE)
        argument = f"{self.zone}.command_argument"
        wanted = self._wanted_mode(args.mode, argument)
        state = await self._commanding.look()
        if state not in _AT_REST:
            text = tr("a mode is selected at rest; the machine is {state}")
            raise Refused(text.format(state=state_name(state)), hint=_now_possible(state), code="E-MCH-001")
        old = (await self._line.read(self._mode_tag)).value
        lost = [] if wanted is Mode.PRODUCE or old == wanted else self._in_the_machine()
        if args.dry_run:
            answer = {"command": command_word(Command.SELECT_MODE), "outcome": "possible", "mode": args.mode}
            return {**answer, "detail": "", "state": state.name.lower(), "loses": lost}
        if lost and not args.confirmed:
            text = tr("another mode leaves behind: {what}").format(what="; ".join(lost))
            raise NotConfirmed(text, hint=tr("wash the lot to its end first"), code="E-MCH-003")
        outcome, detail = await self._commanding.with_argument(
            Command.SELECT_MODE, argument, wanted, _MODE_WITHIN_S, shown_by=self._mode_tag
        )
        new = {"outcome": str(outcome), "mode": args.mode, "detail": detail}
        await self._record.keep(Command.SELECT_MODE, who, args.reason, new, old=old)
        return {"command": "select mode", **new, "state": self._state.name.lower()}

    async def recipe(self, args: RecipeArgs, who: Who) -> dict[str, Any]:
        """Set the machine to a recipe: all of its setpoints, each read back; at rest or held, and between two lots."""
        self._must_exist()
        must_be_free_of_runs(self._runs, Command.SELECT_RECIPE)
        self.lots.must_be_free_of_lots()
        state = await self._commanding.look()
        if state not in _AT_REST | {State.HELD}:
            text = tr("a recipe is set at rest or in a hold; the machine is {state}")
            raise Refused(text.format(state=state_name(state)), hint=_now_possible(state), code="E-MCH-001")
        self.version += 1
        return await self.recipes.select(args, who)

    # how

    async def _command(self, command: Command, args: CommandArgs, who: Who) -> dict[str, Any]:
        self._must_exist()
        if command not in SAFE_COMMANDS:
            must_be_free_of_runs(self._runs, command)
        if args.dry_run:
            state = await self._commanding.look()
            await self._commanding.check(command, state)
            return {"command": command_word(command), "outcome": "possible", "state": state.name.lower()}
        try:
            if command is Command.START:
                await self._must_have_a_recipe()
            done = await self._commanding.give(command, args.within_s)
        except Refused as refused:
            await self._record.keep(command, who, args.reason, {"outcome": "refused", "detail": refused.message})
            raise
        return await self._recorded(done, who, args.reason)

    async def _must_have_a_recipe(self) -> None:
        """Look whether the machine that is to start has a speed: without one it runs, and washes nothing."""
        await self._commanding.check(Command.START, await self._commanding.look())
        speed = f"{self.zone}.speed_setpoint"
        if speed in self._line.definition.tags and (await self._line.read(speed)).value == 0:
            text = tr("start: the machine has no recipe, its speed is set to 0")
            raise Refused(text, hint="linectl recipe select NAME", code="E-MCH-002")

    async def _recorded(self, done: Done, who: Who, why: str) -> dict[str, Any]:
        if done.after is not State.UNDEFINED:
            self._seen(done.after)
        return await self._record.done(done, who, why)

    async def _of_run(self, command: Command, who: Who, why: str, text: str) -> dict[str, Any]:
        """Return what became of a command that the run under way has carried out."""
        new = {"outcome": "confirmed", "run": self._runs.run_id}
        recorded = await self._record.keep(command, who, why, new)
        answer = {"command": command_word(command), **new, "state": self._state.name.lower(), "detail": ""}
        return {**answer, "text": text.format(run=self._runs.run_id), "recorded": recorded}

    def _switched_off(self) -> list[str]:
        """Return the releases that are off: with them the machine runs, but does not wash."""
        names = [f"{self.zone}.{name}" for name in _RELEASES]
        return [name for name in names if name in self._line.definition.tags and not self._line.reading(name).value]

    def _would_lose(self) -> list[str]:
        lost = [self._runs.would_lose()] if self._runs.run_id else []
        if not self.exists or self._state in _NOTHING_TO_LOSE:
            return lost
        return [*lost, *self._in_the_machine(), tr("the baths are no longer heated")]

    def _in_the_machine(self) -> list[str]:
        """Return the bottles inside and the lot that is not through, as people read it."""
        told: list[str] = []
        inside, lot = self.lots.inside(), self.lots.book.present
        if inside:
            text = ntr("{count} bottle stays inside", "{count} bottles stay inside", inside)
            told.append(text.format(count=inside))
        if lot is not None:
            text = tr("lot {name} of {grower} is not through").format(name=lot.name, grower=lot.grower)
            told.append(text)
        return told

    def _wanted_mode(self, name: str, argument: str) -> Mode:
        """Return the mode of that name, where the machine has modes (its number goes into the tag `argument`)."""
        known = {mode.name.lower(): mode for mode in Mode}
        if argument not in self._line.definition.tags or self._mode_tag not in self._line.definition.tags:
            text = tr("{line} has no modes: its file has no tag {tag}")
            raise Refused(text.format(line=self._line.definition.name, tag=argument), code="E-MCH-001")
        if name not in known:
            text = tr("there is no mode {mode}; there are: {modes}")
            raise Refused(text.format(mode=name, modes=", ".join(known)), code="E-MCH-001")
        return known[name]

    def _must_exist(self) -> None:
        if not self.exists:
            text = tr("{line} has no machine that takes commands: its file has no tag {tag}")
            raise Refused(text.format(line=self._line.definition.name, tag=self._state_tag), code="E-MCH-001")

    # what faces see

    def section(self) -> dict[str, Any] | None:
        """Return the section `machine` of the state that faces see; None when the line has none."""
        if not self.exists:
            return None
        state = self._commanding.state()
        tags = self._line.definition.tags
        mode = self._line.reading(self._mode_tag).value if self._mode_tag in tags else None
        return {
            "state": state.name.lower(),
            "state_number": int(state),
            "mode": {int(each): each.name.lower() for each in Mode}.get(mode, "") if isinstance(mode, int) else "",
            "possible": [command_word(command) for command in possible(state)],
            **self.recipes.section(),
            **self.lots.section(),
        }


def _now_possible(state: State) -> str:
    names = ", ".join(command_word(command) for command in possible(state))
    return tr("possible now: {commands}").format(commands=names) if names else ""
