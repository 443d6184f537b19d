"""Fits that are kept, so that a stack and a table of its members fit each method once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analytics.cube import Cube
from analytics.forecast.protocol import Fitted, Method


@dataclass(frozen=True, eq=False)
class Kept:
    """A method whose fits on one cube are kept as long as this object lives.

    Attributes
    ----------
    method
        The method that does the work.
    fits
        What has been fitted so far, by cube and cutoff.
    """

    method: Method
    fits: dict[tuple[Cube, int], Fitted] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Return the method's name."""
        return self.method.name

    def fit(self, cube: Cube, cutoff_step: int) -> Fitted:
        """Learn from the steps before `cutoff_step`."""
        return next(iter(self.fit_rolling(cube, [cutoff_step])))

    def fit_rolling(self, cube: Cube, cutoffs: Sequence[int]) -> Iterator[Fitted]:
        """Yield ``fit(cube, cutoff)`` for ascending cutoffs."""
        missing = [cutoff for cutoff in cutoffs if (cube, cutoff) not in self.fits]
        if missing:
            fitted = self.method.fit_rolling(cube, missing)
            self.fits.update(zip([(cube, c) for c in missing], fitted, strict=True))
        for cutoff in cutoffs:
            yield self.fits[cube, cutoff]
