"""Codes of calibrations."""

from __future__ import annotations

from linectl.cli.codes.entry import Explanation
from linectl.words import tr

__all__ = ["of_calibrations"]


def of_calibrations() -> tuple[Explanation, ...]:
    """Return the explanations, in the language in use."""
    return (
        Explanation(
            "E-CAL-001",
            exit_code=6,
            meaning=tr("The run was not started: the calibration of a sensor is overdue."),
            causes=tr("Its day has passed, and the line's file says `calibration_policy: block`."),
            remedy=tr("Calibrate the sensor; `warn` in place of `block` lets runs go on with a warning."),
            command="linectl cal due --line LINE",
        ),
        Explanation(
            "E-CAL-002",
            exit_code=3,
            meaning=tr("The active record of a calibration is not as it was when it was made active."),
            causes=tr("Somebody edited the file, replaced it, or copied only a part of the folder."),
            remedy=tr(
                "Put the file back from a backup; or take the sensor out of active.yaml, and calibrate it again."
            ),
            command="linectl cal ls --line LINE",
        ),
        Explanation(
            "E-CAL-003",
            exit_code=3,
            meaning=tr("The active record of a calibration does not fit the line."),
            causes=tr("The tag was renamed, its unit was changed, or the folder is that of another line."),
            remedy=tr("Take the sensor out of active.yaml: then it is uncorrected. Calibrate it again."),
            command="linectl config check LINE",
        ),
        Explanation(
            "E-CAL-004",
            exit_code=6,
            meaning=tr("The reading was not stable in time."),
            causes=tr("The probe still follows its bath, the bath is not stirred, or the wire is disturbed."),
            remedy=tr("Stir and wait; give more time with --within, or wider limits with --drift and --scatter."),
            command="linectl tags watch LINE TAG",
        ),
        Explanation(
            "E-CAL-005",
            exit_code=6,
            meaning=tr("This tag cannot be calibrated so."),
            causes=tr("It is a setpoint, a state, a counter or a contact; or a titration was asked of another unit."),
            remedy=tr("Name a measured quantity: `linectl tags ls LINE` shows them."),
            command="linectl tags ls LINE",
        ),
        Explanation(
            "E-CAL-006",
            exit_code=6,
            meaning=tr("There is no such calibration."),
            causes=tr("The number is another, or none is active."),
            remedy=tr("See which there are, and name one of them."),
            command="linectl cal ls TAG --line LINE",
        ),
        Explanation(
            "E-CAL-007",
            exit_code=6,
            meaning=tr("The line's file came with linectl: no calibration is kept beside it."),
            causes=tr("It would be lost at the next update, and would hold for everybody on this computer."),
            remedy=tr("Copy the file into a folder of yours and name the copy; or rehearse with --sim."),
            command="linectl cal run TAG --line LINE --sim",
        ),
        Explanation(
            "E-CAL-008",
            exit_code=6,
            meaning=tr("That calibration is active already, or none is."),
            causes=tr("Somebody was first, or the number is another."),
            remedy=tr("Nothing was changed. See which is active."),
            command="linectl cal ls TAG --line LINE",
        ),
        Explanation(
            "E-CAL-009",
            exit_code=5,
            meaning=tr("The folder of the line's calibrations cannot be written."),
            causes=tr("It belongs to another user, the disk is full, or it is read-only."),
            remedy=tr("Give the right to write there, or name another folder in the line's file: `calibrations:`."),
            command="linectl config show LINE",
        ),
        Explanation(
            "E-CAL-010",
            exit_code=6,
            meaning=tr("The points carry no calibration."),
            causes=tr(
                "Too few or too much alike for the degree, references swapped, no uncertainty of the reference, or "
                "volumes of acid that contradict each other."
            ),
            remedy=tr("Take points further apart, or a lower --degree; check what was typed."),
            command="linectl cal run TAG --line LINE",
        ),
        Explanation(
            "E-CAL-011",
            exit_code=7,
            meaning=tr("Somebody is needed at the terminal, and nobody is there."),
            causes=tr("A script or a timer calibrates, and reference values or readings are missing."),
            remedy=tr("Give all of them: --points '0±0,02=0,31; 60±0,02=60,4' --yes, or run it in a terminal."),
            command="linectl cal run TAG --line LINE",
        ),
        Explanation(
            "E-CAL-012",
            exit_code=5,
            meaning=tr("The sensor to be calibrated gave no good reading."),
            causes=tr("It is not connected, has failed, or reads outside its range."),
            remedy=tr("See what it says and why, and mend that first."),
            command="linectl tags trace LINE TAG",
        ),
        Explanation(
            "E-CAL-013",
            exit_code=6,
            meaning=tr("No calibration is changed while a run is under way."),
            causes=tr("What a run measures must not change its meaning on the way."),
            remedy=tr("Wait for the end of the run, or end it, then calibrate."),
            command="linectl status",
        ),
        Explanation(
            "E-CAL-014",
            exit_code=6,
            meaning=tr("The line is served by another file than the one that was named."),
            causes=tr("Two files have the same `name:`: one is served, the other was given with --line."),
            remedy=tr("Name the file that is served; or end its server first."),
            command="linectl status",
        ),
    )
