"""An address as people say it, read apart: near what, which roads, which house number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]", re.DOTALL)
_NEAR = re.compile(
    r"^(?:靠近|临近|近|在|位于|next to|close to|opposite|around|beside|near|by|at)\s*"
    r"|(?:附近|旁边|旁|对面|门口|门前|一带|这里|那里|边上|周边|处)$"
    r"|\s+(?:nearby|area)$"
)
_IS_NEAR = re.compile(r"近|旁|对面|一带|边|next to|close to|opposite|around|beside|near|\bby\b")
_CROSSING = re.compile(
    r"(?:的|之)?(?:交叉路口|交叉口|十字路口|丁字路口|交汇处|交汇|交界处|交界|路口|口)$"
    r"|^(?:the\s+)?(?:corner|crossing|intersection|junction)\s+(?:of\s+)?"
    r"|\s+(?:corner|crossing|intersection|junction)$"
)
_BETWEEN = re.compile(r"[与和跟同及、/&×@]|\s(?:and|at|with|x)\s")
_ROAD_END = re.compile(r"(?:大道|胡同|[路街巷道弄])")
_NUMBER_ZH = re.compile(r"^(.*(?:大道|胡同|[路街巷道弄里]))(\d{1,5})(?:号|號|弄|$)")
_NUMBER_EN = (
    re.compile(r"^(?:no\.?\s*)?(?P<n>\d{1,5})[,\s]+(?P<street>.*[a-z].*)$"),
    re.compile(r"^(?P<street>.*?[a-z])[,\s]+(?:no\.?\s*)?(?P<n>\d{1,5})$"),
)


@dataclass(frozen=True)
class Asked:
    """What an address asks for.

    Attributes
    ----------
    words
        What a name is compared with: lower case, no spaces, brackets or words of nearness.
    is_near
        Said to be near it, opposite it and the like: the place itself is only close by.
    crossings
        Pairs of what may be roads that cross, the likeliest reading first.
    street, number
        A street's name, as compared, and a house number on it.
    """

    words: str
    is_near: bool
    crossings: tuple[tuple[str, str], ...] = ()
    street: str | None = None
    number: int | None = None


def read_address(text: str) -> Asked:
    """Read an address in Chinese or English apart; nothing is looked up.

    Examples
    --------
    >>> read_address("人民路与向阳路路口").crossings[0]
    ('人民路', '向阳路')
    >>> asked = read_address("近柳园2巷 24号（东门）")
    >>> asked.is_near, asked.street, asked.number
    (True, '柳园2巷', 24)
    >>> read_address("No. 12, Xiaqiu Road").street
    'xiaqiuroad'
    """
    spaced = " ".join(_BRACKETS.sub(" ", unicodedata.normalize("NFKC", text)).lower().split())
    said, is_near = _without_nearness(spaced)
    street, number = _house(said)
    bare = _CROSSING.sub("", said).strip()
    crossings = tuple(dict.fromkeys(_pairs(bare, named=bare != said)))
    return Asked(compared(said), is_near, crossings, street, number)


def compared(name: str) -> str:
    """Return a name as names are compared: lower case, no spaces, nothing in brackets."""
    joined = "".join(_BRACKETS.sub("", unicodedata.normalize("NFKC", name)).lower().split())
    return unicodedata.normalize("NFKC", joined)  # a mark may now stand beside its letter


def _without_nearness(said: str) -> tuple[str, bool]:
    is_near = False
    while True:
        found = _NEAR.search(said)
        shorter = _NEAR.sub("", said, count=1).strip(" ,，")
        if found is None or not shorter:
            return said, is_near
        is_near = is_near or bool(_IS_NEAR.search(found[0]))
        said = shorter


def _house(said: str) -> tuple[str | None, int | None]:
    found = _NUMBER_ZH.search(said.replace(" ", ""))
    if found:
        return found[1], int(found[2])
    for pattern in _NUMBER_EN:
        found = pattern.search(said)
        if found:
            return compared(found["street"].strip(" ,")), int(found["n"])
    return None, None


def _pairs(bare: str, *, named: bool) -> list[tuple[str, str]]:
    """Return how an address may be two roads.

    Names of roads hold words that also join two: each place where they may part is a reading.
    Two names side by side are one only where a crossing was named.
    """
    joints = [(found.start(), found.end()) for found in _BETWEEN.finditer(bare)]
    if named:
        joints += [(found.end(), found.end()) for found in _ROAD_END.finditer(bare)]
    pairs = [(compared(bare[:left]), compared(bare[right:])) for left, right in joints]
    return [(one, other) for one, other in pairs if len(one) > 1 and len(other) > 1]
