"""One run of the MES momentum strategy, in a process of its own; prints one line of JSON.

`python -m bench.sides.momentum SIDE --bars FILE --folder CACHE --start TIME --end TIME`. Sides are
those of momentum.py: lumibot over its own data sources and over ours, and our own engine. The
DataBento sides read the cache below --folder, which lumibot's helpers write where it is missing;
the vendor's client is replaced by a synthetic one, so nothing is fetched from anywhere.

Seconds are those of the work: making the source, reading what it reads, the run. Imports come
before, and so does the frame that pandas sources are given. --count takes a run for what it does
and no times: seconds by layer inside lumibot, and calls counted by replaced functions.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.benchmarks.momentum import ENGINE, INSIDE
from bench.serve import memory_mib
from bench.sides import lumibot_run

BUDGET, FEE = 100_000, 0.5
CLASSES = {
    "pandas": "PandasDataBacktesting",
    "databento-pandas": "DataBentoDataBacktestingPandas",
    "databento-polars": "DataBentoDataBacktestingPolars",
}


# ---- The sources -------------------------------------------------------------------------------


def source_class(side: str) -> Any:
    """The class of a side inside lumibot."""
    who, kind, _ = INSIDE[side]
    if who == "millibar":
        from millibar.integrations import lumibot as door

        return getattr(door, CLASSES[kind])
    if kind == "pandas":
        from lumibot.backtesting import PandasDataBacktesting

        return PandasDataBacktesting
    from lumibot.backtesting import databento_backtesting_pandas as pandas_module
    from lumibot.backtesting import databento_backtesting_polars as polars_module

    module = pandas_module if kind == "databento-pandas" else polars_module
    return getattr(module, CLASSES[kind])


def given_inside(side: str, options: argparse.Namespace) -> dict[str, Any]:
    """What the source of a side inside lumibot is made from."""
    if INSIDE[side][1] != "pandas":
        return {"api_key": "offline"}
    from lumibot.entities import Asset, Data
    from mes_momentum import read_bars

    future, dollar = Asset("MES", "cont_future"), Asset("USD", "forex")
    data = Data(future, read_bars(options.bars), timestep="minute", quote=dollar)
    return {"pandas_data": [data]}


def given_to_engine(options: argparse.Namespace) -> dict[str, Any]:
    """The file itself."""
    from lumibot.entities import Asset

    return {"data": {(Asset("MES", "cont_future"), Asset("USD", "forex")): options.bars}}


@contextlib.contextmanager
def synthetic_databento(folder: Path, fetched: Callable[[int], None]) -> Iterator[None]:
    import databento_support

    with databento_support.SyntheticDataBento().installed(folder) as databento:
        yield
        fetched(databento.rows_given())


# ---- What a run does ---------------------------------------------------------------------------


class Counts:
    """Calls of a run, by replaced functions: times taken beside mean nothing.

    datetime_iteration_calls: how often `DatetimeArray.__iter__`, which makes a Timestamp a turn, is
        entered or resumed, as a profiler counts it. parquet_reads: reads of a Parquet file, whoever
        reads. frames: pandas DataFrames made, by the constructor or without it.
    """

    def __init__(self) -> None:
        self.found: dict[str, int] = dict.fromkeys(
            ("datetime_iteration_calls", "parquet_reads", "frames"), 0
        )

    def install(self) -> None:
        import pandas as pd
        from pandas.core.arrays import DatetimeArray

        from millibar import _core

        found = self.found
        iterate = DatetimeArray.__iter__

        def counted(array: Any) -> Iterator[Any]:
            found["datetime_iteration_calls"] += 1
            for value in iterate(array):
                found["datetime_iteration_calls"] += 1
                yield value

        classes: Any = (DatetimeArray, pd.DataFrame)
        classes[0].__iter__ = counted
        self._count(classes[1], "__init__", "frames")
        make = classes[1]._from_mgr

        def from_manager(*arguments: Any, **options: Any) -> Any:
            found["frames"] += 1
            return make(*arguments, **options)

        classes[1]._from_mgr = staticmethod(from_manager)
        readers: list[tuple[Any, str]] = [(pd, "read_parquet"), (_core, "Scan")]
        with contextlib.suppress(ImportError):
            import polars

            readers += [(polars, "read_parquet"), (polars, "scan_parquet")]
        for owner, name in readers:
            self._count(owner, name, "parquet_reads")

    def _count(self, owner: Any, name: str, what: str) -> None:
        original, found = getattr(owner, name), self.found

        def counted(*arguments: Any, **options: Any) -> Any:
            found[what] += 1
            return original(*arguments, **options)

        setattr(owner, name, counted)


def trades(strategy: Any) -> dict[str, Any]:
    """How many fills, and a hash over all of them and the cash: equal sides have equal ones."""
    log = strategy.broker._trade_event_log_df
    fills = [
        (stamp.timestamp(), str(side), float(quantity), float(price))
        for stamp, side, quantity, price in log.loc[
            log["status"] == "fill", ["time", "side", "filled_quantity", "price"]
        ].itertuples(index=False, name=None)
    ]
    digest = hashlib.sha256(repr((fills, float(strategy.cash))).encode()).hexdigest()[:16]
    return {"fills": len(fills), "hash": digest}


def backtest(strategy_class: type, source: Any) -> Any:
    """The strategy, once its run is over."""
    from lumibot.entities import TradingFee

    fees = [TradingFee(flat_fee=FEE)]
    strategy, trader = lumibot_run.made(
        strategy_class, source, BUDGET, buy_trading_fees=fees, sell_trading_fees=fees
    )
    lumibot_run.play(trader)
    return strategy


def run(side: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run, and all that is told of it."""
    answer: dict[str, Any] = {}
    counts = Counts()
    with contextlib.ExitStack() as stack:
        lumibot_run.choose(ours=side in ENGINE)
        if side in ENGINE:
            from lumibot.backtesting import PandasDataBacktesting as source_of

            given = given_to_engine(options)
        else:
            source_of, given = source_class(side), given_inside(side, options)
            if "pandas_data" not in given:
                told = lambda rows: answer.update(fetched=rows)  # noqa: E731
                stack.enter_context(synthetic_databento(options.folder, told))
        from mes_momentum import NEW_YORK, pd

        from bench.sides import momentum_strategies

        strategy_class = getattr(
            momentum_strategies, ENGINE[side] if side in ENGINE else INSIDE[side][2]
        )
        start, end = (
            pd.Timestamp(text, tz=NEW_YORK).to_pydatetime() for text in (options.start, options.end)
        )
        span = {"datetime_start": start, "datetime_end": end, "show_progress_bar": False}
        meter: Any = None
        if options.count:
            counts.install()
            if side not in ENGINE:
                from millibar.integrations.lumibot import SpeedMeter

                meter = stack.enter_context(SpeedMeter(strategy_class, source_of, 0))
        answer["start_s"] = time.monotonic() - options.began
        answer["loaded_mib"] = memory_mib("VmRSS")
        cpu, wall = time.process_time(), time.perf_counter()
        with contextlib.nullcontext() if meter is None else meter.layer("data"):
            source = source_of(**span, **given)
        if options.fill_cache:
            fill_cache(source, start)
            return answer
        strategy = backtest(strategy_class, source)
        answer["cpu_s"] = time.process_time() - cpu
        answer["wall_s"] = time.perf_counter() - wall
    answer["peak_mib"] = memory_mib("VmHWM")
    speed = strategy.result.speed if side in ENGINE else None if meter is None else meter.speed
    if speed is not None:
        answer["iterations"], answer["layers_s"] = speed.n_iterations, dict(speed.seconds)
    if options.count:
        answer["counts"] = counts.found
    return {**answer, **trades(strategy)}


def fill_cache(source: Any, start: Any) -> None:
    """The first requests: with them lumibot's DataBento classes fetch and store all of a run's."""
    from lumibot.entities import Asset

    future = Asset("MES", "cont_future")
    source._datetime = start
    source.get_last_price(future)
    for length, timestep in ((1, "minute"), (2, "minute"), (200, "minute"), (1, "day")):
        source.get_historical_prices(future, length, timestep)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=[*INSIDE, *ENGINE])
    parser.add_argument("--bars", type=Path, required=True, help="Parquet minutes")
    parser.add_argument("--folder", type=Path, required=True, help="the DataBento cache")
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    parser.add_argument("--began", type=float, default=time.monotonic(), help="of the process")
    parser.add_argument("--count", action="store_true", help="layers and calls instead of times")
    parser.add_argument("--fill-cache", action="store_true", help="no run: DataBento's cache alone")
    options = parser.parse_args()
    out = sys.stdout
    sys.stdout = sys.stderr
    print(json.dumps(run(options.side, options)), file=out)


if __name__ == "__main__":
    main()
