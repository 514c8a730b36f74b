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
