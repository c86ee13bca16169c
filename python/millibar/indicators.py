"""Indicators, computed in C with pandas' bits.

    bars.sma(20)                                        # a column: one value a row of bars
    bars.macd().signal                                  # one of several outputs
    bars.indicator("ema", 50, column="vwap")            # by name
    mb.indicators.compute("rsi", closes, period=14)     # over arrays

Every result is a read-only float64 array with a value a row, NaN in the warm-up. It is a function
of those rows alone, as pandas' is of a DataFrame: `bars.window(now, 200).sma(20)` is what
`df["close"].rolling(20).mean()` is on the frame of that window, and may have other last bits than
the same rows of `bars.sma(20)`, because a running sum remembers where it started.

`spec(name).formula` is the pandas 2.3.3 expression that an indicator equals to the bit. A missing
value is NaN; nulls are taken for NaN and other numbers converted to float64.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from millibar import _core
from millibar._arrays import from_numpy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

__all__ = [
    "ADX",
    "MACD",
    "Channel",
    "IndicatorMethods",
    "Param",
    "Spec",
    "Stochastic",
    "compute",
    "cross_above",
    "cross_below",
    "names",
    "spec",
]


class Channel(NamedTuple):
    """Lines above and below a price, arrays of shape (rows,): `bbands`, `donchian`."""

    upper: FloatArray
    middle: FloatArray
    lower: FloatArray


class MACD(NamedTuple):
    """Moving average convergence and divergence, arrays of shape (rows,)."""

    macd: FloatArray
    signal: FloatArray
    histogram: FloatArray


class Stochastic(NamedTuple):
    """The stochastic oscillator's two lines, arrays of shape (rows,), in percent."""

    k: FloatArray
    d: FloatArray


class ADX(NamedTuple):
    """Average directional movement and its two indicators, arrays of shape (rows,), in percent."""

    adx: FloatArray
    plus_di: FloatArray
    minus_di: FloatArray


_RESULTS: dict[str, Any] = {
    "adx": ADX,
    "bbands": Channel,
    "donchian": Channel,
    "macd": MACD,
    "stoch": Stochastic,
}


# ---- What there is -----------------------------------------------------------------------------


class Param(NamedTuple):
    """A parameter: default None where it must be given, choices None where it is a number."""

    name: str
    default: float | str | None
    min: float | str
    max: float | str
    choices: tuple[str, ...] | None


class Spec(NamedTuple):
    """What an indicator reads, takes and gives; formula is what it equals in pandas 2.3.3."""

    name: str
    title: str
    formula: str
    inputs: tuple[str, ...]
    params: tuple[Param, ...]
    outputs: tuple[str, ...]


def names() -> tuple[str, ...]:
    """The indicators there are, sorted."""
    return _core.indicator_names()


@cache
def spec(name: str) -> Spec:
    """What an indicator reads, takes and gives.

    Raises:
        InvalidError: no such indicator; the message names the nearest.
    """
    found, title, formula, inputs, params, outputs = _core.indicator_spec(name)
    return Spec(found, title, formula, inputs, tuple(Param(*each) for each in params), outputs)


# ---- Computing ---------------------------------------------------------------------------------


def _run(
    table: _core.Table,
    name: str,
    params: tuple[float | str | None, ...] = (),
    columns: tuple[str | None, ...] | None = None,
) -> Any:
    """The outputs of an indicator over a table's rows: one array, or a tuple of its own kind."""
    # Strategies ask this of short windows, bar after bar: no more calls than it takes.
    import numpy as np

    made = cast("tuple[Any, ...]", _core.table_indicator(table, name, params, columns))
    if len(made) == 1:
        return np.frombuffer(made[0])
    return _RESULTS[name](*map(np.frombuffer, made))


def _in_order(
    what: Spec, params: tuple[float | str, ...], keywords: dict[str, float | str]
) -> tuple[float | str | None, ...]:
    """Parameters given by place and by name, in the spec's order, None where not given."""
    known = [param.name for param in what.params]
    if len(params) > len(known):
        raise TypeError(f"{what.name} takes {len(known)} parameters at most, not {len(params)}")
    given = dict(zip(known, params, strict=False))
    for name, value in keywords.items():
        if name not in known:
            takes = ", ".join(known) or "none"
            raise TypeError(f"{what.name} has no parameter {name!r}: it takes {takes}")
        if name in given:
            raise TypeError(f"{what.name} got {name} twice")
        given[name] = value
    return tuple(given.get(name) for name in known)


