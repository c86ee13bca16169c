"""Runs scenarios on one engine, in this process, and writes what they did as JSON, one to a line.

    python worker.py --engine lumibot  --seeds 0:500 --out FILE
    python worker.py --engine millibar --seeds 17 --runs daily_rotation

Both engines answer to lumibot's module names, so a process can hold one of them only: lumibot
itself, or ours after `millibar.compat.lumibot.install()`. From there on the code is the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any, TextIO

HERE = Path(__file__).resolve().parent
for folder in (HERE.parents[2] / "examples", HERE.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def seeds_of(text: str) -> list[int]:
    """ "3", "0:500" and "1,4,10:12" as numbers."""
    found: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        found += range(int(first), int(last)) if last else [int(first)]
    return found


def choose(engine: str) -> None:
    """Puts the engine behind lumibot's module names, before anything imports one."""
    import offline  # noqa: F401  (sets lumibot's environment)

    if engine == "millibar":
        import millibar.compat.lumibot as compat

        compat.install()


class Quiet:
    """What lumibot does beside a run, and is not compared here: switched off for speed."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def __enter__(self) -> Quiet:
        warnings.simplefilter("ignore")
        if self.engine == "lumibot":
            import offline

            offline.quiet()
            self.yahoo = offline.no_yahoo()
            self.yahoo.__enter__()
            _skip_evidence()
            _remember_markets()
        return self

    def __exit__(self, *error: Any) -> None:
        if self.engine == "lumibot":
            self.yahoo.__exit__(*error)


def _skip_evidence() -> None:
    """The record of market inputs is a file lumibot writes; hashing it takes a third of a run."""
    import lumibot.backtesting.market_input_evidence as evidence

    evidence.record_market_input = lambda **_: None


def _remember_markets() -> None:
    """Whether a market never closes depends on its name alone; lumibot works it out once a run."""
    from lumibot.strategies.strategy_executor import StrategyExecutor

    StrategyExecutor._is_continuous_market = _by_name(StrategyExecutor._is_continuous_market)


def _by_name(ask: Any) -> Any:
    known: dict[str, bool] = {}

    def answer(self: Any, name: str) -> bool:
        if name not in known:
            known[name] = ask(self, name)
        return known[name]

    return answer


def backtest(strategy_class: type, data: Any, start: Any, end: Any, **more: Any) -> dict[str, Any]:
    """One run through the API a strategy file uses, and its record."""
    from engine.record import run_record
    from lumibot.backtesting import BacktestingBroker, PandasDataBacktesting
    from lumibot.traders import Trader

    strategy, failure = None, None
    try:
        source = PandasDataBacktesting(
            datetime_start=start, datetime_end=end, pandas_data=data, show_progress_bar=False
        )
        strategy = strategy_class(
            broker=BacktestingBroker(source),
            analyze_backtest=False,
            benchmark_asset=None,
            risk_free_rate=0.0,
            **more,
        )
        trader = Trader(logfile="", backtest=True, quiet_logs=True)
        trader.add_strategy(strategy)
        trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False)
    except Exception as error:
        failure = error
    return run_record(strategy, failure)


def run_seed(number: int) -> dict[str, Any]:
    from engine.scenario import scenario
    from engine.strategies.random_trader import RandomTrader

    made = scenario(number)
    record = backtest(
        RandomTrader,
        made.make_data(),
        made.start,
        made.end,
        budget=made.budget,
        parameters=made.parameters,
        **made.options,
    )
    return {"seed": number, "scenario": made.summary()} | record


def run_named(name: str) -> dict[str, Any]:
    from engine import examples, named

    made = {**named.RUNS, **examples.RUNS}[name]()
    record = backtest(made.strategy, made.data, made.start, made.end, **made.options)
    return {"seed": name, "scenario": {"kind": "named", "profile": name}} | record


def work(engine: str, seeds: list[int], runs: list[str], out: TextIO) -> None:
    """A line to each scenario, with the CPU seconds it took here."""
    choose(engine)
    with Quiet(engine):
        for run, key in [*((run_seed, n) for n in seeds), *((run_named, n) for n in runs)]:
            began = time.process_time()
            try:
                record = run(key)
            except Exception as error:
                record = {"seed": key, "unusable": f"{type(error).__name__}: {error}"}
            record["cpu_s"] = round(time.process_time() - began, 3)
            out.write(json.dumps(record, separators=(",", ":")) + "\n")
            out.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("lumibot", "millibar"), required=True)
    parser.add_argument("--seeds", default="", help="3, 0:500 or 1,4,10:12")
    parser.add_argument("--runs", default="", help="of named and examples, with commas")
    parser.add_argument("--out", help="a file; else standard output")
    arguments = parser.parse_args()
    seeds = seeds_of(arguments.seeds) if arguments.seeds else []
    runs = [name for name in arguments.runs.split(",") if name]
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as out:
            work(arguments.engine, seeds, runs, out)
    else:
        work(arguments.engine, seeds, runs, sys.stdout)


if __name__ == "__main__":
    main()
