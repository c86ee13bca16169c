"""When the market of a backtest is open: from the first to the last bar of each New York date."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from millibar import _clock
from millibar._times import zone


class Sessions:
    """The sessions of a sorted array of stamps (int64 ns UTC)."""

    __slots__ = ("closes", "opens")

    def __init__(self, times: Any) -> None:
        rules = zone(_clock.NEW_YORK)
        self.opens: list[int] = []
        self.closes: list[int] = []
        row, n_rows = 0, len(times)
        while row < n_rows:
            first = int(times[row])
            end = int(times.searchsorted(rules.next_day(first), "left"))
            self.opens.append(first)
            self.closes.append(int(times[end - 1]))
            row = end

    def is_open(self, now_ns: int) -> bool:
        """Whether a session is under way: from its first bar to just before its last."""
        place = bisect_right(self.opens, now_ns) - 1
        return place >= 0 and now_ns < self.closes[place]

    def to_open_ns(self, now_ns: int) -> int | None:
        """Time to the next opening, 0 inside a session; None when there is none any more."""
        place = bisect_right(self.closes, now_ns)
        return None if place == len(self.closes) else max(0, self.opens[place] - now_ns)

    def to_close_ns(self, now_ns: int) -> int | None:
        """Time to the close of this session or, between two, of the next; None after the last."""
        place = bisect_left(self.closes, now_ns)
        return None if place == len(self.closes) else self.closes[place] - now_ns
