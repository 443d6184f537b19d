"""How good a classifier is on sentences that it has not seen: F1, calibration, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True)
class ClassScore:
    """Of one class: precision, recall and F1; None where nothing was due."""

    code: str
    sentences: int
    precision: float | None
    recall: float | None
    f1: float


@dataclass(frozen=True)
class HeldOut:
    """What held-out predictions show.

    Attributes
    ----------
    accuracy, top3
        Share of sentences whose class came first, and among the first three.
    macro_f1
        Mean F1 of the classes.
    calibration_error
        Expected calibration error over ten bins of equal number: mean gap between confidence and
        share that was right.
    threshold
        The lowest confidence above which the first suggestion is right as often as `precision`
        asks; None if no confidence reaches that.
    coverage
        Share of sentences whose first suggestion is above the threshold; 0 without one.
    precision_at
        How often those are right, and the 95 % interval (Wilson).
    """

    sentences: int
    accuracy: float
    top3: float
    macro_f1: float
    calibration_error: float
    precision: float
    threshold: float | None
    coverage: float
    precision_at: float | None
    precision_low: float | None
    precision_high: float | None
    classes: tuple[ClassScore, ...]


def score(
    codes: Sequence[str], chances: Floats, truth: Sequence[str], *, precision: float
) -> HeldOut:
    """Score held-out probabilities.

    Parameters
    ----------
    chances
        Probabilities, shape ``(n, n_classes)``.
    truth
        The class of each sentence, ``(n,)``.
    precision
        That the threshold is chosen for.
    """
    target = np.searchsorted(np.array(codes), np.array(truth))
    first = chances.argmax(axis=1)
    right, confidence = first == target, chances.max(axis=1)
    third = np.sort(chances, axis=1)[:, -3:][:, 0]
    own = chances[np.arange(len(target)), target]
    classes = tuple(_of_class(number, code, first, target) for number, code in enumerate(codes))
    threshold = choose_threshold(confidence, right, precision=precision)
    above = confidence >= threshold if threshold is not None else np.zeros(len(right), bool)
    low, high = wilson(int(right[above].sum()), int(above.sum()))
    return HeldOut(
        sentences=len(target),
        accuracy=float(right.mean()),
        top3=float((own >= third).mean()),
        macro_f1=float(np.mean([one.f1 for one in classes])),
        calibration_error=calibration_error(confidence, right),
        precision=precision,
        threshold=threshold,
        coverage=float(above.mean()),
        precision_at=float(right[above].mean()) if above.any() else None,
        precision_low=low,
        precision_high=high,
        classes=classes,
    )


def choose_threshold(
    confidence: Floats, right: NDArray[np.bool_], *, precision: float
) -> float | None:
    """Return the lowest confidence from which on `precision` is kept; None if there is none."""
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Sentences of equal confidence stand or fall together.
    last = np.append(np.diff(confidence[order]) != 0, True)
    good = np.flatnonzero((share >= precision) & last)
    return float(confidence[order][good[-1]]) if len(good) else None


def calibration_error(confidence: Floats, right: NDArray[np.bool_], *, bins: int = BINS) -> float:
    """Return the expected calibration error over bins of equal number, 0 to 1.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 29.
    """
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts
            if len(part)]  # fmt: skip
    return float(np.sum(gaps) / len(confidence))


def wilson(hits: int, tries: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a share; None where nothing was tried.

    References
    ----------
    Wilson 1927, JASA 22(158), doi:10.1080/01621459.1927.10502953.
    """
    if not tries:
        return None, None
    z = 1.959964
    share = hits / tries
    middle = (share + z**2 / (2 * tries)) / (1 + z**2 / tries)
    half = z / (1 + z**2 / tries) * np.sqrt(share * (1 - share) / tries + z**2 / (4 * tries**2))
    return float(middle - half), float(middle + half)


def _of_class(
    number: int, code: str, first: NDArray[np.int64], target: NDArray[np.int64]
) -> ClassScore:
    hits = int(((first == number) & (target == number)).sum())
    named, there = int((first == number).sum()), int((target == number).sum())
    return ClassScore(
        code=code,
        sentences=there,
        precision=hits / named if named else None,
        recall=hits / there if there else None,
        f1=2 * hits / (named + there) if named + there else 0.0,
    )
