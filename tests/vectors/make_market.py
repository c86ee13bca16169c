"""Writes the market vectors beside this file from pandas and lumibot, with seeded synthetic bars.

Run it with the versions whose behaviour is the reference (pandas 2.3.3, lumibot 4.6.30):

    python tests/vectors/make_market.py

The files are read by tests/c/market_vectors.h. One item a line, fields apart by a space:

    frame STEP ROWS NAME:TYPE...       a table of bars; ROWS lines follow, one cell a column
    window NOW LENGTH SHIFT FIRST N ROW STATE   lumibot's window and bar state on the last frame
    resample EVERY STEP FIRST N ROWS NAME:TYPE...   rows of the last frame, resampled; lines follow
    grid STEP END ROWS                 lumibot's grid over the frames since the last grid
    fill INDEX ROWS NAME:TYPE...       frame INDEX of those on the grid, repaired; lines follow

Cells are the value's 64 bits in hexadecimal (f32: 32 bits, i32 sign-extended), N for null. Times
(type ts) are nanoseconds UTC. Frames are in New York time.
"""

import os
import struct
import sys
import warnings
from pathlib import Path
from typing import Any, TextIO

os.environ.update(IS_BACKTESTING="true", LUMIBOT_DISABLE_DOTENV="1")

import numpy as np
import pandas as pd
from lumibot.data_sources import PandasData
from lumibot.entities import Asset, Data

NEW_YORK = "America/New_York"
STEP_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
CODES = {"s": "s", "minute": "min", "hour": "h", "day": "D"}
TYPES = {"float64": "f64", "float32": "f32", "int64": "i64", "int32": "i32", "uint64": "u64"}
AGGREGATES = {
    "open": "first",
    "high": "max",
    "low": "min",
    "close": "last",
    "volume": "sum",
    "dividend": "sum",
    "stock_splits": "max",
}
STATES = {None: 0, "forming": 1, "closed": 2}


def type_of(column: Any) -> str:
    return "ts" if column.dtype.kind == "M" else TYPES[str(column.dtype)]


def cell(value: Any, kind: str) -> str:
    if kind == "ts":
        return "N" if value is pd.NaT else f"{value.value & (2**64 - 1):x}"
    if kind == "f64":
        return struct.pack(">d", value).hex()
    if kind == "f32":
        return struct.pack(">f", value).hex()
    return f"{int(value) & (2**64 - 1):x}"


def write_table(out: TextIO, head: str, frame: pd.DataFrame) -> None:
    """The frame with its index as the column "time", under a line that starts with head."""
    table = frame.copy()
    table.insert(0, "time", frame.index)
    kinds = {name: type_of(table[name]) for name in table.columns}
    columns = " ".join(f"{name}:{kind}" for name, kind in kinds.items())
    out.write(f"{head} {len(table)} {columns}\n")
    for i in range(len(table)):
        out.write(" ".join(cell(table[n].iloc[i], k) for n, k in kinds.items()) + "\n")


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def choose(self, items: list[Any]) -> Any:
        return items[int(self.random.integers(len(items)))]

    def numbers(self, n: int, dtype: str, missing: float) -> np.ndarray:
        if dtype in ("i8", "i4"):
            return self.random.integers(-500, 1000, n).astype(dtype)
        scale = 10.0 ** self.random.integers(-6, 9, n)
        values = self.random.random(n) * scale * self.random.choice([1, -1], n)
        values[self.random.random(n) < missing] = np.nan
        return values.astype(dtype)

    def index(self, n: int, step: str, start: str, multiples: list[int]) -> pd.DatetimeIndex:
        seconds = STEP_SECONDS[step] * self.random.choice(multiples, size=n)
        first = pd.Timestamp(start, tz=NEW_YORK).value // 10**9
        stamps = first + np.concatenate([[0], np.cumsum(seconds)[:-1]])
        return pd.DatetimeIndex(stamps * 10**9, tz="UTC").tz_convert(NEW_YORK)

    def prices(self, index: pd.DatetimeIndex, dtype: str, missing: float) -> dict[str, Any]:
        names = ("open", "high", "low", "close")
        return {name: self.numbers(len(index), dtype, missing) for name in names}


