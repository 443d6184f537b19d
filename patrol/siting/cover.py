"""Maximal covering: the N sites that together reach the most demand, with a proved gap."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import highspy
import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geo.errors import InputError

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reach:
    """Which site reaches which demand point: CSR by site, ``points[ptr[i]:ptr[i + 1]]``."""

    ptr: Longs
    points: Longs
    n_points: int

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.ptr) - 1


@dataclass(frozen=True)
class SitingParams:
    """How far the search goes.

    Attributes
    ----------
    n_sites
        Sites to choose, besides those that stand already.
    gap
        Proved relative distance to the best answer at which to stop; 0 for the very best.
    time_limit_s
        Longest search; the answer then says the gap that it reached.
    """

    n_sites: int
    gap: float = 0.004
    time_limit_s: float = 60.0

    def __post_init__(self) -> None:
        if self.n_sites < 0:
            raise InputError("the number of sites to choose must be 0 or more")
        if not 0 <= self.gap < 1 or self.time_limit_s <= 0:
            raise InputError("the gap must be 0 to under 1, the time limit over 0 s")


@dataclass(frozen=True, eq=False)
class Siting:
    """A choice of sites.

    Attributes
    ----------
    sites
        Chosen sites by falling gain, when taken one after the other.
    gain
        What each adds to those before it.
    covered
        Weight that they reach together, standing sites included.
    total
        Weight of all demand.
    bound
        No choice reaches more than this: proved.
    n_groups
        Groups of demand points that the same sites reach.
    """

    sites: Longs
    gain: Floats
    covered: float
    total: float
    bound: float
    n_groups: int

    @property
    def gap(self) -> float:
        """Proved relative distance to the best choice."""
        return (self.bound - self.covered) / self.bound if self.bound > 0 else 0.0


def choose_sites(
    reach: Reach, weight: ArrayLike, params: SitingParams, *, standing: ArrayLike = ()
) -> Siting:
    """Choose sites that together reach the most weight.

    Points that the same sites reach count as one. A greedy choice (at least 1 - 1/e of the
    best, mostly over 98 %) starts an exact search by branch and bound.

    Parameters
    ----------
    reach
        Sites and the demand points that they reach.
    weight
        Demand of each point, 0 or more, ``(n_points,)``.
    standing
        Sites that are there already; their demand is met.

    Returns
    -------
    Siting
        The same for the same input. With no demand or no site left the choice is empty.

    Raises
    ------
    InputError
        A weight is negative or not finite, there is not one to each point, or a standing site
        does not exist.

    References
    ----------
    Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers of the Regional
    Science Association 32, 101-118. doi:10.1007/BF01942293

    Nemhauser, G. L., Wolsey, L. A., Fisher, M. L. (1978). An analysis of approximations for
    maximizing submodular set functions I. Mathematical Programming 14, 265-294.
    doi:10.1007/BF01588971
    """
    demand = _checked(reach, weight)
    fixed = np.unique(np.asarray(standing, dtype=np.int64))
    if len(fixed) and not (fixed[0] >= 0 and fixed[-1] < reach.n_sites):
        raise InputError(f"standing sites must be 0 to {reach.n_sites - 1}")
    met = np.zeros(reach.n_points, dtype=bool)
    for site in fixed:
        met[reach.points[reach.ptr[site] : reach.ptr[site + 1]]] = True
    already = float(demand[met].sum())
    groups = group_demand(reach, np.where(met, 0.0, demand))
    n_sites = min(params.n_sites, reach.n_sites - len(fixed))
    start, _ = choose_greedily(groups.by_site, groups.weight, n_sites)
    chosen, bound = _search(groups, start, n_sites, params)
    order, gain = choose_greedily(groups.by_site, groups.weight, n_sites, among=chosen)
    return Siting(
        sites=order, gain=gain, covered=already + float(gain.sum()), total=float(demand.sum()),
        bound=already + max(bound, float(gain.sum())), n_groups=len(groups.weight),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Groups:
    """Demand by the sites that reach it: one column a group in `by_site` (CSR, sites x groups)."""

    by_site: sparse.csr_array
    weight: Floats


def group_demand(reach: Reach, weight: Floats) -> Groups:
    """Join demand points that the same sites reach; points that no site reaches fall away."""
    site = np.repeat(np.arange(reach.n_sites), np.diff(reach.ptr))
    kept = weight[reach.points] > 0
    site, point = site[kept], reach.points[kept]
    # Two random numbers a site: points with equal sums of both are reached by the same sites.
    marks = np.random.default_rng(0).integers(1, 2**63, (2, reach.n_sites), dtype=np.uint64)
    order = np.argsort(point, kind="stable")
    site, point = site[order], point[order]
    points, first = np.unique(point, return_index=True)
    if not len(points):
        return Groups(sparse.csr_array((reach.n_sites, 0)), np.empty(0))
    signature = np.empty(len(points), dtype=[("a", np.uint64), ("b", np.uint64)])
    for name, mark in zip("ab", marks, strict=True):
        signature[name] = np.add.reduceat(mark[site], first)
    _, leader, group = np.unique(signature, return_index=True, return_inverse=True)
    size = np.diff(np.append(first, len(point)))[leader]
    rows = _ranges(first[leader], size)
    column = np.repeat(np.arange(len(leader)), size)
    shape = (reach.n_sites, len(leader))
    matrix = sparse.csr_array((np.ones(len(rows)), (site[rows], column)), shape=shape)
    matrix.sort_indices()
    return Groups(matrix, np.bincount(group, weight[points]).astype(np.float64))


def choose_greedily(
    by_site: sparse.csr_array, weight: Floats, n_sites: int, *, among: Longs | None = None
) -> tuple[Longs, Floats]:
    """Take the site with the greatest gain again and again; ties go to the lower number.

    Gains only fall, so a site is counted again only when it comes up first.

    Returns
    -------
    tuple
        Sites in the order taken, and what each added; sites that would add nothing are left.

    References
    ----------
    Minoux, M. (1978). Accelerated greedy algorithms for maximizing submodular set functions.
    doi:10.1007/BFb0006528
    """
    left = weight.copy()
    ptr, groups = by_site.indptr.astype(np.int64), by_site.indices.astype(np.int64)
    gain = by_site @ weight
    allowed = np.arange(len(gain)) if among is None else among
    heap = [(-float(gain[site]), int(site)) for site in allowed]
    heapq.heapify(heap)
    sites: list[int] = []
    gains: list[float] = []
    while heap and len(sites) < n_sites:
        _, site = heapq.heappop(heap)
        now = _gain(ptr, groups, left, site)
        if heap and (-now, site) > heap[0]:
            heapq.heappush(heap, (-now, site))
            continue
        if now <= 0:
            break
        left[groups[ptr[site] : ptr[site + 1]]] = 0.0
        sites.append(site)
        gains.append(now)
    return np.array(sites, dtype=np.int64), np.array(gains)


@njit(cache=True, nogil=True)
def _gain(ptr: Longs, groups: Longs, left: Floats, site: int) -> float:
    total = 0.0
    for at in range(ptr[site], ptr[site + 1]):
        total += left[groups[at]]
    return total


def _search(
    groups: Groups, start: Longs, n_sites: int, params: SitingParams
) -> tuple[Longs, float]:
    """Search by branch and bound from a start; return the sites and the proved bound."""
    n_all, n_groups = groups.by_site.shape
    if n_groups == 0 or n_sites == 0:
        return start, 0.0
    if len(start) < n_sites:  # the greedy choice meets all that can be met
        return start, float(groups.weight.sum())
    solver = highspy.Highs()
    for name, value in {
        "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": params.gap,
        "time_limit": params.time_limit_s,
    }.items():  # fmt: skip
        solver.setOptionValue(name, value)
    solver.passModel(_model(groups, n_sites))
    solver.setSolution(_as_solution(groups, start))
    solver.run()
    info = solver.getInfo()
    values = np.asarray(solver.getSolution().col_value)
    found = np.flatnonzero(values[:n_all] > 0.5) if len(values) == n_all + n_groups else start
    bound = min(float(info.mip_dual_bound), float(groups.weight.sum()))
    return found, bound


def _model(groups: Groups, n_sites: int) -> highspy.HighsLp:
    """Write the model: y_g <= sum of its sites' x, sum x = N, most weight of y."""
    n_all, n_groups = groups.by_site.shape
    by_group = sparse.hstack([-groups.by_site.T, sparse.eye_array(n_groups)])
    count = np.concatenate((np.ones(n_all), np.zeros(n_groups)))[None, :]
    matrix = sparse.csc_array(sparse.vstack([by_group, sparse.csr_array(count)]))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n_all + n_groups, n_groups + 1
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.concatenate((np.zeros(n_all), groups.weight))
    model.col_lower_ = np.zeros(n_all + n_groups)
    model.col_upper_ = np.ones(n_all + n_groups)
    model.row_lower_ = np.concatenate((np.full(n_groups, -highspy.kHighsInf), [0.0]))
    model.row_upper_ = np.concatenate((np.zeros(n_groups), [float(n_sites)]))
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = matrix.data.astype(np.float64)
    integer = [highspy.HighsVarType.kInteger] * n_all
    model.integrality_ = integer + [highspy.HighsVarType.kContinuous] * n_groups
    return model


def _as_solution(groups: Groups, sites: Longs) -> highspy.HighsSolution:
    n_all, _ = groups.by_site.shape
    x = np.zeros(n_all)
    x[sites] = 1.0
    solution = highspy.HighsSolution()
    solution.col_value = [*x.tolist(), *((x @ groups.by_site) > 0).astype(float).tolist()]
    return solution


def _checked(reach: Reach, weight: ArrayLike) -> Floats:
    demand = np.asarray(weight, dtype=np.float64)
    if demand.shape != (reach.n_points,):
        raise InputError(f"{len(demand)} weights do not fit {reach.n_points} demand points")
    if not np.isfinite(demand).all() or (demand < 0).any():
        raise InputError("weights of demand must be numbers of 0 or more")
    return demand


def _ranges(first: Longs, size: Longs) -> Longs:
    """Return first, first + 1, ... of each range, one after the other."""
    skipped = np.repeat(np.cumsum(size) - size, size)
    return np.asarray(np.repeat(first, size) + np.arange(size.sum()) - skipped)
