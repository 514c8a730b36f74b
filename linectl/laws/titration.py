"""NaOH of a bath by titration with a strong acid (HCl, or H2SO4 by its normality).

To phenolphthalein (pH 8.3) the acid takes the hydroxide, and of carbonate the first half: CO3 2- + H+ -> HCO3 -. Down
to methyl orange (pH 4.3) it takes the second half too. With both volumes, P and M, the free NaOH is 2P - M and the
carbonate 2(M - P) (Warder; Harris, Quantitative Chemical Analysis, on mixtures of hydroxide and carbonate). With P
alone the carbonate that a bath takes from air and soil counts half as NaOH.

Uncertainty after EURACHEM/CITAC Guide CG 4 (2012), examples A2 and A3: for a product and quotient of volumes and a
concentration the relative standard uncertainties add as squares.
"""

from __future__ import annotations

from math import hypot

from linectl.laws.water import density_kg_l

__all__ = ["free_ml", "titrated_naoh_pct", "titration_u"]

_MOLAR_MASS = 39.997  # g/mol of NaOH
_ROUNDS = 30  # the density depends on the content by 1 % per %: five rounds are enough


def free_ml(acid_ml: float, total_ml: float | None) -> float:
    """Return the acid in mL that the free NaOH took, of `acid_ml` to pH 8.3 and `total_ml` to pH 4.3 (None: no such).

    Raises:
        ValueError: the second end point comes before the first, or all was carbonate.
    """
    if total_ml is None:
        return acid_ml
    free = 2.0 * acid_ml - total_ml
    if total_ml < acid_ml or free <= 0.0:
        msg = f"{total_ml:g} mL in all after {acid_ml:g} mL"
        raise ValueError(msg)
    return free


def titrated_naoh_pct(
    sample_ml: float, acid_ml: float, normality: float, *, total_ml: float | None = None, temperature_c: float = 20.0
) -> float:
    """Return the free NaOH in % by mass of `sample_ml` mL at `temperature_c` °C; `normality` is the acid's, in mol/L.

    Raises:
        ValueError: the two end points contradict each other.
    """
    molar = normality * free_ml(acid_ml, total_ml) / sample_ml
    content = 0.1 * molar * _MOLAR_MASS
    for _ in range(_ROUNDS):
        content = 0.1 * molar * _MOLAR_MASS / density_kg_l(content, temperature_c)
    return content


def titration_u(
    acid_ml: float,
    total_ml: float | None,
    *,
    volume_u_ml: float,
    normality_u: float,
    sample_u: float,
) -> float:
    """Return the relative standard uncertainty of one titration.

    `volume_u_ml` is that of each volume of acid in mL (burette and end point), `normality_u` and `sample_u` are
    relative. With two end points 2P - M has the volumes' uncertainties in it as 2 and 1.
    """
    volume = volume_u_ml if total_ml is None else hypot(2.0, 1.0) * volume_u_ml
    return hypot(volume / free_ml(acid_ml, total_ml), normality_u, sample_u)
