"""What the random traders reach: how often each rule of the fill model was met, on lumibot.

python reach.py --seeds 0:500
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.compare import split
from engine.harness import Records, answers
from engine.worker import seeds_of

# What five hundred scenarios must meet, each at least this often.
WANTED = {
    "fill market": 1000,
    "fill limit": 1000,
    "fill stop": 1000,
    "fill stop_limit": 100,
    "fill trailing_stop": 300,
    "fill child of bracket, limit": 100,
    "fill child of bracket, stop": 50,
    "fill child of bracket, trailing_stop": 30,
    "fill child of oco, limit": 50,
    "fill child of oco, stop": 50,
    "fill child of oto, limit": 30,
    "fill child of oto, stop": 20,
    "fill side sell_short": 100,
    "fill side buy_to_cover": 100,
    "fill side sell_to_close": 100,
    "fill in force ioc": 100,
    "fill in force fok": 100,
    "cancel in force ioc": 100,
    "cancel in force fok": 100,
    "expired in force day": 20,
    "expired in force gtd": 20,
    "limit filled at the open, beyond its price": 300,
    "stop filled at the open, beyond its price": 300,
    "limit and stop of siblings in one bar": 30,
    "modified": 200,
    "did close": 200,
    "did sell_everything": 50,
    "clock changes within": 50,
    "event dividend": 50,
    "event stock_split": 20,
    "row before_market_opens": 50,
    "row before_market_closes": 100,
    "row on_bot_crash": 2,
}


def missed(records: Records) -> list[str]:
    """What of WANTED the scenarios met too seldom, in proportion to their number."""
    total = totals(records)
    share = len(records) / 500
    return [
        f"{name}: {total[name]} of {int(least * share)}"
        for name, least in WANTED.items()
        if total[name] < int(least * share)
    ]


def value(written: Any) -> float | None:
    said, _ = split(written)
    return float.fromhex(said) if isinstance(said, str) and "0x" in said else None


def reached(record: dict[str, Any]) -> Counter[str]:
    """Counts of one scenario."""
    count: Counter[str] = Counter()
    seen, orders = record["seen"], record["orders"]
    about = record["scenario"]
    count["scenarios"] += 1
    count[f"market {about['market']}"] += 1
    count[f"kind {about['kind']}"] += 1
    count[f"sleep {about['sleep']}"] += 1
    start, _, end = about["span"].partition(" to ")
    count["clock changes within"] += start[-6:] != end[-6:]
    bars = _bars(record["seed"])
    for row in seen:
        count[f"row {row[0]}"] += 1
        if row[0] == "on_filled_order":
            count.update(_of_fill(row, orders, bars))
        elif row[0] == "on_canceled_order":
            count.update(_of_cancel(row, orders, seen))
        elif row[0] == "did":
            count[f"did {row[5]}"] += 1
            if row[5] == "modify" and row[7]:
                count["modified"] += 1
        elif row[0] == "raised":
            count[f"raised {row[7]} in {row[5]}"] += 1
    events = [row[4] for row in record["events"]] if isinstance(record["events"], list) else []
    count.update(f"event {status}" for status in events)
    return count


def _of_fill(row: list[Any], orders: dict[str, Any], bars: dict[str, Any]) -> list[str]:
    name, side, kind, price = row[5], row[6], row[7], value(row[11])
    order = orders.get(name, {})
    parent = orders.get(name.rpartition(".")[0], {}) if "." in name else None
    role = order.get("order_class") or "simple" if parent is None else None
    role = role or f"child of {parent.get('order_class')}"
    found = [f"fill {kind}", f"fill side {side}", f"fill {role}", f"fill {role}, {kind}"]
    found.append(f"fill in force {order.get('time_in_force')}")
    for term in ("limit_price", "stop_price"):
        wanted = value(order.get(term))
        if kind in ("limit", "stop") and wanted is not None and wanted != price:
            found.append(f"{kind} filled at the open, beyond its price")
    if parent is not None and _both_in_bar(row, name, orders, bars):
        found.append("limit and stop of siblings in one bar")
    return found


def _both_in_bar(row: list[Any], name: str, orders: dict[str, Any], bars: dict[str, Any]) -> bool:
    above = name.rpartition(".")[0]
    prices = []
    for place in ("0", "1"):
        order = orders.get(f"{above}.{place}", {})
        prices.append(value(order.get("limit_price")) or value(order.get("stop_price")))
    frame = bars.get(str(row[-1][0]))
    if None in prices or frame is None:
        return False
    clock = pd.Timestamp(split(row[1])[0])
    rows = frame[frame.index <= clock]
    if not len(rows):
        return False
    bar = rows.iloc[-1]
    return all(bar["low"] <= price <= bar["high"] for price in prices)


def _of_cancel(row: list[Any], orders: dict[str, Any], seen: list[Any]) -> list[str]:
    order = orders.get(row[5], {})
    found = [f"cancel in force {order.get('time_in_force')}", f"cancel {row[7]}"]
    if not any(other[1] == row[1] and _cancels(other) for other in seen):
        found.append(f"expired in force {order.get('time_in_force')}")
    return found


def _cancels(row: list[Any]) -> bool:
    """Whether a row may be the cause of a cancel of the same instant."""
    if row[0] == "on_filled_order":
        return True
    return row[0] == "did" and row[5].startswith(("cancel", "close", "sell"))


def _bars(seed: int) -> dict[str, Any]:
    from engine.scenario import scenario

    return {part.asset.symbol: part.frame for part in scenario(seed).parts}


def totals(records: Records) -> Counter[str]:
    total: Counter[str] = Counter()
    for record in records.values():
        total.update(reached(record))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0:500")
    parser.add_argument("--jobs", type=int, default=1)
    folder = os.environ.get("MILLIBAR_REFERENCE_CACHE", tempfile.gettempdir() + "/millibar-engine")
    parser.add_argument("--cache", default=folder)
    arguments = parser.parse_args()
    keys = seeds_of(arguments.seeds)
    records = answers("lumibot", list(keys), arguments.jobs, Path(arguments.cache))
    for name, count in sorted(totals(records).items()):
        print(f"{count:7} {name}")
    print("\n".join(f"too few: {text}" for text in missed(records)))


if __name__ == "__main__":
    main()
