"""Small Parquet files for the command's tests, made with pyarrow: another writer than our own.

`write_all(folder)` makes them; every case script finds the folder in $FIXTURES.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MINUTE = 60_000_000_000
START = 1_704_207_600_000_000_000  # 2024-01-02T15:00:00Z, inside every session


def bars(n: int, **changes: dict[int, float | int | None]) -> dict[str, list]:
    """n sound one-minute bars; `changes` replaces single values by column and row."""
    columns: dict[str, list] = {
        "timestamp": [START + i * MINUTE for i in range(n)],
        "open": [100.0 + (i % 5) * 0.25 for i in range(n)],
        "high": [101.5 + (i % 3) * 0.25 for i in range(n)],
        "low": [99.25 - (i % 4) * 0.25 for i in range(n)],
        "close": [100.25 + (i % 4) * 0.25 for i in range(n)],
        "volume": [100 + (i * 37) % 50 for i in range(n)],
    }
    for name, cells in changes.items():
        for row, value in cells.items():
            columns[name][row] = value
    return columns


def table(columns: dict[str, list], unit: str = "ns", zone: str | None = "UTC") -> pa.Table:
    scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    stamps = [None if t is None else t // scale for t in columns["timestamp"]]
    arrays = {"timestamp": pa.array(stamps, pa.timestamp(unit, zone))}
    for name, values in columns.items():
        if name != "timestamp":
            kind = pa.int64() if name == "volume" else pa.float64()
            arrays[name] = pa.array(values, kind, from_pandas=False)
    return pa.table(arrays)


def dirty() -> pa.Table:
    """Each thing `mbar check` looks for, once or twice."""
    nan = float("nan")
    columns = bars(
        200,
        open={10: nan, 20: 250.0, 30: 100.1},
        high={40: 90.0, 50: float("inf")},
        low={60: -1.0},
        close={20: 250.5, 70: None},
        volume={80: -5, 90: 0, 91: 0, 110: 40_000_000, 120: None},
    )
    columns["high"][20], columns["low"][20] = 251.0, 249.5
    columns["timestamp"][5], columns["timestamp"][6] = (
        columns["timestamp"][6],
        columns["timestamp"][5],
    )
    columns["timestamp"][100] = columns["timestamp"][99]
    columns["timestamp"][130] = None
    for row in range(150, 200):  # half an hour is missing
        columns["timestamp"][row] += 30 * MINUTE
    return table(columns)


def odd_names() -> pa.Table:
    """Names and texts that would upset a terminal, a CSV or a JSON reader."""
    return pa.table(
        {
            'a "b", c': pa.array([1, 2, None], pa.int32()),
            "esc\x1b[31m": pa.array(["plain", 'say "hi", twice\nor more', None]),
            "empty": pa.array(["", "tab\there", "\u00fcber \u20ac"]),
            "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
            "real": pa.array([0.1, float("nan"), float("-inf")], pa.float64()),
            "small": pa.array([0.1, 16777216.0, 1e-40], pa.float32()),
            "yes": pa.array([True, None, False]),
            "big": pa.array([2**64 - 1, 0, None], pa.uint64()),
        }
    )


def numbers() -> pa.Table:
    """Doubles at the edges of printing."""
    values = [0.0, -0.0, 0.1, 1 / 3, 4750.25, 1e22, 1e23, 123456789012345680.0, 5e-324]
    values += [2.2250738585072014e-308, 1.7976931348623157e308, 6.892e-05, 1e-10, 0.3, 2**53 + 2.0]
    return pa.table({"value": pa.array(values, pa.float64())})


def write_all(folder: Path) -> None:
    def put(name: str, data: pa.Table, **options: object) -> None:
        pq.write_table(data, folder / name, **options)

    good = bars(200)
    put("good.parquet", table(good), row_group_size=64)
    put("dirty.parquet", dirty())
    put("odd_names.parquet", odd_names())
    put("numbers.parquet", numbers())
    put("no_rows.parquet", table(bars(0)))
    put("one_row.parquet", table(bars(1)))
    put("naive.parquet", table(good, "us", None))
    put("seconds.parquet", table(good, "ms", "America/New_York"))
    shuffled = {name: values[::-1] for name, values in good.items()}
    put("reversed.parquet", table(shuffled))
    doubled = bars(20, timestamp={8: START + 7 * MINUTE})
    put("doubled.parquet", table(doubled))
    put("no_time.parquet", table(good).drop_columns(["timestamp"]))
    put("two_times.parquet", table(good).add_column(0, "when", table(good)["timestamp"]))
    put("no_close.parquet", table(good).drop_columns(["close"]))
    put("text_close.parquet", table(good).set_column(4, "close", pa.array(["1"] * 200)))
    far = pa.array([-(2**62), 0, 2**62], pa.timestamp("us", "UTC"))
    put("far_times.parquet", pa.table({"timestamp": far, "close": [1.0, 2.0, 3.0]}))
    sound = (folder / "good.parquet").read_bytes()
    (folder / "truncated.parquet").write_bytes(sound[: len(sound) // 2])
    (folder / "empty.parquet").write_bytes(b"")
    (folder / "text.parquet").write_text("timestamp,open\n2024-01-02,1\n" * 20)
    (folder / "nothing_in_it").mkdir()
    days = folder / "days"
    for day in ("2024-01-02", "2024-01-03"):
        (days / f"day={day}").mkdir(parents=True)
    put("days/day=2024-01-02/bars.parquet", table(bars(3)))
    later = {**bars(3), "timestamp": [START + 86_400_000_000_000 + i * MINUTE for i in range(3)]}
    put("days/day=2024-01-03/bars.parquet", table(later))
