"""What bounds of one glue are made with: replicates and profiles of its fits, whatever is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from linectl.lab.fitted import Fitted
from linectl.lab.kinetics.bootstrap import MarginalTimes
from linectl.lab.kinetics.intervals import ReleaseTimes
from linectl.lab.results import Estimate

__all__ = ["BoundEngine", "OnDemand", "Replicas"]

_MOST_BOTTLES = 3000  # beyond, bounds are by profile likelihood: replicates would take minutes
_REMEMBERED = 512  # bounds of one glue


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many bootstrap replicates, from which seed, and the planner's guess of how baths differ (sd of ln t)."""

    count: int
    seed: int
    bath_sd: float


class OnDemand(Mapping[str, Estimate]):
    """Estimates by family, each made when it is first asked for; pickled, it is a plain dict."""

    def __init__(self, families: Iterable[str], make: Callable[[str], Estimate]) -> None:
        self._families, self._make = tuple(families), make
        self._known: dict[str, Estimate] = {}

    def __getitem__(self, family: str) -> Estimate:
        if family not in self._families:
            raise KeyError(family)
        if family not in self._known:
            self._known[family] = self._make(family)
        return self._known[family]

    def __contains__(self, family: object) -> bool:
        return family in self._families

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return len(self._families)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, Estimate]], tuple[dict[str, Estimate]]]:
        return dict, (dict(self),)


class BoundEngine:
    """Replicates (drawn once per family) and profiles of the fits of one glue, and the last bounds made with them."""

    def __init__(self, fitted: Fitted, replicas: Replicas) -> None:
        self.fitted, self.replicas = fitted, replicas
        self.simulated = tuple(fitted.fits) if len(fitted.data) <= _MOST_BOTTLES else ()
        """The families whose bounds are by bootstrap."""
        self._marginal: dict[str, MarginalTimes] = {}
        self._profile: dict[str, ReleaseTimes] = {}
        self.marginal = lru_cache(maxsize=_REMEMBERED)(self._by_bootstrap)
        self.profiled = lru_cache(maxsize=_REMEMBERED)(self._by_profile)

    def _by_bootstrap(
        self, family: str, temp_c: float, naoh_pct: float, p: float, conf: float, population: str
    ) -> Estimate:
        """Return the bootstrap-t bound of a population (see `MarginalTimes.bound`)."""
        if family not in self._marginal:
            self._marginal[family] = MarginalTimes(
                self.fitted.fits[family],
                self.fitted.data,
                bath_effect=self.fitted.bath(family),
                seed=self.replicas.seed,
                replicates=self.replicas.count,
                bath_sd=self.replicas.bath_sd,
            )
        times = self._marginal[family]
        return times.bound(temp_c=temp_c, naoh_pct=naoh_pct, p=p, conf=conf, population=population)

    def _by_profile(self, family: str, temp_c: float, naoh_pct: float, p: float, conf: float) -> Estimate:
        """Return the bound by profile likelihood."""
        if family not in self._profile:
            self._profile[family] = ReleaseTimes(self.fitted.fits[family])
        return self._profile[family].bound(temp_c=temp_c, naoh_pct=naoh_pct, p=p, conf=conf)
