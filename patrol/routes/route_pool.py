"""Good routes that a search has met, and how to put new sets of routes together from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from patrol.routes.schedule_kernel import Ground, Tour

Floats = npt.NDArray[np.float64]


class RoutePool:
    """Distinct routes by the units that could drive them.

    A set of routes is worth the prizes of the stops that any of them visits: a stop in two is
    taken out of one, whose time is then free for others. What is looked for is thus a maximum
    coverage, found here by adding the best route and changing one at a time.

    Parameters
    ----------
    g
        What the search reads. Units of the same kind (travel, bases, shift, room, stops allowed)
        drive each other's routes.
    most
        Routes kept of each kind; the oldest go first.
    """

    def __init__(self, g: Ground, most: int = 600) -> None:
        self.prize = g.prize
        self.most = most
        alike: dict[tuple[object, ...], int] = {}
        keys = zip(g.profile, g.start, g.end, g.begin, g.finish, g.room, g.allowed, strict=True)
        self.kind = [alike.setdefault((*key[:-1], key[-1].tobytes()), len(alike)) for key in keys]
        self.routes: list[dict[frozenset[int], tuple[int, ...]]] = [{} for _ in alike]

    def add(self, tour: Tour) -> None:
        """Keep the routes of a tour; of two with the same stops the later."""
        for k, kind in enumerate(self.kind):
            order = tuple(tour.seq[k, 1 : tour.size[k] + 1].tolist())
            held = self.routes[kind]
            held.pop(frozenset(order), None)
            held[frozenset(order)] = order
            if len(held) > self.most:
                del held[next(iter(held))]

    def combine(self, rng: np.random.Generator) -> list[list[int]]:
        """Choose a route for every unit out of a random half of the pool.

        Returns
        -------
        list of list of int
            Stops in order by unit; no stop twice.
        """
        orders, rows = [], []
        for held in self.routes:
            kept = list(held.values())
            if len(kept) > 1:
                chosen = np.flatnonzero(rng.random(len(kept)) < 0.5)
                kept = [kept[i] for i in chosen] or kept[-1:]
            rows.append(self._rows(kept))
            orders.append(kept)
        unit_order = rng.permutation(len(self.kind)).tolist()
        picked: dict[int, int] = {}
        seen = np.zeros(len(self.prize))
        changed = True
        while changed:
            changed = False
            for k in unit_order:
                table = rows[self.kind[k]]
                if k in picked:
                    seen -= table[picked[k]]
                gain = np.einsum("ij,j->i", table, np.where(seen > 0, 0.0, self.prize))
                best = int(np.argmax(gain))
                if k not in picked or gain[best] > gain[picked[k]] * (1 + 1e-12) + 1e-9:
                    picked[k], changed = best, True
                seen += table[picked[k]]
        return _distinct([orders[kind][picked[k]] for k, kind in enumerate(self.kind)])

    def _rows(self, orders: Sequence[Sequence[int]]) -> Floats:
        table = np.zeros((len(orders), len(self.prize)), dtype=np.float64)
        for row, order in zip(table, orders, strict=True):
            row[list(order)] = True
        return table


def _distinct(orders: Sequence[Sequence[int]]) -> list[list[int]]:
    """Leave each stop in the first route that has it."""
    seen: set[int] = set()
    kept = []
    for order in orders:
        kept.append([v for v in order if v not in seen])
        seen.update(order)
    return kept
