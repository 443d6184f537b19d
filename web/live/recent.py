"""The newest events of the log in memory, and what of them those who hear alike are sent."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from web.auth.principal import Principal
from web.live.events import Event, Wish, may_hear

PAGE = 1000
_REMEMBERED = 64


class Recent:
    """The newest events, in the order of their numbers, without a gap.

    Attributes
    ----------
    base
        The number after which every event of the log up to `last` is here.
    last
        The newest number that was read.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._events: list[Event] = []
        self._numbers: list[int] = []
        self.base = self.last = 0

    def start(self, events: list[Event]) -> None:
        """Begin with the newest events of the log."""
        self._events, self._numbers = [], []
        self.base = self.last = events[0].number - 1 if events else 0
        self.add(events)

    def add(self, events: Iterable[Event]) -> None:
        """Append the events that follow the last one; the oldest are let go."""
        self._events += events
        self._numbers += [event.number for event in self._events[len(self._numbers) :]]
        if self._numbers:
            self.last = self._numbers[-1]
        if len(self._events) > 2 * self._keep:  # not one by one: it moves the whole list
            self.base = self._numbers[-self._keep - 1]
            del self._events[: -self._keep], self._numbers[: -self._keep]

    def after(self, number: int) -> list[Event]:
        """Return the next events after a number that is not before `base`, a page at most."""
        first = bisect_right(self._numbers, number)
        return self._events[first : first + PAGE]


class Audience:
    """All screens of the same rights and wish: what they are sent is put together once."""

    def __init__(self, principal: Principal, wish: Wish) -> None:
        self._principal = principal
        self._areas = frozenset(principal.scope.areas)
        self._wish = wish
        self._sent: dict[int, tuple[bytes, int]] = {}
        self._as_of = -1

    def hears(self, event: Event) -> bool:
        """Tell whether an event is sent to these screens."""
        return may_hear(self._principal, self._areas, event) and self._wish.wants(event)

    def news(self, recent: Recent, after: int) -> tuple[bytes, int]:
        """Return what is sent to a screen that has all up to `after`, and what it has then.

        Parameters
        ----------
        after
            Not before ``recent.base``.
        """
        if recent.last <= after:
            return b"", after
        if self._as_of != recent.last:
            self._as_of = recent.last
            self._sent.clear()
        found = self._sent.get(after)
        if found is None:
            events = recent.after(after)
            found = self.messages(events), events[-1].number
            if len(self._sent) < _REMEMBERED:
                self._sent[after] = found
        return found

    def messages(self, events: Iterable[Event]) -> bytes:
        """Return what these screens are sent of some events."""
        return b"".join(event.message for event in events if self.hears(event))