def compute(name: str, *arrays: Any, **params: float | str) -> Any:
    """An indicator over arrays: one for each of `spec(name).inputs`, of one length.

    Args:
        name: one of `names()`.
        arrays: numbers of shape (rows,): numpy arrays, lists, pandas or Polars Series.
        params: by name; those without a default must be given.

    Returns:
        A read-only float64 array of shape (rows,), or a named tuple of several.

    Raises:
        InvalidError: no such indicator, a parameter out of range, arrays of different lengths.
        TypeError: a parameter missing or unknown, too few or too many arrays.

        >>> from millibar import indicators
        >>> indicators.compute("sma", [1.0, 2.0, 4.0, 8.0], period=2)
        array([nan, 1.5, 3. , 6. ])
        >>> indicators.compute("donchian", [3, 5, 4], [1, 2, 0], period=2).upper
        array([nan,  5.,  5.])
    """
    import numpy as np

    what = spec(name)
    if len(arrays) != len(what.inputs):
        wanted = ", ".join(what.inputs)
        raise TypeError(f"{name} reads {len(what.inputs)} arrays ({wanted}), not {len(arrays)}")
    table = _core.Table(
        [
            from_numpy(column, np.asarray(values), copy=False)
            for column, values in zip(what.inputs, arrays, strict=True)
        ]
    )
    return _run(table, name, _in_order(what, (), params))


def _crossings(a: Any, b: Any, above: bool) -> npt.NDArray[np.bool_]:
    import numpy as np

    lines = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    one, other = (np.ascontiguousarray(line) for line in lines)
    return np.frombuffer(_core.cross(one, other, above), np.bool_)


def cross_above(a: Any, b: Any) -> npt.NDArray[np.bool_]:
    """Where a goes above b: a > b now and a <= b in the row before. Either may be one number.

    Returns a read-only array of shape (rows,), False in the first row and next to a NaN.

        >>> from millibar import indicators
        >>> indicators.cross_above([1, 3, 4, 2, 5], 2)
        array([False,  True, False, False,  True])
    """
    return _crossings(a, b, True)


def cross_below(a: Any, b: Any) -> npt.NDArray[np.bool_]:
    """Where a goes below b: a < b now and a >= b in the row before; else as `cross_above`."""
    return _crossings(a, b, False)


