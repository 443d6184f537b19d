"""Rolling origins: from which steps to forecast, and what may be known there."""

from __future__ import annotations

from dataclasses import dataclass

from geo.errors import InputError


@dataclass(frozen=True)
class Origins:
    """Steps at which a forecast would have been made.

    Attributes
    ----------
    steps
        First step of each window that is forecast, ascending.
    horizon_steps
        Length of the windows.
    embargo_steps
        Steps before each origin that a method may not see, because reports arrive late.
    """

    steps: tuple[int, ...]
    horizon_steps: int = 1
    embargo_steps: int = 0

    def __post_init__(self) -> None:
        if self.horizon_steps < 1 or self.embargo_steps < 0:
            raise InputError("horizon_steps must be at least 1 and embargo_steps at least 0")
        if not self.steps or any(b <= a for a, b in zip(self.steps, self.steps[1:], strict=False)):
            raise InputError(f"origins {self.steps} must be one or more ascending steps")

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def cutoffs(self) -> list[int]:
        """Return the first step that the method may not see, for each origin."""
        return [step - self.embargo_steps for step in self.steps]


def rolling_origins(
    n_steps: int,
    *,
    n_origins: int,
    horizon_steps: int = 1,
    embargo_steps: int = 0,
    every: int | None = None,
    last_step: int | None = None,
) -> Origins:
    """Lay origins so that the last window ends with the data.

    Parameters
    ----------
    n_steps
        Steps of the cube.
    n_origins, horizon_steps, embargo_steps
        See `Origins`.
    every
        Steps between origins; the horizon when not given, so that windows do not overlap.
    last_step
        Where the last window ends (not included) instead of the end of the data.

    Raises
    ------
    InputError
        The data is too short for so many origins.

    Examples
    --------
    >>> rolling_origins(104, n_origins=3).steps
    (101, 102, 103)
    """
    apart = every or horizon_steps
    end = n_steps if last_step is None else min(last_step, n_steps)
    last = end - horizon_steps
    first = last - apart * (n_origins - 1)
    if n_origins < 1 or first - embargo_steps < 1:
        raise InputError(
            f"{n_origins} origins every {apart} steps do not fit into {end} steps with a horizon "
            f"of {horizon_steps} and an embargo of {embargo_steps}; take fewer, or more data"
        )
    return Origins(tuple(range(first, last + 1, apart)), horizon_steps, embargo_steps)