def windows(out: TextIO, maker: Maker) -> None:
    for step in ("minute", "minute", "minute", "hour", "hour", "day"):
        multiples = maker.choose([[1], [1, 1, 1, 2, 5], [5, 5, 5, 1], [1, 1, 1, 700]])
        start = maker.choose(["2024-03-08 12:00", "2024-11-01 12:00", "2024-01-03 09:30"])
        index = maker.index(30, step, "2024-03-05" if step == "day" else start, multiples)
        frame = pd.DataFrame({**maker.prices(index, "f8", 0), "volume": 1}, index=index)
        data = Data(Asset("X"), frame, timestep=step)
        data.repair_times_and_fill(data.df.index)
        write_table(out, f"frame {step}", data.df[["close"]])
        for _ in range(60):
            at = maker.choose(list(data.df.index)) + pd.Timedelta(
                maker.choose([0, 0, 0, 30, 60, -60, 3600, 7200, 5 * 86400]), "s"
            )
            length = maker.choose([1, 2, 5, 20, 5000, 0, -3])
            shift = maker.choose([0, 0, 0, 1, 3, -1, -2, -40, 40])
            now = at.to_pydatetime()
            first, end, _ = data._get_bars_row_bounds(now, length=length, timeshift=shift)
            row = data.get_iter_count(now)
            state = STATES[data._intraday_state_at(row, now)]
            out.write(f"window {at.value} {length} {shift} {first} {end - first} {row} {state}\n")


def resamples(out: TextIO, maker: Maker) -> None:
    for dtype in ("f8", "f8", "f8", "f4", "i8", "i4"):
        step = maker.choose(["minute", "minute", "hour"])
        multiples = maker.choose([[1], [1, 1, 1, 1, 3, 90], [1, 20, 400]])
        start = maker.choose(["2024-03-09 21:07", "2024-11-02 20:13", "2024-01-03 09:31"])
        index = maker.index(60, step, start, multiples)
        missing = maker.choose([0, 0.1, 0.4])
        columns = maker.prices(index, dtype, missing)
        columns["volume"] = maker.numbers(len(index), maker.choose(["f8", "i8"]), missing)
        columns["dividend"] = maker.numbers(len(index), "f8", missing)
        if columns["volume"].dtype == "f8":
            columns["volume"][::17] = maker.choose([np.inf, 1e300, -0.0])
        frame = pd.DataFrame(columns, index=index)
        write_table(out, f"frame {step}", frame)
        for every, unit in ((5, "minute"), (7, "minute"), (2, "hour"), (1, "day"), (3, "day")):
            first = int(maker.random.integers(0, 30))
            rows = frame.iloc[first : first + int(maker.random.integers(1, 31))]
            how = {name: AGGREGATES[name] for name in AGGREGATES if name in columns}
            bars = rows.resample(f"{every}{CODES[unit]}").agg(how).dropna()
            write_table(out, f"resample {every} {unit} {first} {len(rows)}", bars)


def bars_with_quotes(maker: Maker, step: str, n: int) -> pd.DataFrame:
    start = "2024-03-08" if step == "day" else "2024-03-08 15:57"
    index = maker.index(n, step, start, [1, 1, 1, 1, 2, 4, 60, 125, 900])
    if step == "minute":
        index = index + pd.Timedelta(maker.choose([0, 0, 20]), "s")
    missing = maker.choose([0, 0.2, 0.5])
    columns = maker.prices(index, "f8", missing)
    columns["volume"] = maker.numbers(n, maker.choose(["f8", "i8"]), missing)
    columns["dividend"] = maker.numbers(n, "f8", missing)
    columns["bid"] = maker.numbers(n, "f8", missing)
    columns["bid_size"] = maker.numbers(n, maker.choose(["f8", "i8"]), missing)
    columns["last_bid_time"] = index.where(maker.random.random(n) >= missing)
    columns["delta"] = maker.numbers(n, "f4", missing)
    return pd.DataFrame(columns, index=index)


def fills(out: TextIO, maker: Maker) -> None:
    for step in ("minute", "minute", "minute", "minute", "hour", "day"):
        datas = []
        for k in range(maker.choose([1, 2])):
            frame = bars_with_quotes(maker, step, maker.choose([1, 8, 14]))
            datas.append(Data(Asset(f"X{k}"), frame, timestep=step))
            write_table(out, f"frame {step}", datas[-1].df)
        first = min(data.df.index[0] for data in datas)
        end = max(data.df.index[-1] for data in datas) - pd.Timedelta(maker.choose([0, 0, 90]), "s")
        source = PandasData(
            datetime_start=first.to_pydatetime(),
            datetime_end=max(end, first + pd.Timedelta("1h")).to_pydatetime(),
            pandas_data=datas,
        )
        names = [list(data.df.columns) for data in datas]
        source.load_data()
        stamps = source._date_index
        out.write(f"grid {step} {pd.Timestamp(source.datetime_end).value} {len(stamps)}\n")
        out.writelines(f"{stamp.value}\n" for stamp in stamps)
        for k, data in enumerate(datas):
            write_table(out, f"fill {k}", data.df[names[k]])


def main() -> int:
    warnings.simplefilter("ignore")
    folder = Path(__file__).parent
    for seed, make in enumerate((windows, resamples, fills), start=1):
        with open(folder / f"market_{make.__name__}.txt", "w", encoding="ascii") as out:
            make(out, Maker(seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
