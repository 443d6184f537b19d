"""Public counts: small numbers withheld, and as many others as it takes to keep them so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.results import Lang
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOBODY = -1
LEGENDS: Mapping[Lang, tuple[str, str]] = MappingProxyType(
    {
        "zh": ("<{k}：少于 {k} 件", "*：少于 {k} 件，或为防止推算出此类数字而不公布"),
        "en": (
            "<{k}: fewer than {k}",
            "*: fewer than {k}, or withheld so that no such number can be worked out",
        ),
    }
)


@dataclass(frozen=True, eq=False)
class Published:
    """Counts as they may be shown; NaN stands for a withheld number.

    Attributes
    ----------
    k
        Numbers below are withheld.
    cells
        Same shape as the counts handed in.
    totals
        For each level of groups its labels in sorted order and the totals, ``(n_groups,)`` or
        ``(n_groups, n_steps)``.
    overall
        Of everything, one number or ``(n_steps,)``; NaN where it was not to be published.
    small, protecting
        Same shape as the cells: withheld because they are small, and to protect those.
    has_totals
        Whether anything is published from which a withheld number could be worked out.
    """

    k: int
    cells: Floats
    totals: tuple[tuple[NDArray[Any], Floats], ...]
    overall: Floats
    small: Bools
    protecting: Bools
    has_totals: bool

    @property
    def mark(self) -> str:
        """What stands instead of a withheld number.

        One mark for small and protecting ones alike: to tell them apart would give the small
        ones away.
        """
        return "*" if self.has_totals else f"<{self.k}"

    def text(self, values: Floats) -> NDArray[np.str_]:
        """Return numbers of this publication as text, with the mark where they are withheld."""
        shown = np.where(np.isnan(values), 0, values).astype(np.int64).astype(str)
        return np.where(np.isnan(values), self.mark, shown)

    def legend(self, lang: Lang) -> str:
        """Say what the mark means."""
        return LEGENDS[lang][int(self.has_totals)].format(k=self.k)


def publish_counts(
    counts: NDArray[Any],
    *,
    k: int = 5,
    groups: Sequence[Sequence[Any] | NDArray[Any]] = (),
    overall: bool = True,
    show_zeros: bool = False,
) -> Published:
    """Withhold counts below `k`, and others so that totals do not give them away.

    Each withheld number below `k` could, for all that is published, be `k` or more, and is one
    of at least two that only their sum is known of. The smallest numbers that do are withheld
    to protect it; where a whole total must go, it goes.

    Parameters
    ----------
    counts
        Whole numbers, ``(n_cells,)`` or ``(n_cells, n_steps)``. Steps are published side by
        side, without totals over them. Do not publish such totals elsewhere: the protection
        holds for one publication alone.
    k
        At least 2.
    groups
        Levels of totals that are published, the finest first (communities, streets), each the
        label of every cell. A group must lie within one group of the next level.
    overall
        Publish the sum of everything too.
    show_zeros
        Show zeros, also those of totals. Otherwise they count as small.

    Raises
    ------
    InputError
        Counts are not whole or negative, groups do not fit or do not nest, or k is below 2.

    References
    ----------
    Hundepool, A. et al. (2012). Statistical Disclosure Control, chapter 4.
    https://doi.org/10.1002/9781118348239
    """
    table = _checked(counts, k)
    codes, labels = _codes(groups, len(table))
    tree = _grow(table, codes)
    hidden = (tree.value < k) & ~((tree.value == 0) & show_zeros)
    small = hidden.copy()
    if not overall:
        hidden[tree.level == len(codes) + 1] = True
    _protect(tree, hidden, k=k, least=int(show_zeros))
    shown = np.where(hidden, np.nan, tree.value)
    parts = [shown[tree.level == number] for number in range(len(codes) + 2)]
    shape = counts.shape
    return Published(
        k=k,
        cells=parts[0].reshape(shape),
        totals=tuple(
            (names, part.reshape((len(names), *shape[1:])))
            for names, part in zip(labels, parts[1:-1], strict=True)
        ),
        overall=parts[-1].reshape(shape[1:]),
        small=small[tree.level == 0].reshape(shape),
        protecting=(hidden & ~small)[tree.level == 0].reshape(shape),
        has_totals=overall or bool(codes),
    )


@dataclass(frozen=True, eq=False)
class _Tree:
    """All numbers of a publication: cells (level 0), groups, and one sum of all for each step."""

    value: Ints
    parent: Ints
    level: Ints


def _grow(table: Ints, codes: Sequence[Ints]) -> _Tree:
    """Return the tree; each step is one of its own, numbered side by side."""
    n_steps = table.shape[1]
    values, parents, begin = [table], [], 0
    ladder = [*codes, np.zeros(len(table), dtype=np.int64)]
    member = np.arange(len(table))
    sizes = [*(int(code.max(initial=-1)) + 1 for code in codes), 1]
    for code, size in zip(ladder, sizes, strict=True):
        upper = np.zeros((size, n_steps), dtype=np.int64)
        np.add.at(upper, code, table)
        up = np.zeros(len(values[-1]), dtype=np.int64)
        up[member] = code
        begin += len(values[-1]) * n_steps
        parents.append(begin + up[:, None] * n_steps + np.arange(n_steps))
        values.append(upper)
        member = code
    parents.append(np.full((1, n_steps), NOBODY))
    return _Tree(
        value=np.concatenate([value.ravel() for value in values]),
        parent=np.concatenate([parent.ravel() for parent in parents]),
        level=np.repeat(np.arange(len(values)), [value.size for value in values]),
    )


def _protect(tree: _Tree, hidden: Bools, *, k: int, least: int) -> None:
    """Hide more numbers, in place, until no small one can be told.

    Only the sum is known of the hidden cells below a shown total that have no other shown total
    between: all that is published says about them is that this sum is right and that each is at
    least `least`. So each could be as much as the sum less what the others are at least.
    """
    leaf = tree.level == 0
    while True:
        anchor = _anchors(tree, hidden)
        held = leaf & hidden & (anchor != NOBODY)
        n = np.bincount(anchor[held], minlength=len(hidden))
        total = np.bincount(anchor[held], weights=tree.value[held], minlength=len(hidden))
        open_ = (n > 0) & ((n < 2) | (total - (n - 1) * least < k))
        if not open_.any():
            return
        free = ~hidden & (tree.value > 0) & (anchor != NOBODY)
        free[free] = open_[anchor[free]]
        # Cells before totals, small before large; where nothing is left, the total itself.
        order = np.lexsort((tree.value, tree.level > 0))
        order = order[free[order]]
        of, first = np.unique(anchor[order], return_index=True)
        hidden[order[first]] = True
        open_[of] = False
        hidden |= open_


def _anchors(tree: _Tree, hidden: Bools) -> Ints:
    """Return the nearest shown total above each number, or `NOBODY`."""
    anchor = np.full(len(hidden), NOBODY, dtype=np.int64)
    for number in range(int(tree.level.max()) - 1, -1, -1):
        here = tree.level == number
        above = tree.parent[here]
        anchor[here] = np.where(hidden[above], anchor[above], above)
    return anchor


def _checked(counts: NDArray[Any], k: int) -> Ints:
    values = np.asarray(counts)
    if values.ndim not in (1, 2) or not np.issubdtype(values.dtype, np.number):
        raise InputError("counts must be numbers by cell, or by cell and step")
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.floor(values)).any():
        raise InputError("counts must be whole and at least 0: publish no weights or estimates")
    if k < 2:
        raise InputError(f"k is {k}; with less than 2 nothing is protected, 5 is usual")
    return values.reshape(len(values), -1 if values.size else 1).astype(np.int64)


def _codes(
    groups: Sequence[Sequence[Any] | NDArray[Any]], n: int
) -> tuple[list[Ints], list[NDArray[Any]]]:
    codes, labels = [], []
    for number, group in enumerate(groups):
        if len(group) != n:
            raise InputError(f"groups[{number}] has {len(group)} labels for {n} cells")
        names, code = np.unique(np.asarray(group), return_inverse=True)
        codes.append(code.astype(np.int64))
        labels.append(names)
    for number in range(1, len(codes)):
        pairs = pd.DataFrame({"below": codes[number - 1], "above": codes[number]})
        torn = pairs.groupby("below")["above"].nunique()
        if (torn > 1).any():
            name = labels[number - 1][int(torn.index[torn > 1][0])]
            raise InputError(
                f"group {name!r} of level {number - 1} lies in several groups of level {number}; "
                "totals that overlap cannot be protected together"
            )
    return codes, labels
