"""Codes of files, fits, the store and the program itself."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_files"]


def of_files() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-CFG-001",
            exit_code=3,
            meaning=tr("A file cannot be used as it is."),
            causes=tr(
                "A misspelt key, a value out of its range, another unit, two spaces too many; each mistake is named "
                "as file:line:column."
            ),
            remedy=tr("Correct the places that are named, and check the file again before it is used."),
            command="linectl config check FILE",
        ),
        Explanation(
            "E-CFG-002",
            exit_code=3,
            meaning=tr("A file is not there, or cannot be read."),
            causes=tr("A slip in its name, another folder, or no right to read it."),
            remedy=tr("The message lists where it was looked for: put it there, or give its whole path."),
            command="linectl config check FILE",
        ),
        Explanation(
            "E-CFG-003",
            exit_code=3,
            meaning=tr("A case of an interlocks file does not come out as it says."),
            causes=tr("A limit, a delay or a condition was changed, or the case expects what was never meant."),
            remedy=tr("Decide which of the two is right, the interlock or its case, and correct the other."),
            command="linectl config test FILE",
        ),
        Explanation(
            "E-CFG-004",
            exit_code=6,
            meaning=tr("A file was changed by somebody else while you edited it."),
            causes=tr("Two people, or a person and a program, changed one file at the same time."),
            remedy=tr("Your draft is kept: look what differs, and bring into it what the other one changed."),
            command="linectl config diff FILE OTHER",
        ),
        Explanation(
            "E-FIT-001",
            exit_code=6,
            meaning=tr("The data cannot tell the parameters of the fit."),
            causes=tr("Too few labels came off between two looks, or too few temperatures or levels."),
            remedy=tr(
                "The message says what is missing: pool several runs, or soak the bath that linectl next-soak proposes."
            ),
            command="linectl compare RUN",
        ),
        Explanation(
            "E-INT-001",
            exit_code=1,
            meaning=tr("A mistake of the program itself."),
            causes=tr("Something that linectl did not foresee."),
            remedy=tr(
                "What was stored is kept. Note the message and what you did, and report both; doctor tells the "
                "versions."
            ),
            command="linectl doctor",
        ),
        Explanation(
            "E-INT-002",
            exit_code=1,
            meaning=tr("An analysis ended without an answer."),
            causes=tr("Too little memory, or a library that crashed."),
            remedy=tr("Close other programs and try again, with fewer runs at a time; the record is untouched."),
            command="linectl doctor",
        ),
        Explanation(
            "E-SEC-001",
            exit_code=3,
            meaning=tr("A secret cannot be kept or used as it is."),
            causes=tr("It is empty or of several lines, or its file may be read by others."),
            remedy=tr("Set it again: linectl then keeps it in a file that only you may read."),
            command="linectl secrets set NAME",
        ),
        Explanation(
            "E-USB-001",
            exit_code=6,
            meaning=tr("No USB stick is mounted, or none of that name."),
            causes=tr("None is in, it is not mounted yet (some seconds), or this computer mounts none by itself."),
            remedy=tr("Put one in and wait, mount it as the message says, or name its folder with --to."),
            command="linectl export RUN --to usb:",
        ),
        Explanation(
            "E-USB-002",
            exit_code=6,
            meaning=tr("Several USB sticks are mounted, and it was not said which is meant."),
            causes=tr("A second stick, a card reader or a USB disk is in."),
            remedy=tr("Pull the others out, or name one; the message lists them."),
            command="linectl export RUN --to usb:NAME",
        ),
        Explanation(
            "E-USB-003",
            exit_code=6,
            meaning=tr("The USB stick cannot be written by you; nothing was written."),
            causes=tr("Its lock switch, a damaged file system, or another user has mounted it."),
            remedy=tr("Look at the switch, have it mounted as yours, or take another stick."),
            command="linectl export RUN --to usb:",
        ),
        Explanation(
            "E-USB-004",
            exit_code=6,
            meaning=tr("The files do not fit on the USB stick; nothing was written."),
            causes=tr("It is too full, or it is formatted as FAT, which takes no file above 4 GB."),
            remedy=tr("Make room, take another stick, or export less."),
            command="linectl export RUN --to usb: --format zip",
        ),
        Explanation(
            "E-USB-005",
            exit_code=5,
            meaning=tr("The USB stick could not be written, or gives back other bytes than it was given."),
            causes=tr("It was pulled out too early, is worn out, or pretends to be larger than it is."),
            remedy=tr("Nothing of this export was left on it: take another stick."),
            command="linectl export RUN --to usb:",
        ),
        Explanation(
            "E-STO-001",
            exit_code=5,
            meaning=tr("The store, or a file of results, cannot be written or read."),
            causes=tr("A folder without the right to write, a read-only or failing disk, a damaged file."),
            remedy=tr("Check the disk and the rights of the folder that is named; --data names another folder."),
            command="linectl doctor",
        ),
        Explanation(
            "E-STO-002",
            exit_code=5,
            meaning=tr("The store refused one record, which does not fit the others; the others are kept."),
            causes=tr("A run, trial or bottle written twice, or one that belongs to nothing."),
            remedy=tr("A script gives each record its own number: correct it. Without a script, report the message."),
            command="linectl doctor",
        ),
        Explanation(
            "E-STO-028",
            exit_code=5,
            meaning=tr("The disk is full: the run was ended, all that was acknowledged is kept."),
            causes=tr("The folder of the store shares its disk with something that grew."),
            remedy=tr(
                "Free some space: what follows is recorded again within 10 s, after a gap that the record tells. "
                "Then start the run anew."
            ),
            command="linectl doctor",
        ),
        Explanation(
            "E-USE-001",
            exit_code=2,
            meaning=tr("A part of linectl that is installed on demand is not there."),
            causes=tr("Parquet files need pyarrow, which the plain installation leaves out."),
            remedy=tr("Install it, or choose another form: linectl export RUN --format csv."),
            command="pip install 'linectl[parquet]'",
        ),
        Explanation(
            "E-USE-002",
            exit_code=2,
            meaning=tr("There is no such error code."),
            causes=tr("A slip in the code, or a code of another version of linectl."),
            remedy=tr("Copy the code from the error, or find it in the list of all codes."),
            command="linectl explain",
        ),
        Explanation(
            "E-USE-003",
            exit_code=2,
            meaning=tr("The command line was not understood; nothing was done."),
            causes=tr("A misspelt verb or option, a value of another kind, one word too many or too few."),
            remedy=tr("The message names the word; the verb's own --help says what it takes."),
            command="linectl help exit-codes",
        ),
    )
