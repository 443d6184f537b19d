"""Kernel density along streets, where incidents spread over the network and not through blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from analytics.density import GAUSSIAN_REACH, Kernel
from analytics.network_kernel import spread_along
from geo.errors import InputError
from geo.network.streets import Snapped, Streets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Split = Literal["discontinuous", "continuous"]

STEP_M = 5.0
"""Streets are cut into pieces of about this length."""
TRIED_M = (50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0, 800.0)
"""Bandwidths that are tried where none is named."""
FOLDS = 10
EVEN = 0.01
"""Part of a foretold density that is spread evenly, so that no place is impossible."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Streets cut into pieces of about one length, which stand segment by segment.

    Attributes
    ----------
    first
        First piece of each segment and the number of all pieces, ``(n_segments + 1,)``.
    length_m
        Of a piece, ``(n_pieces,)``.
    ends
        The two nodes of each segment, ``(n_segments, 2)``.
    degree
        Segment ends at each node, ``(n_nodes,)``.
    step_m
        The length that was aimed at, by which distances are counted.
    """

    first: Ints
    length_m: Floats
    ends: Ints
    degree: Ints
    step_m: float

    @property
    def segment(self) -> Ints:
        """Return the segment of each piece, ``(n_pieces,)``."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


@dataclass(frozen=True, eq=False)
class NetworkBandwidth:
    """Bandwidths that were tried along streets, and how well each foretells left-out places.

    Attributes
    ----------
    tried_m
        Metres, ascending, ``(n,)``.
    score
        Mean log density (per km) at incidents whose place was left out, ``(n,)``.
    best_m
        The one with the highest score.
    """

    tried_m: Floats
    score: Floats
    best_m: float


def cut_streets(streets: Streets, *, step_m: float = STEP_M) -> Pieces:
    """Cut each segment into equal pieces of about `step_m`, at least one.

    Raises
    ------
    InputError
        `step_m` is not positive.
    """
    if not step_m > 0:
        raise InputError(f"step_m is {step_m}; it must be more than 0")
    length = streets.length_m
    n = np.maximum(np.rint(length / step_m), 1).astype(np.int64)
    frame = streets.network.segments
    ends = np.ascontiguousarray(frame[["start", "end"]].to_numpy(dtype=np.int64))
    degree = np.bincount(ends.ravel(), minlength=len(streets.network.nodes))
    first = np.concatenate(([0], np.cumsum(n)))
    return Pieces(first, np.repeat(length / n, n), ends, degree, step_m)


def count_in_pieces(pieces: Pieces, snapped: Snapped) -> Floats:
    """Count points by the piece on which they lie, ``(n_pieces,)``; those on none are left out."""
    return np.bincount(_piece_of(pieces, snapped), minlength=len(pieces.length_m)).astype(float)


def network_density(
    counts: Floats,
    pieces: Pieces,
    *,
    bandwidth_m: float,
    kernel: Kernel = "quartic",
    split: Split = "continuous",
) -> Floats:
    """Smooth counts along streets into incidents per km.

    Each incident spreads a mass of exactly one over the streets within the bandwidth, both ways.
    Where ``n`` segments meet it is split evenly: ``discontinuous`` sends ``1 / (n - 1)`` into each
    of the others, so that the density jumps at a junction; ``continuous`` sends ``2 / n`` into each
    and ``(n - 2) / n`` back with the sign turned, so that it does not. A dead end, where streets
    and the boundary end, turns all of it round.

    Parameters
    ----------
    counts
        Incidents by piece, ``(n_pieces,)``.
    bandwidth_m
        Radius of ``quartic``, standard deviation of ``gaussian`` (cut at `GAUSSIAN_REACH`).

    Returns
    -------
    NDArray
        Incidents per km, ``(n_pieces,)``. The sum times the pieces' length is the number of
        incidents. With ``continuous`` the density is not negative for kernels that fall with
        distance, but for rounding.

    Raises
    ------
    InputError
        The bandwidth is below one piece, `split` is unknown, or the counts do not fit.

    Notes
    -----
    All incidents run at once: the masses of one step of distance are added up piece by piece, so
    the cost is pieces times steps, whatever the number of incidents. Okabe's recursion walks every
    path of every incident, which are exponentially many in the bandwidth. The price is that each
    segment counts as a whole number of steps: its distances are wrong by up to half a step, and
    the result goes to that of the recursion as `step_m` goes to 0.

    References
    ----------
    Okabe, Satoh and Sugihara (2009), doi:10.1080/13658810802475491.
    """
    if len(counts) != len(pieces.length_m):
        raise InputError(
            f"counts are of {len(counts)} pieces, the streets of {len(pieces.length_m)}"
        )
    mass = _smooth(counts, pieces, [bandwidth_m], kernel, split)[0]
    return np.asarray(mass / (pieces.length_m / 1000.0))


