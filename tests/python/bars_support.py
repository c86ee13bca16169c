"""Bars to test with, and what it means for arrays to be the same."""

from __future__ import annotations

from typing import Any

import numpy as np


def make_columns(n_rows: int, seed: int = 7, unit: str = "ns") -> dict[str, np.ndarray]:
    """Minute bars with every type of number, NaN cells included."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2024-01-03T14:30", unit)
    close = 4800 + np.round(np.cumsum(rng.normal(size=n_rows)) * 4) / 4
    close[rng.random(n_rows) < 0.02] = np.nan
    return {
        "timestamp": start + np.arange(n_rows) * np.timedelta64(60, "s").astype(f"m8[{unit}]"),
        "open": close - 0.25,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": rng.integers(0, 1000, n_rows),
        "ticks": rng.integers(0, 99, n_rows).astype(np.int32),
        "turnover": rng.integers(0, 2**64, n_rows, dtype=np.uint64, endpoint=False),
        "vwap": close.astype(np.float32),
        "odd": rng.random(n_rows) < 0.5,
    }


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Same dtype, shape and bytes; objects by value and type."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype == object:
        return all(type(x) is type(y) and x == y for x, y in zip(a, b, strict=True))
    return a.tobytes() == b.tobytes()


def same_arrow(a: Any, b: Any) -> bool:
    """Same names, types, nulls and bits of two pyarrow tables: NaN is NaN of the same bits."""
    import pyarrow as pa

    if a.schema.names != b.schema.names or a.num_rows != b.num_rows:
        return False
    for name in a.schema.names:
        left, right = (table.column(name).combine_chunks() for table in (a, b))
        if left.type != right.type:
            return False
        if pa.types.is_floating(left.type):
            bits = pa.int64() if left.type == pa.float64() else pa.int32()
            left, right = left.view(bits), right.view(bits)
        if not left.equals(right):
            return False
    return True
