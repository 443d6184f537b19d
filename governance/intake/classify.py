"""Which class of problems a report tells of: characters' n-grams, a linear model, calibrated."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import logsumexp, softmax
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC
from sklearn.utils import murmurhash3_32

from geo.errors import InputError

Floats = NDArray[np.float64]
_DIGITS = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")
FEWEST = 5
"""Sentences that a class needs before it can be learnt and held out."""
NEVER = -5.0
"""Score of a class whose sentences, all of one group, are held out at the moment."""


@dataclass(frozen=True)
class ClassifierParams:
    """How a classifier is made.

    Attributes
    ----------
    longest
        Longest n-gram of Chinese characters; all from 1 on are counted.
    features
        Number of hashed columns; a power of two.
    strength
        Inverse of the regularisation.
    folds
        Into how many parts the sentences are split to hold each out once.
    precision
        Of the first suggestion, which the threshold is chosen for.
    """

    longest: int = 4
    features: int = 2**16
    strength: float = 1.0
    folds: int = 5
    precision: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what nothing can be learnt with."""
        if not 1 <= self.longest <= 6 or not 2**8 <= self.features <= 2**20:
            raise InputError(
                "n-grams are of 1 to 6 characters, in 2^8 to 2^20 columns", code="bad-setting"
            )
        if not 0 < self.precision < 1 or self.strength <= 0 or not 2 <= self.folds <= 20:
            raise InputError(
                "precision lies between 0 and 1, strength above 0, folds in 2..20",
                code="bad-setting",
            )


@dataclass(frozen=True)
class Labelled:
    """Sentences with the class that a person gave them, ``(n,)`` each.

    Attributes
    ----------
    groups
        Sentences of one group, such as reports of one case, are held out together.
    starter
        Whether a sentence was written for a beginning, and nobody reported it.
    """

    words: tuple[str, ...]
    codes: tuple[str, ...]
    groups: tuple[str, ...]
    starter: tuple[bool, ...]

    def __len__(self) -> int:
        """Return how many sentences there are."""
        return len(self.words)


@dataclass(frozen=True)
class Model:
    """A trained classifier.

    Attributes
    ----------
    codes
        The classes that it knows, ``(n_classes,)``.
    idf
        Weight of each hashed column, ``(features,)``.
    weights, offsets
        Of the linear model, ``(features, n_classes)`` and ``(n_classes,)``.
    temperature
        What the scores are divided by, so that probabilities are borne out.
    """

    codes: tuple[str, ...]
    idf: Floats
    weights: NDArray[np.float32]
    offsets: Floats
    temperature: float
    longest: int


@dataclass(frozen=True)
class Suggestion:
    """One class that a report may be of, with its probability."""

    code: str
    confidence: float


def suggest(model: Model, words: str, *, most: int = 3) -> list[Suggestion]:
    """Return the likeliest classes of a report; a person confirms one of them, or another.

    Words that share no n-gram with anything learnt give nothing.
    """
    columns, counts = _counted(words, longest=model.longest, features=len(model.idf))
    own = (1.0 + np.log(counts)) * model.idf[columns]
    length = np.sqrt(own @ own)
    if not length:
        return []
    scored = (own / length) @ model.weights[columns] + model.offsets
    chances = softmax(scored / model.temperature)
    best = np.argsort(-chances, kind="stable")[:most]
    return [Suggestion(model.codes[i], float(chances[i])) for i in best]


def probabilities(model: Model, words: Sequence[str]) -> Floats:
    """Return the probability of each class, shape ``(n, n_classes)``; rows sum to 1."""
    return np.asarray(softmax(scores(model, words) / model.temperature, axis=1))


def scores(model: Model, words: Sequence[str]) -> Floats:
    """Return the linear model's scores, shape ``(n, n_classes)``."""
    counts = count_ngrams(words, longest=model.longest, features=len(model.idf))
    return (
        np.asarray(_weighted(counts, model.idf).astype(np.float32) @ model.weights) + model.offsets
    )


