"""What an indicator is measured by: its formula, run by pandas, and rows that are hard on sums."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from millibar import indicators


def by_pandas(
    name: str, columns: dict[str, np.ndarray], params: dict[str, Any]
) -> dict[str, np.ndarray]:
    """The outputs of an indicator as its formula says: statements that assign them, or one
    expression. Names in it are the inputs (Series), the parameters, pd and np."""
    what = indicators.spec(name)
    scope: dict[str, Any] = {"pd": pd, "np": np}
    scope.update({column: pd.Series(columns[column]) for column in what.inputs})
    scope.update({param.name: param.default for param in what.params})
    scope.update(params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        *statements, last = what.formula.split("; ")
        for statement in statements:
            exec(statement, scope)
        if len(what.outputs) == 1 and not last.startswith(f"{what.outputs[0]} = "):
            scope[what.outputs[0]] = eval(last, scope)
        else:
            exec(last, scope)
    return {output: np.asarray(scope[output], np.float64) for output in what.outputs}


def first_difference(a: np.ndarray, b: np.ndarray) -> int | None:
    """The first row that differs in its bits, None where there is none; NaN is NaN."""
    assert a.shape == b.shape
    same = (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))
    return None if same.all() else int(np.argmin(same))


def _bars(close: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Bars around closes: high above, low below, by a few of their own steps."""
    n = len(close)
    step = np.abs(np.diff(close, prepend=close[:1])) + np.abs(close) * 1e-4
    high, low = close + step * rng.random(n), close - step * rng.random(n)
    return {"high": high, "low": low, "close": close, "volume": rng.integers(0, 1000, n)}


def _walk(n: int, rng: np.random.Generator) -> np.ndarray:
    return 4800 + np.cumsum(rng.normal(size=n))


def _ticks(n: int, rng: np.random.Generator) -> np.ndarray:
    """Quarters, so that many closes in a row are the same."""
    return 4800 + np.cumsum(np.round(rng.normal(size=n) * 2) / 4)


def _flat_and_steps(n: int, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(rng.random(n // 10 + 1) * 3, 10)[:n]


def _scales(n: int, rng: np.random.Generator) -> np.ndarray:
    """Values from 1e-12 to 1e12 side by side: every sum loses digits."""
    return rng.normal(size=n) * 10.0 ** rng.integers(-12, 13, n)


def _huge(n: int, rng: np.random.Generator) -> np.ndarray:
    """Sums and squares overflow."""
    return rng.normal(size=n) * 1e307


def _tiny(n: int, rng: np.random.Generator) -> np.ndarray:
    """Subnormal numbers among them."""
    return rng.normal(size=n) * 10.0 ** rng.integers(-323, -290, n)


def _zeros(n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice([0.0, -0.0, 1.0, -1.0], n, p=[0.4, 0.4, 0.1, 0.1])


def _with(values: list[float], share: float) -> Any:
    def make(n: int, rng: np.random.Generator) -> np.ndarray:
        close = _ticks(n, rng)
        close[rng.random(n) < share] = np.nan
        at = rng.random(n) < share
        close[at] = rng.choice(values, int(at.sum()))
        return close

    return make


def _gaps(n: int, rng: np.random.Generator) -> np.ndarray:
    """NaN at the start, and stretches longer than most periods."""
    close = _walk(n, rng)
    close[:7] = np.nan
    for first in range(60, n, 90):
        close[first : first + int(rng.integers(1, 50))] = np.nan
    return close


SHAPES: dict[str, Any] = {
    "walk": _walk,
    "ticks": _ticks,
    "constant": lambda n, rng: np.full(n, 0.1),
    "flat and steps": _flat_and_steps,
    "scales": _scales,
    "huge": _huge,
    "tiny": _tiny,
    "zeros": _zeros,
    "missing": _with([np.nan], 0.05),
    "mostly missing": _with([np.nan], 0.6),
    "infinite": _with([np.inf, -np.inf], 0.03),
    "gaps": _gaps,
    "all missing": lambda n, rng: np.full(n, np.nan),
}


def make_rows(shape: str, n: int = 400, seed: int = 1) -> dict[str, np.ndarray]:
    """high, low, close and volume of a shape. Where closes are missing, other highs, lows and
    volumes are too."""
    rng = np.random.default_rng([seed, list(SHAPES).index(shape)])
    with np.errstate(all="ignore"):
        rows = _bars(SHAPES[shape](n, rng), rng)
    if np.isnan(rows["close"]).any():
        holes = rng.random((3, n)) < 0.03
        rows["high"][holes[0]] = np.nan
        rows["low"][holes[1]] = np.nan
        rows["volume"] = rows["volume"].astype(np.float64)
        rows["volume"][holes[2]] = np.nan
    return rows
