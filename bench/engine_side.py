"""One run of the MES momentum strategy on one engine, in a process of its own; a line of JSON.

Sides: lumibot (PandasDataBacktesting inside lumibot, the strategy as it is), lumibot-numpy;
unchanged, numpy, native: on millibar's own engine. CPU seconds are those of the run alone: imports
and reading the file are outside.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "parity"), str(ROOT / "examples")]

SIDES = {
    "lumibot": "MESMomentum",
    "lumibot-numpy": "NumpyMomentum",
    "unchanged": "MESMomentum",
    "numpy": "NumpyMomentum",
    "native": "NativeMomentum",
}


def read_source(path: Path, start: Any, end: Any, *, inside_lumibot: bool) -> Any:
    """The data source of a side: a frame for lumibot, the file itself for us."""
    from lumibot.backtesting import PandasDataBacktesting
    from lumibot.entities import Asset, Data

    asset, dollar = Asset("MES", "cont_future"), Asset("USD", "forex")
    if inside_lumibot:
        from mes_momentum import read_bars

        bars = read_bars(path)
        given = {"pandas_data": [Data(asset, bars, timestep="minute", quote=dollar)]}
    else:
        given = {"data": {(asset, dollar): path}}
    return PandasDataBacktesting(
        datetime_start=start, datetime_end=end, show_progress_bar=False, **given
    )


def measure(side: str, path: Path, start: str, end: str) -> dict[str, Any]:
    inside_lumibot = side.startswith("lumibot")
    if inside_lumibot:
        import offline

        quiet: Any = offline.no_yahoo()
    else:
        from millibar.compat import lumibot

        lumibot.install()
        quiet = contextlib.nullcontext()
    import engine_strategies
    from lumibot.backtesting import BacktestingBroker
    from lumibot.entities import TradingFee
    from lumibot.traders import Trader
    from mes_momentum import NEW_YORK, pd

    span = [pd.Timestamp(text, tz=NEW_YORK).to_pydatetime() for text in (start, end)]
    source = read_source(path, *span, inside_lumibot=inside_lumibot)
    fee = TradingFee(flat_fee=0.5)
    with quiet:
        cpu, wall = time.process_time(), time.perf_counter()
        strategy = getattr(engine_strategies, SIDES[side])(
            broker=BacktestingBroker(source),
            budget=100_000,
            analyze_backtest=False,
            benchmark_asset=None,
            risk_free_rate=0.0,
            buy_trading_fees=[fee],
            sell_trading_fees=[fee],
        )
        trader = Trader(backtest=True, quiet_logs=True)
        trader.add_strategy(strategy)
        trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "cpu_s": cpu,
        "wall_s": wall,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "iterations": iterations_of(strategy),
        **trades(strategy),
    }


def iterations_of(strategy: Any) -> int | None:
    result = getattr(strategy, "result", None)
    return None if result is None else result.speed.n_iterations


def trades(strategy: Any) -> dict[str, Any]:
    """How many fills, and a hash over all of them and the cash."""
    log = strategy.broker._trade_event_log_df
    fills = [
        (stamp.timestamp(), str(side), float(quantity), float(price))
        for stamp, side, quantity, price in log.loc[
            log["status"] == "fill", ["time", "side", "filled_quantity", "price"]
        ].itertuples(index=False, name=None)
    ]
    digest = hashlib.sha256(repr((fills, float(strategy.cash))).encode()).hexdigest()[:16]
    return {"fills": len(fills), "hash": digest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=list(SIDES))
    parser.add_argument("--bars", type=Path, required=True, help="Parquet minutes")
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    options = parser.parse_args()
    out = sys.stdout
    sys.stdout = sys.stderr
    os.environ.setdefault("IS_BACKTESTING", "true")
    print(json.dumps(measure(options.side, options.bars, options.start, options.end)), file=out)


if __name__ == "__main__":
    main()
