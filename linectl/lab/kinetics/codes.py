"""Machine words for what stands against a figure: never translated, listed in the documentation of the analysis."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Code"]


class Code(StrEnum):
    """Why a figure is missing, or what its reader must know."""

    SINGLE_TEMPERATURE = "SINGLE_TEMPERATURE"  # activation energy is not identifiable
    SINGLE_CAUSTIC = "SINGLE_CAUSTIC"  # caustic order is not identifiable; the fit goes without it
    ALL_CENSORED = "ALL_CENSORED"  # no label came off: the time scale has no upper end
    FEW_RELEASED = "FEW_RELEASED"  # fewer than two released labels per parameter
    SEPARATION = "SEPARATION"  # no spread is left for the family to describe
    NOT_CONVERGED = "NOT_CONVERGED"  # the likelihood has no maximum that the solver could reach
    NOT_SIMULATED = "NOT_SIMULATED"  # a bootstrap bound is not made of fits with such terms, or of exact times
    UNBOUNDED = "UNBOUNDED"  # the likelihood never falls far enough on that side
    NO_BOTTLES = "NO_BOTTLES"
    EXTRAPOLATED = "EXTRAPOLATED"  # more than 5 K outside the tested temperatures, or outside the tested NaOH
    FEW_BATHS = "FEW_BATHS"  # fewer than 8: bottles of one bath are no replicates of its temperature
    ALL_CENSORED_CELL = "ALL_CENSORED_CELL"  # a cell in which no label came off
    FIRST_CHECK_CELL = "FIRST_CHECK_CELL"  # a cell in which every label was off at the first check
    TRACE_GAP = "TRACE_GAP"  # a hole in the bath's temperature, bridged or not as the detail says
    TRACE_SHORT = "TRACE_SHORT"  # checks outside the bath's temperature record
    NOT_OBSERVED = "NOT_OBSERVED"  # a bottle that was never looked at, left out
    TEMP_TIME_CONFOUNDED = "TEMP_TIME_CONFOUNDED"  # bath temperature goes with bath order
    FAMILY_UNDECIDED = "FAMILY_UNDECIDED"  # the data do not tell the families apart, and their bounds disagree
    ILL_CONDITIONED = "ILL_CONDITIONED"  # the information matrix is nearly singular
    PLATEAU = "PLATEAU"  # some labels seem never to come off
    NO_PLATEAU = "NO_PLATEAU"  # a share that never comes off is best at 0: the fit without it is the same
    SINGLE_LEVEL = "SINGLE_LEVEL"  # a factor of the formula has one level only
    CONFOUNDED = "CONFOUNDED"  # two factors of the formula were only changed together
    FACTOR_TIME_CONFOUNDED = "FACTOR_TIME_CONFOUNDED"  # the bath's NaOH or stirrer goes with bath order
    PSEUDO_REPLICATION = "PSEUDO_REPLICATION"  # a treatment or temperature in one bath only: its bottles are no repeats
    GLUE_CONFOUNDED = "GLUE_CONFOUNDED"  # two glues never meet in a bath, directly or through others
    ALIASED = "ALIASED"  # two effects move together in every bath: they cannot be told apart
    SHORT_CAP = "SHORT_CAP"  # by the guess, the wanted share is not off before the soak ends
    COARSE_CHECKS = "COARSE_CHECKS"  # by the guess, half of the labels are off between two looks
    FEW_BOTTLES = "FEW_BOTTLES"  # even without one label on, so few bottles prove less than what is asked
    NOT_WITHIN = "NOT_WITHIN"  # even the hottest tested temperature is not shown to do within the time asked
    COOLEST_TESTED = "COOLEST_TESTED"  # the coolest tested temperature does already; cooler ones were not tested
    BATHS_ALIKE = "BATHS_ALIKE"  # baths differ by no more than their bottles: a spread between them is best at 0
    NO_CALIBRATION = "NO_CALIBRATION"  # a sensor without a calibration on record: its part of the bound is missing
    CALIBRATION_DUE = "CALIBRATION_DUE"  # the calibration was past its date when the run began
    LOTS_DIFFER = "LOTS_DIFFER"  # lots of one glue release at different times
    CURVED = "CURVED"  # ln time is not straight in 1/T: the glue melts, swells or dissolves otherwise
    SIGMA_VARIES = "SIGMA_VARIES"  # the spread of ln time differs between temperatures
    POOR_FIT = "POOR_FIT"  # the family's curve lies farther from the labels' own than luck allows
    CAUSTIC_ZERO = "CAUSTIC_ZERO"  # a bath without NaOH: the order is that of (c + 0.1)
