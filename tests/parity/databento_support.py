"""DataBento without a network: a synthetic client, a private cache, a run to be timed.

lumibot reaches DataBento through two methods of one class, `DataBentoClient.get_historical_data`
and `.get_instrument_definition`, of which each of its two helper modules (pandas and Polars) has a
copy. `SyntheticDataBento.installed()` replaces those methods and nothing else, so every line of
lumibot's own helpers, the writing of its Parquet cache included, runs as it does for a user.

The bars are seeded per contract and laid on the CME calendar (Sunday 18:00 to Friday 17:00 New
York, with the hour's break at 17:00), a few minutes in a thousand missing, prices on the quarter
tick. A contract's bars do not depend on the range asked for, so a file cached for one range and a
file cached for another agree where they overlap.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from offline import NEW_YORK, no_yahoo

SCHEMA_STEP = {"ohlcv-1m": "1min", "ohlcv-1h": "1h", "ohlcv-1d": "1D"}
SPAN = ("2023-11-01", "2024-04-15")


def cme_minutes(start: str, end: str) -> pd.DatetimeIndex:
    """Every minute, in UTC, at which the CME's equity futures trade: no holidays."""
    local = pd.date_range(start, end, freq="1min", tz=NEW_YORK)
    clock = local.hour * 60 + local.minute
    weekday = local.weekday
    after_open = clock >= 18 * 60
    before_close = clock < 17 * 60
    is_open = np.where(
        weekday == 6, after_open, np.where(weekday == 5, False, before_close | after_open)
    )
    is_open &= ~((weekday == 4) & after_open)
    return local[is_open].tz_convert("UTC")


@dataclass
class Request:
    """One call of the client: what was asked for, and how many rows went back."""

    symbol: str
    schema: str
    start: Any
    end: Any
    rows: int


