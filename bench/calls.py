"""The hot calls of a data source, lumibot's and ours: one call each minute over a clock that moves.

The clock is set before every call, so what a source does once per instant is counted. `.df` is
measured as what it adds: history with the frame touched.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from measure import Samples, interleave, table

LENGTH = 200


def frame(rows: int) -> pd.DataFrame:
    """Seeded one-minute bars of whole ticks."""
    random = np.random.default_rng(5)
    close = 4750 + np.cumsum(random.integers(-4, 5, rows)) * 0.25
    return pd.DataFrame(
        {
            "open": close,
            "high": close + 0.5,
            "low": close - 0.5,
            "close": close + 0.25,
            "volume": random.integers(1, 500, rows),
        },
        index=pd.date_range("2024-01-02 00:00", periods=rows, freq="1min", tz="America/New_York"),
    )


def make_source(source_class: type, rows: int) -> tuple[Any, Any, list[Any]]:
    """A loaded source, its asset, and the clock's instants."""
    from lumibot.entities import Asset, Data

    asset = Asset("MES", asset_type=Asset.AssetType.CONT_FUTURE)
    bars = frame(rows)
    data = Data(asset, bars, timestep="minute")
    start, end = bars.index[0].to_pydatetime(), bars.index[-1].to_pydatetime()
    source = source_class(
        datetime_start=start, datetime_end=end, pandas_data=[data], show_progress_bar=False
    )
    source.load_data()
    first = start + timedelta(minutes=2 * LENGTH)
    return source, asset, [first + timedelta(minutes=i) for i in range(rows - 3 * LENGTH)]


def history(source: Any, asset: Any, clock: list[Any], *, touch: bool) -> Callable[[], None]:
    def call() -> None:
        for now in clock:
            source._datetime = now
            bars = source.get_historical_prices(asset, LENGTH, "minute")
            if touch:
                bars.pandas_df  # noqa: B018 - the property makes the frame

    return call


def last_price(source: Any, asset: Any, clock: list[Any]) -> Callable[[], None]:
    def call() -> None:
        for now in clock:
            source._datetime = now
            source.get_last_price(asset)

    return call


def last_price_again(source: Any, asset: Any, clock: list[Any]) -> Callable[[], None]:
    """As often, at one instant: without what a source does once per instant."""

    def call() -> None:
        source._datetime = clock[0]
        for _ in clock:
            source.get_last_price(asset)

    return call


def run(*, quick: bool) -> dict[str, dict[str, Samples]]:
    from lumibot.backtesting import PandasDataBacktesting as Theirs

    from millibar.integrations.lumibot import PandasDataBacktesting as Ours

    rows = 3 * LENGTH + (500 if quick else 3000)
    sides = {"millibar": make_source(Ours, rows), "lumibot": make_source(Theirs, rows)}
    kinds: dict[str, Callable[..., Callable[[], None]]] = {
        "get_historical_prices(200)": lambda *side: history(*side, touch=False),
        "get_historical_prices(200) and its frame": lambda *side: history(*side, touch=True),
        "get_last_price": last_price,
        "get_last_price, clock standing": last_price_again,
    }
    results = {}
    for title, make in kinds.items():
        calls = {name: make(*side) for name, side in sides.items()}
        samples = interleave(calls, rounds=5 if quick else 11)
        n_calls = rows - 3 * LENGTH
        for sample in samples.values():
            sample.cpu_s = [value / n_calls for value in sample.cpu_s]
            sample.wall_s = [value / n_calls for value in sample.wall_s]
        results[title] = samples
        print(table(f"{title}, per call", samples, "lumibot"))
    return results
