"""What a strategy is shown of a feed at a moment: windows, buckets, the last price, a quote.

The rules are lumibot's for pandas data. Times are int nanoseconds UTC; `now` is the clock as a
datetime, where a day of its own zone matters. Ranges are checked by those who ask: windows have no
check, prices, quotes and buckets are given from the first row to three days after the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from millibar import _core
from millibar._timesteps import parse_timestep
from millibar.feed import STEP_NS, Feed, Resampled, Window
from millibar.store import make_series, owned

LONGEST = 1 << 40
# How long after the last row prices, quotes and buckets are still given.
GRACE_NS = 3 * 86_400_000_000_000

_LUMIBOT = _core.LUMIBOT
_FORMING = _core.BAR_FORMING
_STEP_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
# Fields of a quote, in lumibot's order, and the digits they are rounded to.
QUOTE_FIELDS: dict[str, int | None] = {
    **dict.fromkeys(("open", "high", "low", "close")),
    "volume": 0,
    **dict.fromkeys(("bid", "ask")),
    **dict.fromkeys(("bid_size", "bid_condition", "bid_exchange"), 0),
    **dict.fromkeys(("ask_size", "ask_condition", "ask_exchange"), 0),
    **dict.fromkeys(("last_bid_time", "last_ask_time")),
}


class Request(NamedTuple):
    """A timestep asked of rows of another, or the same.

    every, step: bars of that many steps. base_rows: stored rows lumibot takes for each bar asked
    for. native: the stored rows are the bars.
    """

    every: int
    step: Any
    base_rows: int
    native: bool


def read_request(timestep: str, stored: str) -> Request:
    """What asking for `timestep` means of rows a "minute", "hour" or "day" apart.

    Raises:
        ValueError: finer than the rows, or a unit that is none of the three.
    """
    every, step = parse_timestep(timestep)
    if step not in STEP_NS:
        raise ValueError(
            f"Only minute, hour, and day are supported for timestep. You provided: {timestep}"
        )
    if STEP_NS[step] < STEP_NS[stored]:
        raise ValueError(
            f"You are requesting {step} data from a {stored} data source. This is not supported."
        )
    return Request(every, step, base_rows(every, step, stored), every == 1 and step == stored)


def base_rows(every: int, step: str, stored: str) -> int:
    """Stored rows that lumibot takes for each bar; days of minutes ignore the quantity."""
    if step == "day":
        return {"minute": 1440, "hour": 24, "day": 1}[stored]
    return (60 if (step, stored) == ("hour", "minute") else 1) * every


def timeshift_rows(timeshift: Any, stored: str) -> int:
    """A timeshift in rows; a timedelta is truncated to the rows' step (30 seconds: 0)."""
    if isinstance(timeshift, timedelta):
        return int(timeshift.total_seconds() / _STEP_SECONDS[stored])
    return int(timeshift or 0)


# ---- Windows -----------------------------------------------------------------------------------


def latest(
    feed: Feed,
    now_ns: int,
    length: int,
    shift: int,
    tag: tuple[Any, ...] = (),
    policy: int = _LUMIBOT,
) -> Window | None:
    """The latest `length` rows visible at now_ns, moved back by `shift` rows; None: not one.

    A repeated request gets the same window, and so the same frame, while no other is made. The
    window may have rows and its frame none, where rows without prices are dropped (`rows` is 0).
    tag: tells requests apart that lumibot tells apart. policy: whose rule says which are visible.
    """
    first, count = feed.window(policy, now_ns, length, shift)
    if not count:
        return None
    key = (*tag, length, shift, first, first + count)
    window = feed.last
    if window is None or window.key != key or not len(window):
        window = Window(feed, first, count, key)
        if window.rows:
            feed.last = window
    return window


def latest_buckets(
    feed: Feed,
    request: Request,
    now: datetime,
    now_ns: int,
    length: int,
    shift: int,
    policy: int = _LUMIBOT,
) -> Resampled | None:
    """The latest `length` complete buckets at the clock, of rows moved back by `shift`.

    None: no row is visible. There may be fewer buckets than asked for, and none. policy: whose rule
    says which rows are visible.
    """
    every, step = request.every, request.step
    first, count = feed.window(policy, now_ns, length * request.base_rows, shift)
    if not count:
        return None
    end_ns = None
    if step == "day" and feed.step != "day":
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        end_ns = int(midnight.timestamp()) * 1_000_000_000
    elif step != "day" and every * STEP_NS[step] > STEP_NS[feed.step]:
        reach = int(feed.times[first + count - 1]) + STEP_NS[feed.step]
        end_ns = reach - every * STEP_NS[step] + 1
    return feed.resampled(first, count, every, step, length, end_ns)


def as_written(feed: Feed) -> Feed:
    """A feed of what the feed's frame holds now, a strategy's writes included."""
    columns = {name: owned(np.asarray(feed.live[name])) for name in feed.columns}
    series = make_series(owned(feed.times), columns, feed.step)
    return Feed(series, columns, unit=feed.unit, index=feed.index)


# ---- Prices ------------------------------------------------------------------------------------


def last_price(feed: Feed, now_ns: int) -> Any:
    """The open of the bar forming at now_ns, else the last close; None where there is no price, or
    one that is not positive. A numpy scalar of the column's type."""
    row, state = feed.state(now_ns)
    if row < 0:
        return None
    price = (feed.open_at if state == _FORMING else feed.close_at)[row]
    return price if price > 0 else None


def rounded(value: Any, digits: int | None) -> Any:
    """The value with that many digits; as it is where it cannot be rounded, or digits is None."""
    try:
        return value if digits is None else round(value, digits)
    except TypeError:
        return value


def quote_values(
    feed: Feed, lines: Mapping[str, Any], row: int, forming: bool, timestep: str
) -> dict[str, Any]:
    """One row as lumibot's Data.get_quote lists it.

    lines: all columns by name. forming: the row's bar is not closed yet: its open is the price.
    """
    values: dict[str, Any] = {
        name: rounded(lines[name][row], digits) if name in lines else None
        for name, digits in QUOTE_FIELDS.items()
    }
    if forming and values["open"] is not None and values["open"] == values["open"]:
        if values["bid"] == values["close"] and values["ask"] == values["close"]:
            values["bid"] = values["ask"] = values["open"]
        values["close"] = values["open"]
    values["bar_timestamp"] = feed.index[row].to_pydatetime()
    values["bar_timestep"] = timestep
    return values
