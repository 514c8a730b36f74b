"""Codes of runs, of the questions they ask and of taking them up after a crash."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_runs"]


def of_runs() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-ASK-001",
            exit_code=7,
            meaning=tr("A question was answered no, or could not be asked."),
            causes=tr("Somebody said no, or there is no terminal to ask at (a script, a timer, CI)."),
            remedy=tr(
                "Nothing was done. In a script, give the answer beforehand: the verb's --help names the option "
                "(--yes, --answers)."
            ),
            command="linectl help exit-codes",
        ),
        Explanation(
            "E-ASK-002",
            exit_code=6,
            meaning=tr("No such question is open."),
            causes=tr("It was never asked in this run, or its name is another."),
            remedy=tr("Answer the question that the run shows now, by its own name."),
            command="linectl status",
        ),
        Explanation(
            "E-ASK-003",
            exit_code=6,
            meaning=tr("The answer is none that the question asks for."),
            causes=tr(
                "A number outside the range, a choice that is not offered, or a position whose bottle is not being "
                "looked at."
            ),
            remedy=tr("The question stays open: answer it again, within what it says."),
            command="linectl experiment plan FILE",
        ),
        Explanation(
            "E-ASK-004",
            exit_code=6,
            meaning=tr("The question was already answered; the first answer counts."),
            causes=tr("Somebody else was first, on another display or in the answers file."),
            remedy=tr("If that answer is wrong, put a note or a deviation with the run: an answer is not taken back."),
            command="linectl status",
        ),
        Explanation(
            "E-ASK-005",
            exit_code=7,
            meaning=tr("The run asks questions that nobody can answer, so it was not started."),
            causes=tr("There is no terminal, and neither the answers file nor a default covers each question."),
            remedy=tr(
                "Run it in a terminal, give the missing answers in a file with --answers, or try it on the simulated "
                "rig."
            ),
            command="linectl run FILE --sim",
        ),
        Explanation(
            "E-RES-001",
            exit_code=6,
            meaning=tr("The run is not taken up: the line's file or its calibration has changed since it began."),
            causes=tr(
                "A file was edited or a probe calibrated anew after the crash: old and new readings could not be "
                "compared."
            ),
            remedy=tr("Put the old file back, or close the run for good."),
            command="linectl resume RUN --abandon",
        ),
        Explanation(
            "E-RES-002",
            exit_code=6,
            meaning=tr("The run is not taken up: its experiment gives other baths now than when it began."),
            causes=tr("Another version of linectl draws the design in another order."),
            remedy=tr("Take it up with the version that began it, or close it for good."),
            command="linectl resume RUN --abandon",
        ),
        Explanation(
            "E-RES-003",
            exit_code=6,
            meaning=tr("The run was not killed: there is nothing to take up."),
            causes=tr("It ended by itself, or a person ended it."),
            remedy=tr("Look at how it ended; to have more data, run its experiment again."),
            command="linectl runs show RUN",
        ),
        Explanation(
            "E-RES-004",
            exit_code=6,
            meaning=tr("The run is not taken up: the line was used since, by another run."),
            causes=tr("The bath is not as the run left it."),
            remedy=tr("Its data stay as they are; run its experiment again for the rest."),
            command="linectl runs ls",
        ),
        Explanation(
            "E-RES-005",
            exit_code=6,
            meaning=tr("The run was made by a script: only its data can be kept."),
            causes=tr("linectl cannot know where in the script it stood."),
            remedy=tr("Close the run, and start the script again."),
            command="linectl resume RUN --abandon",
        ),
        Explanation(
            "E-RES-006",
            exit_code=5,
            meaning=tr("The killed run was closed as failed; its data are kept."),
            causes=tr("Somebody closed it, or its experiment's on_crash rules say so."),
            remedy=tr("Take out bottles that are still in the bath; finished baths can be analysed as they are."),
            command="linectl runs show RUN",
        ),
        Explanation(
            "E-RES-007",
            exit_code=6,
            meaning=tr("The run is not taken up yet: its record goes on after the time that the server's clock says."),
            causes=tr("The computer's clock was put back, or a simulated line ran faster than time."),
            remedy=tr("Wait until then; or end the server and take the run up without it."),
            command="linectl resume RUN",
        ),
        Explanation(
            "E-RUN-009",
            exit_code=6,
            meaning=tr("A run cannot start at that time; nothing was handed in."),
            causes=tr("It has passed, is more than 7 days ahead, or does not exist: clocks skip it that night."),
            remedy=tr("Name a time to come, by the local clock of the line's computer."),
            command="linectl run FILE --at 06:30",
        ),
        Explanation(
            "E-RUN-010",
            exit_code=6,
            meaning=tr("A run is to start later already, and a line keeps one at a time."),
            causes=tr("Somebody handed it in before; the message names it, its time and who."),
            remedy=tr("Take it back, then hand in the other one."),
            command="linectl cancel --scheduled",
        ),
        Explanation(
            "E-RUN-011",
            exit_code=6,
            meaning=tr("The run was not started: its time had passed before anybody could look."),
            causes=tr("The computer slept, or its clock was set past the time by more than five minutes."),
            remedy=tr("Hand it in again; keep the line's computer from sleeping."),
            command="linectl run FILE --at 06:30",
        ),
        Explanation(
            "E-RUN-001",
            exit_code=8,
            meaning=tr("A person ended the run; the data are kept and the heater is off."),
            causes=tr("Ctrl+C, a cancel or an abort."),
            remedy=tr("See which baths were finished; bottles may still be in the bath."),
            command="linectl runs show last",
        ),
        Explanation(
            "E-RUN-002",
            exit_code=5,
            meaning=tr("The run could not go on: a device, a wire or the store failed, or its own policy ended it."),
            causes=tr("The reason stands with the end of the run: linectl runs show last."),
            remedy=tr("Mend what the reason names and check the line, then run the experiment again."),
            command="linectl doctor LINE",
        ),
        Explanation(
            "E-RUN-006",
            exit_code=6,
            meaning=tr("The command does not fit the run's state: nothing is running, or not in this phase."),
            causes=tr("The run has ended, is already paused, or its phase cannot be cut short."),
            remedy=tr("The message names the state and what is possible in it."),
            command="linectl status",
        ),
        Explanation(
            "E-RUN-007",
            exit_code=6,
            meaning=tr("No such bottle is being watched."),
            causes=tr("No bottle is in the bath, the position is empty, or its label is already off."),
            remedy=tr("Name a position that the message lists as watched."),
            command="linectl runs show last",
        ),
        Explanation(
            "E-HIS-001",
            exit_code=6,
            meaning=tr("No values of the tag are recorded there."),
            causes=tr("A slip in its name, a tag that no scan reads, or a store of another line or of before the tag."),
            remedy=tr("Take a name that the message lists; name the line with --line, or the folder with --data."),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-HIS-002",
            exit_code=6,
            meaning=tr("No values were recorded in the run."),
            causes=tr("Past trials from a file have none, unless the file holds a trace of the bath."),
            remedy=tr("Plot another run, or what its labels did: linectl fit RUN."),
            command="linectl runs ls",
        ),
        Explanation(
            "E-RUN-012",
            exit_code=6,
            meaning=tr("The run has no such word to be taken away; nothing was changed."),
            causes=tr("A slip in the word, or somebody has taken it away already."),
            remedy=tr("The message names the words that the run has."),
            command="linectl runs show RUN",
        ),
        Explanation(
            "E-RUN-013",
            exit_code=6,
            meaning=tr("The word cannot be kept with a run."),
            causes=tr(
                "It is empty, longer than 40 letters, holds a blank, a comma or a semicolon, or the run has 20 already."
            ),
            remedy=tr("Take a short word without blanks, such as glue-B3."),
            command="linectl runs ls --tag WORD",
        ),
        Explanation(
            "E-RUN-014",
            exit_code=5,
            meaning=tr("The run was held for longer than its experiment lets it, and nobody resumed it."),
            causes=tr(
                "A fault or an interlock held it while nobody was there, as in a run in virtual time; the reason "
                "names it."
            ),
            remedy=tr(
                "See to the cause, then run the experiment again; longest_hold_s in its file is how long it waits."
            ),
            command="linectl runs show last",
        ),
    )
