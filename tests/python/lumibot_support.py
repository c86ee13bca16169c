"""What the tests of the lumibot door share: real lumibot, offline, beside ours, on equal bars."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

os.environ["IS_BACKTESTING"] = "true"
os.environ["LUMIBOT_DISABLE_DOTENV"] = "1"
os.environ.setdefault("LUMIBOT_CACHE_FOLDER", tempfile.mkdtemp(prefix="millibar-lumibot-"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))

import numpy as np
import pandas as pd
import pytest
import pytz

pytest.importorskip("lumibot", reason="lumibot is not installed")

from bits import difference
from lumibot.backtesting import PandasDataBacktesting as Theirs
from lumibot.entities import Asset, Data

from millibar.integrations.lumibot import PandasDataBacktesting as Ours

NEW_YORK = pytz.timezone("America/New_York")
USD = Asset("USD", Asset.AssetType.FOREX)
MES = Asset("MES", Asset.AssetType.CONT_FUTURE)
SPY = Asset("SPY")
START, END = "2024-01-03 09:30", "2024-01-05 16:00"


def at(text: str) -> datetime:
    """An aware datetime of New York's clock."""
    return NEW_YORK.localize(pd.Timestamp(text).to_pydatetime())


def minutes(seed: int = 1, *, start: str = START, end: str = END, share: float = 0.97) -> Any:
    """One-minute bars without the hour from 17:00, a few missing, indexed in New York."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(start, end, freq="1min", tz=NEW_YORK)
    index = index[(index.hour != 17) & (rng.random(len(index)) < share)]
    index.freq = None
    close = 4700 + 0.25 * np.cumsum(rng.integers(-3, 4, len(index)))
    return pd.DataFrame(
        {
            "open": close + 0.25 * rng.integers(-2, 3, len(index)),
            "high": close + 1.0,
            "low": close - 1.25,
            "close": close,
            "volume": rng.integers(0, 900, len(index)),
        },
        index=index,
    )


def days(seed: int = 2) -> Any:
    """A year of daily bars with dividends and two splits."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2023-01-03", "2024-02-01", freq="B", tz=NEW_YORK)
    index.freq = None
    close = np.round(150 + np.cumsum(rng.normal(0, 1, len(index))), 2)
    frame = pd.DataFrame(
        {"open": close + 0.1, "high": close + 2, "low": close - 2, "close": close}, index=index
    )
    frame["volume"] = rng.integers(1, 10**6, len(index)).astype(float)
    frame["dividend"] = np.where(rng.random(len(index)) < 0.02, 0.4, 0.0)
    frame["stock_splits"] = 0.0
    frame.iloc[[100, 250], -1] = 2.0
    return frame


def source(
    kind: type,
    frame: Any,
    asset: Any = MES,
    step: str = "minute",
    *,
    start: str = START,
    end: str = END,
    load: bool = True,
    **options: Any,
) -> Any:
    """A data source of one asset, loaded, its clock at the start."""
    made = kind(
        datetime_start=at(start),
        datetime_end=at(end),
        pandas_data=[Data(asset, frame.copy(), timestep=step, quote=USD)],
        show_progress_bar=False,
        **options,
    )
    if load:
        made.load_data()
    return made


def both(frame: Any, asset: Any = MES, step: str = "minute", **options: Any) -> tuple[Any, Any]:
    """lumibot's source and ours, each with its own copy of the frame."""
    theirs, ours = (source(kind, frame, asset, step, **options) for kind in (Theirs, Ours))
    return theirs, ours


def assert_same(expected: Any, found: Any) -> None:
    """Equality to the bit, with a sentence where there is none."""
    text = difference(expected, found)
    assert text is None, text


def assert_alike(theirs: Any, ours: Any, clock: datetime, ask: Any) -> Any:
    """Ask both at one time; the answers, or the exceptions, are the same. Returns ours."""
    answers = []
    for each in (theirs, ours):
        each._update_datetime(clock)
        try:
            answers.append(ask(each))
        except Exception as error:
            answers.append(error)
    assert_same(*answers)
    return answers[1]


def clocks(n: int = 40, *, start: str = START, end: str = END) -> list[datetime]:
    """Minutes from a little before the start to a little after the end."""
    first, last = at(start) - timedelta(hours=1), at(end) + timedelta(hours=4)
    step = (last - first) / n
    found = [NEW_YORK.normalize(first + step * i) for i in range(n)]
    return [clock.replace(second=0, microsecond=0) for clock in found]


@contextmanager
def logged(level: int = logging.WARNING) -> Iterator[list[tuple[str, int, str]]]:
    """What lumibot's loggers are given inside: (logger, level, message)."""
    seen: list[tuple[str, int, str]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.name, record.levelno, record.getMessage()))

    keep, names = Keep(level), ["lumibot.data_sources.pandas_data", "lumibot.entities.data"]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(keep)
        logger.setLevel(level)
    try:
        yield seen
    finally:
        for logger, old in zip(loggers, before, strict=True):
            logger.removeHandler(keep)
            logger.setLevel(old)
