"""How many households have a service station within a walk by road."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from scipy.sparse.csgraph import dijkstra

from geo.errors import InputError
from geo.network.build import RoadNetwork
from geo.network.travel import place_on_network

Floats = NDArray[np.float64]


def walk_to_station(network: RoadNetwork, homes: Floats, stations: Floats) -> Floats:
    """Return how far each home is from its nearest station on foot by road, metres.

    Parameters
    ----------
    homes, stations
        Metric coordinates, shape ``(n, 2)`` and ``(m, 2)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``: along roads, with the ways to and from the road in a straight line;
        infinite without a road in reach. A home nearer in a straight line than to any road walks
        straight.
    """
    if not len(stations):
        return np.full(len(homes), np.inf)
    places = place_on_network(network, np.vstack((homes, stations)), mode="foot")
    n_nodes, n = len(network.nodes), len(homes)
    graph = _with_door(places.graph_m, n_nodes + n + np.arange(len(stations)), places.away_m[n:])
    metres = dijkstra(graph, indices=np.array([graph.shape[0] - 1]))[0]
    along = metres[n_nodes : n_nodes + n] + places.away_m[:n]
    straight = np.min(
        np.hypot(*(homes[:, None, :] - stations[None, :, :]).transpose(2, 0, 1)), axis=1
    )
    return np.asarray(np.where(straight <= places.away_m[:n], straight, along))


def share_within(households: Floats, metres: Floats, area: NDArray[np.int64], *,
                 reach_m: float = 500.0) -> dict[int, float | None]:  # fmt: skip
    """Return the share of each area's households within reach; None for one without households.

    Parameters
    ----------
    households, metres, area
        Of each home, shape ``(n,)``.
    """
    if reach_m <= 0:
        raise InputError("a reach is some metres", code="bad-number")
    found: dict[int, float | None] = {}
    for number in np.unique(area):
        own = area == number
        total = float(households[own].sum())
        near = float(households[own & (metres <= reach_m)].sum())
        found[int(number)] = near / total if total else None
    return found


def _with_door(graph: csr_array, nodes: NDArray[np.int64], away_m: Floats) -> csr_array:
    """Return the graph with one more node, from which every station is as far as its road."""
    size = graph.shape[0]
    sound = np.isfinite(away_m)
    # A length of zero would be no edge at all.
    lengths = np.maximum(away_m[sound], 1e-6)
    row = csr_array(
        (lengths, (np.zeros(int(sound.sum()), dtype=np.int64), nodes[sound])), shape=(1, size)
    )
    below = vstack((graph, row))
    return csr_array(hstack((below, csr_array((size + 1, 1)))))
