"""Writes indicators.txt beside this file: what pandas makes of each indicator's formula.

Run it with the version whose bits are the reference (pandas 2.3.3):

    python tests/vectors/make_indicators.py

The file is read by tests/c/test_indicators.c. One item a line, fields apart by a space:

    rows N NAME:f64...                              columns of bars; N lines follow
    indicator NAME N_PARAMS PARAM... N OUTPUT:f64...    of the last rows; N lines follow

Cells are the double's 64 bits in hexadecimal.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import TextIO

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
from indicator_support import by_pandas, make_rows

from millibar import indicators

N_ROWS = 40
SHAPES = ("ticks", "scales", "zeros", "missing", "infinite")
# As given to the library: a choice is its index.
PARAMS: dict[str, list[tuple[float, ...]]] = {
    "adx": [(5,)],
    "atr": [(5, 0), (5, 1)],
    "bbands": [(5, 2, 0), (1, 1.5, 0)],
    "donchian": [(5,)],
    "ema": [(5,), (5, 1, 3)],
    "macd": [(3, 6, 4)],
    "max": [(5,), (5, 1)],
    "min": [(5,), (5, 1)],
    "momentum": [(3,)],
    "obv": [()],
    "roc": [(3,)],
    "rsi": [(5,)],
    "sma": [(5,), (5, 1), (1,), (100,)],
    "std": [(5,)],
    "stoch": [(5, 2, 3)],
    "sum": [(5,), (5, 2)],
    "true_range": [()],
    "var": [(5,), (5, 2, 0), (1, 0, 0)],
    "vwma": [(5,)],
    "wma": [(5,)],
    "zscore": [(5,)],
}


def write_columns(out: TextIO, columns: dict[str, np.ndarray]) -> None:
    for row in zip(*columns.values(), strict=True):
        cells = (np.nan if np.isnan(value) else float(value) for value in row)
        out.write(" ".join(struct.pack(">d", cell).hex() for cell in cells) + "\n")


def head(columns: dict[str, np.ndarray]) -> str:
    return " ".join([str(N_ROWS), *(f"{name}:f64" for name in columns)])


def by_name(name: str, values: tuple[float, ...]) -> dict[str, float | str]:
    params = indicators.spec(name).params
    given = zip(params, values, strict=False)
    return {p.name: p.choices[int(value)] if p.choices else value for p, value in given}


def write(out: TextIO) -> None:
    for shape in SHAPES:
        rows = make_rows(shape, N_ROWS)
        out.write(f"rows {head(rows)}\n")
        write_columns(out, rows)
        for name in indicators.names():
            for values in PARAMS[name]:
                outputs = by_pandas(name, rows, by_name(name, values))
                given = " ".join([str(len(values)), *(str(value) for value in values)])
                out.write(f"indicator {name} {given} {head(outputs)}\n")
                write_columns(out, outputs)


if __name__ == "__main__":
    with open(HERE / "indicators.txt", "w", encoding="ascii") as file:
        write(file)