def train(labelled: Labelled, params: ClassifierParams) -> tuple[Model, Floats]:
    """Train on everything; return the model and the scores that each sentence got held out.

    The temperature is fitted on scores that the sentences got from models that had not seen them.

    Returns
    -------
    tuple
        The model, and scores of shape ``(n, n_classes)``.

    Raises
    ------
    InputError
        There are fewer than two classes with `FEWEST` sentences, or a class has fewer.

    References
    ----------
    Cavnar & Trenkle 1994 (n-grams); Joachims 1998 (support vectors for text);
    Weinberger et al. 2009, doi:10.1145/1553374.1553516 (hashing);
    Guo et al. 2017, On calibration of modern neural networks, ICML (temperature).
    """
    _learnable(labelled)
    return _train(labelled, params)


def _train(labelled: Labelled, params: ClassifierParams) -> tuple[Model, Floats]:
    names = tuple(sorted(set(labelled.codes)))
    counts = count_ngrams(labelled.words, longest=params.longest, features=params.features)
    target = np.searchsorted(names, labelled.codes)
    held_out = np.zeros((len(labelled), len(names)))
    for seen, unseen in split(labelled, folds=params.folds, seed=params.seed):
        part = _fit(counts[seen], target[seen], params, names)
        held_out[unseen] = _weighted(counts[unseen], part.idf) @ part.weights + part.offsets
    final = _fit(counts, target, params, names)
    return replace(final, temperature=fit_temperature(held_out, target)), held_out


def hold_out(labelled: Labelled, params: ClassifierParams) -> tuple[tuple[str, ...], Floats]:
    """Return the classes, and the probabilities that each sentence gets from models without it.

    Each fold's model is trained and calibrated on the other folds alone.

    Returns
    -------
    tuple
        Codes, and probabilities of shape ``(n, n_classes)``.
    """
    codes = _learnable(labelled)
    chances = np.zeros((len(labelled), len(codes)))
    for seen, unseen in split(labelled, folds=params.folds, seed=params.seed):
        part = _taken(labelled, seen)
        model, _ = _train(part, params)
        columns = np.searchsorted(codes, model.codes)
        chances[np.ix_(unseen, columns)] = probabilities(model, [labelled.words[i] for i in unseen])
    return codes, chances


def split(
    labelled: Labelled, *, folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split the sentences into folds with every class in each, groups kept together.

    There are no more folds than the rarest class has sentences.
    """
    rarest = min(Counter(labelled.codes).values())
    folds = max(2, min(folds, rarest))
    groups = np.unique(labelled.groups, return_inverse=True)[1]
    parts = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    shape = np.zeros((len(labelled), 1))
    return list(parts.split(shape, np.array(labelled.codes), groups))


def plain(words: str) -> str:
    """Return words as they are compared: one width, one case, numbers all alike."""
    text = unicodedata.normalize("NFKC", words).casefold()
    return _SPACE.sub(" ", _DIGITS.sub("0", text)).strip()


def count_ngrams(words: Sequence[str], *, longest: int, features: int) -> csr_matrix:
    """Count n-grams of characters in hashed columns, shape ``(n, features)``."""
    rows = [_counted(said, longest=longest, features=features) for said in words]
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([columns for columns, _ in rows] or [np.zeros(0, np.int64)])
    counts = np.concatenate([counts for _, counts in rows] or [np.zeros(0)])
    return csr_matrix((counts, columns, ends), shape=(len(rows), features))


def _counted(words: str, *, longest: int, features: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the hashed columns of a report's n-grams in order, and how often each is there.

    The hash is that of scikit-learn's HashingVectorizer, whose set-up for a single text takes ten
    times as long as this.
    """
    hashed = np.array(
        [murmurhash3_32(gram) for gram in ngrams(words, longest=longest)], dtype=np.int64
    )
    columns, counts = np.unique(np.abs(hashed) % features, return_counts=True)
    return columns, counts.astype(np.float64)


def ngrams(words: str, *, longest: int) -> list[str]:
    """Return the n-grams of a report: of Chinese, of the words and within the words of Latin.

    Chinese gives runs of 1 to `longest` characters, which need no segmentation; Latin gives words
    and 3 to 5 letters within them.

    Examples
    --------
    >>> ngrams("路灯 off", longest=2)
    ['路', '灯', '路灯', ' off', '<of', 'off', 'ff>', '<off', 'off>', '<off>']
    """
    found: list[str] = []
    for run in _RUNS.findall(plain(words)):
        if run[0].isascii() and run[0].isalnum():
            if run not in _FUNCTION_WORDS:
                found.append(f" {run}")
                found += _pieces(f"<{run}>", 3, 5)
        else:
            found += _pieces(run, 1, longest)
    return found


def _pieces(run: str, shortest: int, longest: int) -> list[str]:
    return [
        run[i : i + n] for n in range(shortest, longest + 1) for i in range(len(run) - n + 1)
    ]  # fmt: skip


_RUNS = re.compile(r"[a-z0-9']+|[^\sa-z0-9']+")
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the a an is are of in on at to and has have been it by for with our my we no not be was "
        "were there from somebody someone people this that please every",
    )
)


