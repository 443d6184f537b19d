"""What a look at each camera may find: reports in its view by hour of the day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import InputError
from patrol.coverage.cameras import Watch

SMOOTH = (0.25, 0.5, 0.25)
"""Weights of the hour before, the hour itself and the hour after."""


def camera_needs(watch: Watch, hours: NDArray[np.int64], *, weeks: float) -> NDArray[np.float64]:
    """Return the reports an hour that each camera has in view, by hour of the day.

    Parameters
    ----------
    watch
        Which cameras see which incidents.
    hours
        Local hour of each incident, 0 to 23.
    weeks
        Length of the window that the incidents are of.

    Returns
    -------
    numpy.ndarray
        ``(n_cameras, 24)``, smoothed around the clock.

    Raises
    ------
    InputError
        The window has no length.
    """
    if not weeks > 0:
        raise InputError("the window must be longer than nothing")
    key = watch.camera * 24 + hours[watch.point]
    count = np.bincount(key, minlength=watch.n_cameras * 24).reshape(watch.n_cameras, 24)
    before, here, after = SMOOTH
    smooth = here * count + before * np.roll(count, 1, axis=1) + after * np.roll(count, -1, axis=1)
    return np.asarray(smooth / (7 * weeks), dtype=np.float64)


def main_classes(watch: Watch, classes: pd.Series) -> list[str]:
    """Return the commonest class of report in each camera's view; empty where there is none."""
    pairs = pd.DataFrame({"camera": watch.camera, "class": classes.to_numpy()[watch.point]})
    count = pairs.value_counts().reset_index()
    count = count.sort_values(["camera", "count", "class"], ascending=[True, False, True])
    first = count.drop_duplicates("camera").set_index("camera")["class"]
    return [str(first.get(camera, "")) for camera in range(watch.n_cameras)]