def choose_network_bandwidth(
    snapped: Snapped,
    pieces: Pieces,
    *,
    rng: np.random.Generator,
    kernel: Kernel = "quartic",
    split: Split = "continuous",
    tried_m: Sequence[float] = TRIED_M,
) -> NetworkBandwidth:
    """Choose the bandwidth under which left-out places are likeliest, foretold from the others.

    Places (pieces), not single incidents, are dealt into `FOLDS` parts, so that repeats at one
    address do not pull the choice towards nothing; each part is foretold from the others. All
    bandwidths ride on one wave.

    Raises
    ------
    InputError
        Incidents lie on fewer than two places, or a bandwidth is below one piece.
    """
    counts = count_in_pieces(pieces, snapped)
    where = np.flatnonzero(counts)
    if len(where) < 2:
        raise InputError("incidents at fewer than two places choose no bandwidth; name one")
    tried = np.sort(np.asarray(tried_m, dtype=np.float64))
    fold = np.zeros(len(counts), dtype=np.int64)
    fold[where] = rng.permutation(len(where)) % min(FOLDS, len(where))
    score = np.zeros(len(tried))
    total_km = pieces.length_m.sum() / 1000.0
    for part in range(min(FOLDS, len(where))):
        out = (fold == part) & (counts > 0)
        rest = np.where(out, 0.0, counts)
        found = _smooth(rest, pieces, tried.tolist(), kernel, split)[:, out]
        share = np.maximum(found, 0.0) / (pieces.length_m[out] / 1000.0) / rest.sum()
        log = np.log((1 - EVEN) * share + EVEN / total_km)
        score += log @ counts[out]
    return NetworkBandwidth(tried, score / counts.sum(), float(tried[int(score.argmax())]))


def mean_by_segment(values: Floats, pieces: Pieces) -> Floats:
    """Return the mean over each segment of what its pieces have, by length, ``(n_segments,)``."""
    weighted = np.add.reduceat(values * pieces.length_m, pieces.first[:-1])
    return np.asarray(weighted / np.add.reduceat(pieces.length_m, pieces.first[:-1]))


def step_weights(bandwidth_m: float, step_m: float, kernel: Kernel) -> Floats:
    """Return the kernel's mass at each number of steps from its middle, both ways; adds up to 1."""
    reach = bandwidth_m if kernel == "quartic" else GAUSSIAN_REACH * bandwidth_m
    n_steps = int(np.ceil(reach / step_m + 0.5)) + 1
    edges = (np.arange(n_steps + 1) - 0.5).clip(0) * step_m / bandwidth_m
    if kernel == "gaussian":
        below = ndtr(np.minimum(edges, GAUSSIAN_REACH)) - 0.5
    else:
        u = np.minimum(edges, 1.0)
        below = 15 / 16 * (u - 2 * u**3 / 3 + u**5 / 5)
    mass = np.diff(below)
    return np.asarray(mass / mass.sum())


def _smooth(
    counts: Floats, pieces: Pieces, bandwidths: Sequence[float], kernel: Kernel, split: Split
) -> Floats:
    if split not in get_args(Split):
        raise InputError(f"split is {split!r}: say one of {', '.join(get_args(Split))}")
    if not min(bandwidths) >= pieces.step_m:
        raise InputError(
            f"a bandwidth of {min(bandwidths):g} m on pieces of {pieces.step_m:g} m smooths "
            "nothing; take a bandwidth of at least one piece"
        )
    rows = [step_weights(width, pieces.step_m, kernel) for width in bandwidths]
    weights = np.zeros((len(rows), max(map(len, rows))))
    for row, values in zip(weights, rows, strict=True):
        row[: len(values)] = values
    found: Floats = spread_along(
        np.asarray(counts, dtype=np.float64), pieces.first[:-1], pieces.first[1:] - 1,
        pieces.ends, pieces.degree, weights, split == "continuous",
    )  # fmt: skip
    return found


def _piece_of(pieces: Pieces, snapped: Snapped) -> Ints:
    on = snapped.segment >= 0
    segment = snapped.segment[on]
    first, n = pieces.first[segment], np.diff(pieces.first)[segment]
    place = np.floor(snapped.along_m[on] / pieces.length_m[first]).astype(np.int64)
    return np.asarray(first + np.clip(place, 0, n - 1), dtype=np.int64)