def fit_temperature(held_out: Floats, target: NDArray[np.int64]) -> float:
    """Return the temperature under which held-out scores are likeliest, 0.05 to 20."""
    rows = np.arange(len(target))

    def loss(log_t: float) -> float:
        logits = held_out / np.exp(log_t)
        return float(np.mean(logsumexp(logits, axis=1) - logits[rows, target]))

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def _learnable(labelled: Labelled) -> tuple[str, ...]:
    counts = Counter(labelled.codes)
    few = sorted(code for code, count in counts.items() if count < FEWEST)
    if few or len(counts) < 2:
        named = f" (too few of {', '.join(few)})" if few else ""
        msg = f"a classifier needs two classes with {FEWEST} sentences each at least{named}"
        raise InputError(msg, code="few-sentences")
    return tuple(sorted(counts))


def _taken(labelled: Labelled, rows: NDArray[np.int64]) -> Labelled:
    return Labelled(
        tuple(labelled.words[i] for i in rows), tuple(labelled.codes[i] for i in rows),
        tuple(labelled.groups[i] for i in rows), tuple(labelled.starter[i] for i in rows),
    )  # fmt: skip


def _fit(
    counts: csr_matrix, target: NDArray[np.int64], params: ClassifierParams, codes: tuple[str, ...]
) -> Model:
    """Fit the weights of the columns and the linear model, without calibration."""
    documents = np.asarray((counts > 0).sum(axis=0)).ravel()
    idf = np.where(documents > 0, np.log((1 + counts.shape[0]) / (1 + documents)) + 1, 0.0)
    linear = LinearSVC(C=params.strength, random_state=params.seed)
    linear.fit(_weighted(counts, idf), target)
    coefficients, intercepts = linear.coef_, linear.intercept_
    if len(linear.classes_) == 2:  # one row stands for both
        coefficients = np.vstack((-coefficients, coefficients))
        intercepts = np.concatenate((-intercepts, intercepts))
    weights = np.zeros((counts.shape[1], len(codes)), dtype=np.float32)
    offsets = np.full(len(codes), NEVER)
    weights[:, linear.classes_], offsets[linear.classes_] = coefficients.T, intercepts
    return Model(codes, idf, weights, offsets, 1.0, params.longest)


def _weighted(counts: csr_matrix, idf: Floats) -> csr_matrix:
    """Weigh counts (their logarithm, times the columns' weights) and bring rows to length 1."""
    weighted = counts.copy()
    weighted.data = (1.0 + np.log(weighted.data)) * idf[weighted.indices]
    return csr_matrix(normalize(weighted, copy=False))
