"""One run of the MES momentum workload, in a process of its own; prints one line of JSON.

Sides are "WHO KIND": WHO is lumibot or millibar, KIND is pandas, databento-pandas or
databento-polars. The DataBento kinds read the cache below --folder, which lumibot's helpers write
where it is missing; the vendor's client is replaced by a synthetic one, so nothing is fetched.
CPU seconds are those of the run alone: imports and the making of the bars are outside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "parity"), str(ROOT / "examples")]

import databento_support as databento  # noqa: E402
import pandas as pd  # noqa: E402
from offline import new_york  # noqa: E402

START, END = new_york("2024-01-03 09:30"), new_york("2024-01-05 16:00")


def pandas_source(who: str, bars: pd.DataFrame) -> Any:
    from lumibot.entities import Asset, Data

    if who == "lumibot":
        from lumibot.backtesting import PandasDataBacktesting
    else:
        from millibar.integrations.lumibot import PandasDataBacktesting
    asset = Asset("MES", Asset.AssetType.CONT_FUTURE)
    data = Data(asset, bars.copy(), timestep="minute", quote=Asset("USD", Asset.AssetType.FOREX))
    return PandasDataBacktesting(
        datetime_start=START, datetime_end=END, pandas_data=[data], show_progress_bar=False
    )


def databento_source(who: str, kind: str) -> Any:
    if who == "lumibot":
        from lumibot.backtesting import databento_backtesting_pandas as pandas_module
        from lumibot.backtesting import databento_backtesting_polars as polars_module

        classes = {
            "databento-pandas": pandas_module.DataBentoDataBacktestingPandas,
            "databento-polars": polars_module.DataBentoDataBacktestingPolars,
        }
    else:
        from millibar.integrations import lumibot as door

        classes = {
            "databento-pandas": door.DataBentoDataBacktestingPandas,
            "databento-polars": door.DataBentoDataBacktestingPolars,
        }
    return classes[kind](
        datetime_start=START, datetime_end=END, api_key="offline", show_progress_bar=False
    )


def fingerprint(run: databento.Run) -> str:
    """A hash over every fill and the cash: equal sides have equal ones."""
    return hashlib.sha256(repr((run.fills, run.cash)).encode()).hexdigest()[:16]


def measure(make_source: Callable[[], Any]) -> dict[str, Any]:
    from mes_momentum import MESMomentum

    cpu, wall = time.process_time(), time.perf_counter()
    run = databento.run_strategy(make_source(), MESMomentum)
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "iterations": len(run.stats),
        "fills": len(run.fills),
        "hash": fingerprint(run),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["lumibot", "millibar"])
    parser.add_argument("kind", choices=["pandas", "databento-pandas", "databento-polars"])
    parser.add_argument("--bars", type=Path, required=True, help="Parquet minutes, for pandas")
    parser.add_argument("--folder", type=Path, required=True, help="the DataBento cache")
    options = parser.parse_args()
    if options.kind == "pandas":
        frame = pd.read_parquet(options.bars)
        index = pd.DatetimeIndex(frame.pop("timestamp")).tz_convert("America/New_York")
        bars = frame.set_index(index)
        result = measure(lambda: pandas_source(options.who, bars))
    else:
        with databento.SyntheticDataBento().installed(options.folder):
            result = measure(lambda: databento_source(options.who, options.kind))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
