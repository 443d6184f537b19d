"""How alike two reports are in their words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_NOT_WORDS = re.compile(r"[\W_]+", re.UNICODE)


def word_similarity(first: str, second: str) -> float:
    """Return how alike two texts are: Dice's coefficient of their pairs of characters, 0 to 1.

    Width, case and punctuation do not count. Pairs of characters need no segmentation, which
    Chinese text would, and bear a wrong or missing character. Empty texts are alike in nothing.

    References
    ----------
    Dice 1945, Ecology 26(3), doi:10.2307/1932409.
    """
    one, two = _pairs(first), _pairs(second)
    total = one.total() + two.total()
    return 2.0 * (one & two).total() / total if total else 0.0


def _pairs(text: str) -> Counter[str]:
    plain = _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text)).casefold()
    if len(plain) == 1:
        return Counter([plain])
    return Counter(plain[i : i + 2] for i in range(len(plain) - 1))