class IndicatorMethods:
    """Indicators as methods of what has rows in columns (`table`).

    Each is of these rows alone, and gives a read-only float64 array of shape (rows,), or a named
    tuple of several. Columns are found in any case ("Close" for "close").

    Raises:
        ColumnNotFoundError: no such column.
        InvalidError: a parameter out of range, a column that is not of numbers.
    """

    __slots__ = ()

    @property
    def table(self) -> _core.Table:
        """The columns in C."""
        raise NotImplementedError

    def indicator(
        self,
        name: str,
        *params: float | str,
        column: str | None = None,
        columns: tuple[str | None, ...] | None = None,
        **keywords: float | str,
    ) -> Any:
        """An indicator by name, its parameters by place or by name.

        Args:
            name: one of `millibar.indicators.names()`.
            column: what to read instead of the only input.
            columns: what to read instead of each input, None for that input itself.

        Raises:
            InvalidError: no such indicator.
            TypeError: a parameter missing, unknown or given twice.
        """
        if column is not None:
            if columns is not None:
                raise TypeError("either column= or columns=, not both")
            columns = (column,)
        return _run(self.table, name, _in_order(spec(name), params, keywords), columns)

    # ---- Averages ------------------------------------------------------------------------------

    def sma(self, period: int, *, min_periods: int = 0, column: str = "close") -> FloatArray:
        """Mean of the latest `period` rows, from min_periods values on (0: all of them).

        pandas: `close.rolling(period).mean()`.
        """
        array: FloatArray = _run(self.table, "sma", (period, min_periods), (column,))
        return array

    def ema(
        self, period: int, *, adjust: bool = False, min_periods: int = 0, column: str = "close"
    ) -> FloatArray:
        """Exponential mean of span `period`, from the first row on unless min_periods says later.

        pandas: `close.ewm(span=period, adjust=adjust, min_periods=min_periods).mean()`.
        """
        array: FloatArray = _run(self.table, "ema", (period, adjust, min_periods), (column,))
        return array

    def wma(self, period: int, *, column: str = "close") -> FloatArray:
        """Mean of the latest `period` rows with weights 1, 2, ... period, the latest heaviest."""
        array: FloatArray = _run(self.table, "wma", (period,), (column,))
        return array

    def vwma(self, period: int, *, min_periods: int = 0) -> FloatArray:
        """Mean of the latest `period` closes, weighted by volume.

        pandas: `(close * volume).rolling(period).sum() / volume.rolling(period).sum()`.
        """
        array: FloatArray = _run(self.table, "vwma", (period, min_periods))
        return array

    # ---- Windows -------------------------------------------------------------------------------

    def sum(self, period: int, *, min_periods: int = 0, column: str = "close") -> FloatArray:
        """Sum of the latest `period` rows. pandas: `close.rolling(period).sum()`."""
        array: FloatArray = _run(self.table, "sum", (period, min_periods), (column,))
        return array

    def std(
        self, period: int, *, min_periods: int = 0, ddof: int = 1, column: str = "close"
    ) -> FloatArray:
        """Standard deviation of the latest `period` rows. pandas: `close.rolling(period).std()`."""
        array: FloatArray = _run(self.table, "std", (period, min_periods, ddof), (column,))
        return array

    def var(
        self, period: int, *, min_periods: int = 0, ddof: int = 1, column: str = "close"
    ) -> FloatArray:
        """Variance of the latest `period` rows. pandas: `close.rolling(period).var()`."""
        array: FloatArray = _run(self.table, "var", (period, min_periods, ddof), (column,))
        return array

    def zscore(
        self, period: int, *, min_periods: int = 0, ddof: int = 1, column: str = "close"
    ) -> FloatArray:
        """Distance from the mean of the latest `period` rows in their standard deviations."""
        array: FloatArray = _run(self.table, "zscore", (period, min_periods, ddof), (column,))
        return array

    def min(self, period: int, *, min_periods: int = 0, column: str = "close") -> FloatArray:
        """Least of the latest `period` rows. pandas: `close.rolling(period).min()`."""
        array: FloatArray = _run(self.table, "min", (period, min_periods), (column,))
        return array

    def max(self, period: int, *, min_periods: int = 0, column: str = "close") -> FloatArray:
        """Greatest of the latest `period` rows. pandas: `close.rolling(period).max()`."""
        array: FloatArray = _run(self.table, "max", (period, min_periods), (column,))
        return array

    # ---- Channels ------------------------------------------------------------------------------

    def bbands(
        self, period: int = 20, width: float = 2.0, *, ddof: int = 0, column: str = "close"
    ) -> Channel:
        """Bollinger bands: the mean of `period` rows, and `width` standard deviations around it.

        The deviation is the population's (ddof=0), as Bollinger has it; pandas' own default is 1.
        """
        channel: Channel = _run(self.table, "bbands", (period, width, ddof), (column,))
        return channel

    def donchian(self, period: int = 20) -> Channel:
        """Highest high and lowest low of the latest `period` rows, this one included."""
        channel: Channel = _run(self.table, "donchian", (period,))
        return channel

    # ---- Range and momentum --------------------------------------------------------------------

    def true_range(self) -> FloatArray:
        """The largest of high - low and their distances from the close before."""
        array: FloatArray = _run(self.table, "true_range")
        return array

    def atr(self, period: int = 14, ma: Literal["sma", "wilder"] = "sma") -> FloatArray:
        """Mean of the true range over `period` rows: plain, or Wilder's exponential one."""
        array: FloatArray = _run(self.table, "atr", (period, ma))
        return array

    def adx(self, period: int = 14) -> ADX:
        """Average directional movement index, with the two directional indicators."""
        adx: ADX = _run(self.table, "adx", (period,))
        return adx

    def rsi(self, period: int = 14, *, column: str = "close") -> FloatArray:
        """Relative strength index of 0 to 100, its means Wilder's: alpha = 1 / period."""
        array: FloatArray = _run(self.table, "rsi", (period,), (column,))
        return array

    def macd(
        self, fast: int = 12, slow: int = 26, signal: int = 9, *, column: str = "close"
    ) -> MACD:
        """Difference of two exponential means, the exponential mean of that, and what is left."""
        macd: MACD = _run(self.table, "macd", (fast, slow, signal), (column,))
        return macd

    def stoch(self, period: int = 14, smooth: int = 3, signal: int = 3) -> Stochastic:
        """Where the close is between lowest low and highest high, smoothed once and twice."""
        lines: Stochastic = _run(self.table, "stoch", (period, smooth, signal))
        return lines

    def roc(self, period: int = 10, *, column: str = "close") -> FloatArray:
        """Change since `period` rows ago in percent."""
        array: FloatArray = _run(self.table, "roc", (period,), (column,))
        return array

    def momentum(self, period: int = 10, *, column: str = "close") -> FloatArray:
        """Change since `period` rows ago. pandas: `close.diff(period)`."""
        array: FloatArray = _run(self.table, "momentum", (period,), (column,))
        return array

    def obv(self) -> FloatArray:
        """On-balance volume: volume added on a rise of the close, taken away on a fall."""
        array: FloatArray = _run(self.table, "obv")
        return array