@dataclass
class SyntheticDataBento:
    """Stands in for the vendor: `contracts` (a base price each) exist, others give no rows."""

    seed: int = 7
    contracts: dict[str, float] = field(
        default_factory=lambda: {"MESZ3": 4715.0, "MESH4": 4765.0, "MESM4": 5210.0, "ESH4": 4766.0}
    )
    multiplier: float = 5.0
    missing: float = 0.004
    span: tuple[str, str] = SPAN
    requests: list[Request] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    failure: Exception | None = None
    _bars: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)

    def bars(self, symbol: str, schema: str = "ohlcv-1m") -> pd.DataFrame:
        """All bars of a contract, as databento's `to_df()` shapes them."""
        key = (symbol, schema)
        if key not in self._bars:
            self._bars[key] = self._make_bars(symbol, schema)
        return self._bars[key]

    def preset(self, symbol: str, minutes: pd.DataFrame) -> None:
        """Use these minute bars, indexed by UTC time, as the contract's own."""
        n = len(minutes)
        frame = pd.DataFrame(
            {
                "rtype": np.full(n, 33, dtype="uint8"),
                "publisher_id": np.full(n, 1, dtype="uint16"),
                "instrument_id": np.full(n, 7, dtype="uint32"),
                **{name: minutes[name].to_numpy() for name in ("open", "high", "low", "close")},
                "volume": minutes["volume"].to_numpy().astype("uint64"),
                "symbol": symbol,
            },
            index=pd.DatetimeIndex(minutes.index, name="ts_event").as_unit("ns"),
        )
        self._bars[symbol, "ohlcv-1m"] = frame

    def _make_bars(self, symbol: str, schema: str) -> pd.DataFrame:
        if schema != "ohlcv-1m":
            rule = SCHEMA_STEP[schema]
            minutes = self.bars(symbol)
            steps = minutes.resample(rule).agg(
                {
                    "rtype": "first",
                    "publisher_id": "first",
                    "instrument_id": "first",
                    "open": "first",
                    "high": "max",
                    "low": "min",
                    "close": "last",
                    "volume": "sum",
                    "symbol": "first",
                }
            )
            steps = steps.dropna()
            return steps.astype(minutes.dtypes.to_dict())
        rng = np.random.default_rng([self.seed, zlib.crc32(symbol.encode())])
        index = cme_minutes(*self.span)
        index = index[rng.random(len(index)) >= self.missing]
        n = len(index)
        steps = rng.integers(-6, 7, n)
        close_ticks = round(self.contracts[symbol] * 4) + np.cumsum(steps)
        open_ticks = np.concatenate(
            ([close_ticks[0]], close_ticks[:-1] + rng.integers(-1, 2, n - 1))
        )
        high_ticks = np.maximum(open_ticks, close_ticks) + rng.integers(0, 5, n)
        low_ticks = np.minimum(open_ticks, close_ticks) - rng.integers(0, 5, n)
        return pd.DataFrame(
            {
                "rtype": np.full(n, 33, dtype="uint8"),
                "publisher_id": np.full(n, 1, dtype="uint16"),
                "instrument_id": np.full(n, zlib.crc32(symbol.encode()) % 100_000, dtype="uint32"),
                "open": open_ticks / 4.0,
                "high": high_ticks / 4.0,
                "low": low_ticks / 4.0,
                "close": close_ticks / 4.0,
                "volume": rng.integers(1, 900, n).astype("uint64"),
                "symbol": symbol,
            },
            index=pd.DatetimeIndex(index.as_unit("ns"), name="ts_event", freq=None),
        )

    def get_historical_data(
        self,
        dataset: str,
        symbols: str,
        schema: str,
        start: Any,
        end: Any,
        venue: str | None = None,
        **kwargs: Any,
    ) -> pd.DataFrame:
        """Rows with start <= ts_event < end; a time without a zone is UTC."""
        if self.failure is not None:
            raise self.failure
        first, last = (_as_utc(t) for t in (start, end))
        if symbols in self.contracts:
            frame = self.bars(symbols, schema)
            frame = frame[(frame.index >= first) & (frame.index < last)].copy()
        else:
            frame = pd.DataFrame()
        self.requests.append(Request(symbols, schema, start, end, len(frame)))
        return frame

    def rows_given(self) -> int:
        """Rows handed out so far, in all requests."""
        return sum(request.rows for request in self.requests)

    def get_instrument_definition(
        self, dataset: str, symbol: str, reference_date: Any = None
    ) -> dict[str, Any] | None:
        self.definitions.append(symbol)
        if symbol not in self.contracts:
            return None
        return {"unit_of_measure_qty": self.multiplier, "expiration": None}

    @contextlib.contextmanager
    def installed(self, cache_folder: Path) -> Iterator[SyntheticDataBento]:
        """Inside, lumibot's helpers ask this object and cache below `cache_folder`."""

        def historical(_client: Any, *args: Any, **kwargs: Any) -> pd.DataFrame:
            return self.get_historical_data(*args, **kwargs)

        def definition(_client: Any, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
            return self.get_instrument_definition(*args, **kwargs)

        with contextlib.ExitStack() as stack:
            for helper in helpers():
                client = helper.DataBentoClient
                for owner, name, value in (
                    (client, "get_historical_data", historical),
                    (client, "get_instrument_definition", definition),
                    (helper, "LUMIBOT_DATABENTO_CACHE_FOLDER", ""),
                    (helper, "_INSTRUMENT_DEFINITION_CACHE", {}),
                ):
                    stack.callback(setattr, owner, name, getattr(owner, name))
                    setattr(owner, name, value)
            use_cache(cache_folder)
            yield self


def real_mes() -> pd.DataFrame:
    """Real MES minutes of the first quarter of 2026, where the shared data are at hand."""
    shared = Path(os.environ.get("MILLIBAR_SHARED", Path(__file__).parents[3] / "shared"))
    path = shared / "data" / "MES_1m_2026Q1.parquet"
    if not path.exists():
        pytest.skip(f"no {path}: set MILLIBAR_SHARED to the folder of shared test data")
    return pd.read_parquet(path).set_index("timestamp")


def helpers() -> tuple[Any, Any]:
    """lumibot's two DataBento helper modules."""
    from lumibot.tools import databento_helper, databento_helper_polars

    return databento_helper, databento_helper_polars


def use_cache(folder: Path) -> None:
    """Make both helpers cache below `folder`."""
    for helper in helpers():
        own = folder / helper.CACHE_SUBFOLDER
        own.mkdir(parents=True, exist_ok=True)
        helper.LUMIBOT_DATABENTO_CACHE_FOLDER = str(own)


def _as_utc(value: Any) -> pd.Timestamp:
    stamp = pd.Timestamp(value)
    return stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")


@dataclass
class Run:
    """What is compared of a run that is timed: fills as logged, cash, one row an iteration."""

    fills: list[tuple[Any, ...]]
    cash: float
    stats: pd.DataFrame


def run_strategy(source: Any, strategy: type) -> Run:
    """Backtest over a source that is there already, with nothing done but the run itself."""
    from lumibot.backtesting import BacktestingBroker
    from lumibot.entities import TradingFee
    from lumibot.traders import Trader

    fee = TradingFee(flat_fee=0.50)
    with no_yahoo():
        broker = BacktestingBroker(source)
        instance = strategy(
            broker=broker,
            budget=50_000,
            analyze_backtest=False,
            buy_trading_fees=[fee],
            sell_trading_fees=[fee],
        )
        trader = Trader(logfile="", backtest=True, quiet_logs=True)
        trader.add_strategy(instance)
        trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
    log = broker._trade_event_log_df
    fills = log[log["status"] == "fill"]
    columns = ["time", "symbol", "side", "type", "price", "filled_quantity"]
    return Run(
        list(fills[columns].itertuples(index=False, name=None)), instance.cash, instance.stats
    )


def momentum_strategy() -> type:
    """The example's strategy; told to watch, `seen` has each iteration's instant, bars and price.

    Made when asked for: the environment must be set before lumibot is imported.
    """
    from mes_momentum import MESMomentum

    class MesMomentum(MESMomentum):
        def initialize(self) -> None:
            super().initialize()
            self.seen: list[tuple[Any, ...]] = []

        def moving_average(self, df: Any, price: Any) -> Any:
            if self.parameters.get("watch"):
                self.seen.append((self.get_datetime(), df, price))
            return super().moving_average(df, price)

    return MesMomentum
