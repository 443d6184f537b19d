"""False discovery rate: how many of the units called special may be so by chance."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Procedure = Literal["bh", "by"]


def adjust_fdr(p: NDArray[np.float64], *, procedure: Procedure = "bh") -> NDArray[np.float64]:
    """Return q-values: the smallest false discovery rate at which each test would pass.

    Parameters
    ----------
    p
        p-values, shape ``(n,)``. NaN is no test: it stays NaN and counts for nothing.
    procedure
        ``bh`` (Benjamini-Hochberg) holds under independence and positive dependence, the case of
        overlapping neighbourhoods; ``by`` (Benjamini-Yekutieli) under any dependence.

    Returns
    -------
    NDArray
        Shape ``(n,)``, within ``[p, 1]``. Empty input gives empty output.

    References
    ----------
    Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x;
    Benjamini and Yekutieli (2001), doi:10.1214/aos/1013699998.

    Examples
    --------
    >>> adjust_fdr(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    n = len(order)
    rank = np.arange(1, n + 1)
    penalty = float(np.sum(1 / rank)) if procedure == "by" else 1.0
    raw = p[order] * n * penalty / rank
    q[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q
