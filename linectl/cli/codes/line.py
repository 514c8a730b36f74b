"""Codes of the wires, the controller and what is written to a line."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_line"]


def of_line() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-ARM-001",
            exit_code=6,
            meaning=tr("Writing is not armed: nothing was sent."),
            causes=tr("A write was asked for without --arm, which says that it is meant."),
            remedy=tr("Look at line, tag and value once more, then say it again with --arm."),
            command="linectl set TAG VALUE --arm",
        ),
        Explanation(
            "E-ARM-002",
            exit_code=6,
            meaning=tr("Somebody else is armed to write: one person at one face writes at a time."),
            causes=tr("Another face, or another person, armed writing less than five minutes ago."),
            remedy=tr("Wait for the time in the message, ask whoever it names to disarm, or take over with a reason."),
            command="linectl arm --take-over --reason TEXT",
        ),
        Explanation(
            "E-ARM-003",
            exit_code=6,
            meaning=tr("Writing is armed for five minutes at most, and for more than none."),
            causes=tr("A longer time was asked for: a line that stays armed is written to by accident."),
            remedy=tr("Arm it again when the time is over; ramps and values for a time go on without it."),
            command="linectl arm",
        ),
        Explanation(
            "E-ARM-004",
            exit_code=6,
            meaning=tr("Taking writing over from somebody needs a reason."),
            causes=tr("--take-over was given without --reason."),
            remedy=tr("Say why: the reason stands in the audit trail, beside the name of whoever was armed."),
            command="linectl arm --take-over --reason TEXT",
        ),
        Explanation(
            "E-DEV-001",
            exit_code=5,
            meaning=tr("A device answered wrongly, or stopped answering in the middle of the work."),
            causes=tr(
                "A loose or noisy wire; a device in fault; an address, word order or parity in the line's file that "
                "is not the device's."
            ),
            remedy=tr(
                "Let doctor ask every device; follow one tag from its bytes to its value with linectl tags trace."
            ),
            command="linectl doctor LINE",
        ),
        Explanation(
            "E-LIM-001",
            exit_code=6,
            meaning=tr("The request is against a limit or the present state; nothing was done."),
            causes=tr(
                "A value outside the range of its tag or the limits of its zone; something that is not there, already"
                " there or under way."
            ),
            remedy=tr(
                "The message names the limit or the state: ask for something within it, or wait until it has changed."
            ),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-LIM-002",
            exit_code=6,
            meaning=tr("The experiment cannot be carried out as it is planned."),
            causes=tr(
                "Looks that come faster than a person can look, levels that the bath cannot reach or that a limit "
                "forbids, too little time between baths."
            ),
            remedy=tr("See the timeline; give more time, or change levels or order in the experiment's file."),
            command="linectl experiment plan FILE",
        ),
        Explanation(
            "E-LNK-001",
            exit_code=4,
            meaning=tr("A controller, port or broker does not answer at its address."),
            causes=tr(
                "Its power is off, the cable is out, the address or port in the line's file is another, or a firewall"
                " is in between."
            ),
            remedy=tr(
                "Check power and cable, then the address that the message names; doctor tries every link and says "
                "what it meets."
            ),
            command="linectl doctor LINE",
        ),
        Explanation(
            "E-LSE-001",
            exit_code=6,
            meaning=tr("The line is held by another computer or program: only one may write."),
            causes=tr(
                "A run goes on elsewhere; a program that died keeps its lease for 10 s after its last heartbeat."
            ),
            remedy=tr("End linectl where it runs, or wait 10 s, then try again."),
            command="linectl status",
        ),
        Explanation(
            "E-LSE-002",
            exit_code=6,
            meaning=tr(
                "The controller's register map has another version than the one that linectl knows: nothing is written."
            ),
            causes=tr("The controller's program was updated and linectl was not, or the other way round."),
            remedy=tr("Bring both to versions that fit; until then the line can be read, not written."),
            command="linectl doctor LINE",
        ),
        Explanation(
            "E-WRT-CLAMPED",
            exit_code=5,
            meaning=tr("The device took another value than the one that was asked."),
            causes=tr("The device has a limit or a step of its own, narrower than the range in the line's file."),
            remedy=tr("Change the limit on the device, or ask for a value within it."),
            command="linectl tags read LINE TAG",
        ),
        Explanation(
            "E-WRT-DEVICE",
            exit_code=6,
            meaning=tr("The device itself refused the write."),
            causes=tr("Its register is protected, its state forbids it, or it takes no such value."),
            remedy=tr(
                "See the device's answer in the message, and its manual; the trace shows what goes over the wire."
            ),
            command="linectl tags trace LINE TAG",
        ),
        Explanation(
            "E-WRT-LEASE",
            exit_code=6,
            meaning=tr("The write was refused because the line is not ours."),
            causes=tr("Another computer holds the controller, or the controller restarted and has no owner."),
            remedy=tr("End the other holder, or wait 10 s for its lease to end, then write again."),
            command="linectl doctor LINE",
        ),
        Explanation(
            "E-WRT-LIMIT",
            exit_code=6,
            meaning=tr("The value is beyond a limit of its zone; nothing was sent."),
            causes=tr("A slip of the decimal comma, or a limit in the line's file that is narrower than thought."),
            remedy=tr(
                "Ask for a value within the limit that the message names; a limit is changed in the line's file, "
                "never by a write."
            ),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-WRT-LINK",
            exit_code=4,
            meaning=tr("Nothing was sent: the wire does not reach the device."),
            causes=tr("The link is down, or the device did not answer so often that it is given up for now."),
            remedy=tr("Let doctor find the link that is down, mend it, and write again."),
            command="linectl doctor LINE",
        ),
        Explanation(
            "E-WRT-NOT_WRITABLE",
            exit_code=6,
            meaning=tr("The tag may not be written by hand."),
            causes=tr("It is a measurement, or linectl alone writes it, as the heartbeat and the owner."),
            remedy=tr("Choose a tag that the list shows as writable."),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-WRT-RANGE",
            exit_code=6,
            meaning=tr(
                "The value is outside the range of its tag, or cannot be told in its register; nothing was sent."
            ),
            causes=tr("A slip of the decimal comma, or another unit than the tag's."),
            remedy=tr("Ask for a value between low and high of the tag, in the unit that the list shows."),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-WRT-UNKNOWN",
            exit_code=5,
            meaning=tr("The write was sent, but nobody knows whether it was taken."),
            causes=tr("The answer did not come in time, or the value could not be read back."),
            remedy=tr("Read the tag before anything else, and write again only if it shows the old value."),
            command="linectl tags read LINE TAG",
        ),
        Explanation(
            "E-WRT-UNKNOWN_TAG",
            exit_code=6,
            meaning=tr("The line has no tag of this name."),
            causes=tr("A slip of the pen, or the file of another line."),
            remedy=tr("Take the name from the list of tags."),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-WRT-RATE",
            exit_code=6,
            meaning=tr("The write was refused: the value would change faster than the line's file allows."),
            causes=tr(
                "The change from what the tag holds now is more than its `per_min` allows since it was written last."
            ),
            remedy=tr("Wait a little, or let it go there as a ramp: --ramp with a rate a minute."),
            command="linectl set TAG VALUE --ramp 1/min",
        ),
        Explanation(
            "E-WRT-SOFT",
            exit_code=6,
            meaning=tr("The value is unusual: it is outside the warning limits, and nobody has said that it is meant."),
            causes=tr("A slip of the finger, or a value that is meant but rare."),
            remedy=tr("Look at it again; if it is meant, answer yes, or say it again with --yes."),
            command="linectl set TAG VALUE --yes",
        ),
        Explanation(
            "E-WRT-STEP",
            exit_code=6,
            meaning=tr("The write was refused: it changes the value by more than one write may."),
            causes=tr(
                "The difference from what the tag holds now is above `step` in the line's file; or the tag cannot be "
                "read now."
            ),
            remedy=tr("Go there in smaller steps, or as a ramp: --ramp with a rate a minute."),
            command="linectl set TAG VALUE --ramp 1/min",
        ),
        Explanation(
            "E-WRT-UNDO",
            exit_code=6,
            meaning=tr("There is nothing to undo."),
            causes=tr(
                "Nothing was set, it was undone already, more than 10 minutes ago, or somebody changed the value since."
            ),
            remedy=tr("Set the value that you want; the audit trail shows what the tag held before."),
            command="linectl audit ls",
        ),
    )
