"""The C extension: columns, tables, series, plans and zones of libmillibar.

Everything here is the C library's object under a Python name, with the conversion at the edge and
nothing else. `millibar` wraps it in the types users meet (Bars, LazyBars, col). Times are int
nanoseconds UTC; policies, steps and types are the strings named below. The GIL is released around
reads, writes, resampling and other long work. Errors are those of `millibar.errors`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, final

from typing_extensions import Self

Type = Literal[
    "bool", "int32", "int64", "uint64", "float32", "float64", "timestamp", "utf8", "dictionary"
]
Unit = Literal["s", "ms", "us", "ns"]
Step = Literal["second", "minute", "hour", "day"]
Label = Literal["open", "close"]
Duplicates = Literal["refuse", "first", "last"]
Codec = Literal["none", "snappy", "gzip", "lz4", "zstd"]

__version__: str
STRICT: int
LUMIBOT: int
BAR_NONE: int
BAR_FORMING: int
BAR_CLOSED: int

@final
class Column:
    """An immutable typed column. Fixed-width columns other than bool give their values through the
    buffer protocol, read-only and without a copy (timestamps and dictionary codes as integers);
    where there are nulls the value under a null is unspecified: see validity()."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> Type: ...
    @property
    def unit(self) -> Unit | None: ...
    @property
    def zone(self) -> str | None: ...
    @property
    def nullable(self) -> bool: ...
    @property
    def null_count(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> Any: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __arrow_c_schema__(self) -> Any: ...
    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...
    def validity(self) -> bytes | None:
        """One byte a row, 1 for valid; None where there are no nulls."""
    def to_list(self) -> list[Any]: ...
    def dictionary(self) -> Column | None: ...
    def slice(self, first: int, n_rows: int, /) -> Column: ...
    def rename(self, name: str, /) -> Column: ...
    def cast(self, type: Type, unit: Unit = "ns") -> Column: ...
    def equals(self, other: Column, /) -> bool: ...

@final
class Table:
    """An immutable table of columns."""

    def __new__(cls, columns: Sequence[Column]) -> Self: ...
    @property
    def rows(self) -> int: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def column(self, name_or_index: str | int, /) -> Column: ...
    def slice(self, first: int, n_rows: int, /) -> Table: ...
    def select(self, names: Sequence[str], /) -> Table: ...
    def take(self, rows: Sequence[int], /) -> Table: ...
    def equals(self, other: Table, /) -> bool: ...
    def __arrow_c_schema__(self) -> Any: ...
    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

def table_from_arrow(obj: Any, /) -> Table:
    """From anything with __arrow_c_stream__ or __arrow_c_array__ (a struct array)."""

def concat(tables: Sequence[Table], /) -> Table: ...
def column_from_buffer(
    name: str,
    data: Any,
    type: Type,
    *,
    unit: Unit = "ns",
    zone: str | None = None,
    validity: Any = None,
    dictionary: Column | None = None,
) -> Column:
    """A column over a C-contiguous buffer of the type's own width (or of plain bytes), shared
    without a copy and kept alive; the caller promises not to write to it any more. bool takes one
    byte a value (copied). validity: one byte a row, 1 for valid. dictionary: the utf8 column that
    the int32 codes of a "dictionary" column index."""

def column_from_text(name: str, values: Sequence[str | None], /) -> Column: ...
def column_of_nulls(name: str, type: Type, n_rows: int, /) -> Column:
    """A column of nulls alone, of a type of fixed width; timestamps are in ns UTC. Its memory is
    the system's zeros, which cost next to nothing until they are read."""

@final
class Zone:
    def __new__(cls, name: str) -> Self: ...
    @property
    def name(self) -> str: ...
    def offset_s(self, ns: int, /) -> int: ...
    def abbreviation(self, ns: int, /) -> str: ...
    def to_local(self, ns: int, /) -> int: ...
    def from_local(
        self, local_ns: int, fold: Literal["earlier", "later", "refuse"] = "earlier"
    ) -> int: ...
    def day_start(self, ns: int, /) -> int: ...
    def next_day(self, ns: int, /) -> int: ...

def set_zone_directory(directory: str | None, /) -> None: ...

@final
class Series:
    """Bars in time order: a table, its times (open, ns UTC, strictly rising) and a period."""

    def __new__(
        cls,
        table: Table,
        *,
        time: str | None = None,
        period_ns: int = 0,
        step: Step = "minute",
        label: Label = "open",
        sort: bool = False,
        duplicates: Duplicates = "refuse",
        zone: str | None = None,
        assume_zone: str | None = None,
    ) -> Self: ...
    @property
    def table(self) -> Table: ...
    @property
    def times(self) -> Column:
        """Opens as an int64 column "times", ns UTC."""
    @property
    def time_column(self) -> int: ...
    @property
    def period_ns(self) -> int: ...
    @property
    def step(self) -> Step: ...
    @property
    def zone(self) -> str: ...
    def __len__(self) -> int: ...
    def find(self, name: str, /) -> int: ...
    def window(self, policy: int, now_ns: int, length: int, shift: int = 0, /) -> tuple[int, int]:
        """(first, n_rows) visible at now_ns: the hot path of every backtest."""
    def state(self, now_ns: int, /) -> tuple[int, int]:
        """(row, BAR_*): the last row with open <= now (-1: none) and whether it has closed."""
    def asof(self, ns: int, /) -> int: ...
    def lower_bound(self, ns: int, /) -> int: ...
    def upper_bound(self, ns: int, /) -> int: ...
    def between(self, from_ns: int, to_ns: int, /) -> tuple[int, int]: ...
    def fill(self, grid: Column, /) -> Series: ...
    def resample(
        self,
        every: int,
        step: Step,
        *,
        first: int = 0,
        n_rows: int | None = None,
        zone: str | None = None,
        drop_partial: bool = False,
    ) -> Series: ...
    def join_asof(
        self,
        other: Series,
        /,
        on: Literal["open", "close"] = "open",
        tolerance_ns: int | None = None,
        suffix: str = "_right",
    ) -> Table: ...

def grid(series: Sequence[Series], step: Step, zone: str, end_ns: int | None = None) -> Column: ...
def returns(close: Any, /) -> Column:
    """(close - previous) / previous of a float64 buffer, row 0 NaN: a float64 column "return"."""

@final
class Expr:
    """A node of an expression tree; build with the functions below."""

def expr_column(name: str, /) -> Expr: ...
def expr_literal(value: bool | int | float | str, /) -> Expr: ...
def expr_time(ns: int, /) -> Expr: ...
def expr_node(op: str, a: Expr, b: Expr | None = None) -> Expr:
    """op: + - * / == != < <= > >= and or not neg is_null is_nan."""

def expr_format(expr: Expr, /) -> str: ...
def expr_eval(expr: Expr, table: Table, /) -> Column: ...

AggregateKind = Literal["count", "sum", "mean", "min", "max", "first", "last"]

@final
class Scan:
    """A lazy plan. Methods return a new plan; collect() runs it."""

    def __new__(cls) -> Self: ...
    def add_path(self, path: str, /) -> Scan: ...
    def add_memory(self, data: Any, name: str = "memory") -> Scan: ...
    def add_table(self, table: Table, /) -> Scan: ...
    def select(self, names: Sequence[str], /) -> Scan: ...
    def between(self, from_ns: int | None, to_ns: int | None, time: str | None = None) -> Scan: ...
    def filter(self, expr: Expr, /) -> Scan: ...
    def head(self, n_rows: int, /) -> Scan: ...
    def tail(self, n_rows: int, /) -> Scan: ...
    def resample(
        self,
        every: int,
        step: Step,
        *,
        zone: str | None = None,
        drop_partial: bool = False,
        time: str | None = None,
        period_ns: int = 0,
        label: Label = "open",
        sort: bool = False,
        duplicates: Duplicates = "refuse",
        assume_zone: str | None = None,
    ) -> Scan: ...
    def threads(self, n: int, /) -> Scan: ...
    def schema(self) -> Table: ...
    def collect(self) -> Table: ...
    def aggregate(
        self, aggregates: Iterable[tuple[AggregateKind, Expr | None, str]], /
    ) -> Table: ...
    def explain(self) -> str: ...
    @property
    def stats(self) -> dict[str, int] | None:
        """Of the last collect(): rows_present, rows_read, bytes_present, ... ; None before."""

# ---- The engine --------------------------------------------------------------------------------

AssetKind = Literal["stock", "future", "crypto", "forex", "index"]
OrderStatus = Literal["unprocessed", "new", "partial_fill", "fill", "canceled", "expired", "error"]

@final
class OrderState(tuple[Any, ...]):
    """What an Engine knows of an order, at the time it was asked: the fields of mbar_order, prices
    that do not apply NaN. A struct sequence."""

    @property
    def id(self) -> int: ...
    @property
    def parent(self) -> int: ...
    @property
    def dependent(self) -> int: ...
    @property
    def asset(self) -> int: ...
    @property
    def side(self) -> int: ...
    @property
    def type(self) -> int: ...
    @property
    def order_class(self) -> int: ...
    @property
    def tif(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def quantity(self) -> float: ...
    @property
    def limit_price(self) -> float: ...
    @property
    def stop_price(self) -> float: ...
    @property
    def stop_limit_price(self) -> float: ...
    @property
    def trail_amount(self) -> float: ...
    @property
    def trail_percent(self) -> float: ...
    @property
    def trail_stop(self) -> float: ...
    @property
    def triggered(self) -> bool: ...
    @property
    def ambiguous(self) -> bool: ...
    @property
    def filled(self) -> float: ...
    @property
    def fill_price(self) -> float: ...
    @property
    def fees(self) -> float: ...
    @property
    def created_ns(self) -> int: ...
    @property
    def placed_ns(self) -> int | None: ...
    @property
    def closed_ns(self) -> int | None: ...
    @property
    def tag(self) -> int: ...
    @property
    def by_quote(self) -> bool: ...

@final
class PositionState(tuple[float, float, float]):
    """What an Engine holds of an asset, at the time it was asked. A struct sequence."""

    @property
    def quantity(self) -> float: ...
    @property
    def avg_price(self) -> float: ...
    @property
    def realized(self) -> float: ...

@final
class Indicator:
    """A live indicator: `value` now, [-1] the same, [-2] a bar before, len() the visible bars. Its
    outputs are attributes by their names."""

    @property
    def value(self) -> float: ...
    @property
    def outputs(self) -> tuple[Indicator, ...]: ...
    @property
    def output_names(self) -> tuple[str, ...]: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> tuple[Any, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> float: ...
    def __getattr__(self, output: str, /) -> Indicator: ...

@final
class Engine:
    """One run of a strategy over bars. Times are ns UTC; fees are tuples (flat, percent,
    per_contract, maker, taker); assets are numbered from 0, orders from 1. While run() is under way
    only its thread may call, save stop()."""

    def __new__(
        cls,
        *,
        policy: str = "strict",
        clock: str = "bars",
        sessions: str = "continuous",
        start_ns: int | None = None,
        end_ns: int | None = None,
        step_ns: int = 60_000_000_000,
        before_opening_ns: int = 3_600_000_000_000,
        before_closing_ns: int = 60_000_000_000,
        after_closing_ns: int = 0,
        zone: str | None = None,
        budget: float = 100_000.0,
        buy_fees: Sequence[tuple[float, float, float, bool, bool]] = (),
        sell_fees: Sequence[tuple[float, float, float, bool, bool]] = (),
        slippage_ticks: float = 0.0,
        slippage_percent: float = 0.0,
        volume_share: float = 0.0,
        record_iterations: bool = True,
    ) -> Self: ...
    def add_asset(
        self,
        symbol: str,
        kind: str,
        series: Series | None = None,
        *,
        multiplier: float = 1.0,
        margin: float = 0.0,
        tick: float = 0.0,
        quote: str | None = None,
        quote_is_crypto: bool = False,
        same_as: int | None = None,
    ) -> int: ...
    def run(self, strategy: Any, /) -> None:
        """Calls those methods that the strategy has, without arguments: initialize,
        before_market_opens, before_starting_trading, on_trading_iteration, after_iteration,
        before_market_closes, after_market_closes, on_end; on_order_event(kind, order, price,
        quantity, fee, multiplier, message); heartbeat, now and then. An exception ends the run and
        comes out as it is."""
    def stop(self) -> None: ...
    @property
    def running(self) -> bool: ...
    @property
    def policy(self) -> str: ...
    @property
    def now_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def has_iterated(self) -> bool: ...
    @property
    def callback_seconds(self) -> float: ...
    @property
    def n_assets(self) -> int: ...
    @property
    def n_orders(self) -> int: ...
    @property
    def n_events(self) -> int: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def cash(self) -> float: ...
    @cash.setter
    def cash(self, value: float) -> None: ...
    @property
    def value(self) -> float: ...
    def mark(self) -> float: ...
    def sessions_over(self) -> None: ...
    def window(self, asset: int, length: int, shift: int = 0, /) -> tuple[int, int]: ...
    def visible_rows(self, asset: int, /) -> int: ...
    def last_price(self, asset: int, /) -> float | None: ...
    def quantity(self, asset: int, /) -> float: ...
    def position(self, asset: int, /) -> PositionState: ...
    def find(self, symbol: str, /) -> int: ...
    def set_multiplier(self, asset: int, multiplier: float, /) -> None: ...
    def set_schedule(
        self,
        sessions: str,
        before_opening_ns: int,
        before_closing_ns: int,
        after_closing_ns: int,
        /,
    ) -> None: ...
    def set_step(self, ns: int, /) -> None: ...
    def sleep(self, ns: int, /) -> None: ...
    def wait(self, ns: int, /) -> None: ...
    def submit(
        self,
        asset: int,
        side: str,
        quantity: Any,
        type: str = "market",
        limit_price: Any = None,
        stop_price: Any = None,
        order_class: str = "simple",
        tif: str = "gtc",
        stop_limit_price: Any = None,
        trail_amount: Any = None,
        trail_percent: Any = None,
        child_limit_price: Any = None,
        child_stop_price: Any = None,
        child_stop_limit_price: Any = None,
        child_trail_amount: Any = None,
        child_trail_percent: Any = None,
        good_till_ns: int = 0,
        tag: int = 0,
    ) -> int: ...
    def resubmit(self, order: int, /) -> None: ...
    def cancel(self, order: int, /) -> None: ...
    def cancel_all(self) -> None: ...
    def modify(
        self,
        order: int,
        limit_price: Any = None,
        stop_price: Any = None,
        quantity: Any = None,
    ) -> None: ...
    def order(self, order: int, /) -> OrderState: ...
    def order_status(self, order: int, /) -> OrderStatus: ...
    def next_active(self, after: int, /) -> int: ...
    def events(self, first: int, /) -> list[tuple[str, int, float, float, int]]:
        """(kind, order, price, quantity, ns) of every event from number first on."""
    def indicator(self, asset: int, name: str, /, *params: Any, **named: Any) -> Indicator: ...
    def table(self, which: str, /) -> Table: ...

def parquet_write(
    table: Table,
    path: str,
    *,
    codec: Codec = "none",
    level: int = 0,
    row_group_rows: int = 0,
    page_rows: int = 0,
    period: str | None = None,
) -> None:
    """Writes through a temporary file and a rename. period is kept as the file's metadata
    millibar.period_ns."""

def parquet_info(path: str, /) -> dict[str, Any]:
    """rows; columns: a list of name, type, unit, zone, nullable, supported; row_groups: a list of
    lists, one dict a column, of rows, nulls (-1: unknown), compressed_bytes, uncompressed_bytes,
    codec, min_max, page_index; metadata: those of the keys millibar knows that are there."""

def indicator_names() -> tuple[str, ...]: ...
def indicator_spec(
    name: str, /
) -> tuple[
    str,
    str,
    str,
    tuple[str, ...],
    tuple[tuple[str, float | str | None, float | str, float | str, tuple[str, ...] | None], ...],
    tuple[str, ...],
]:
    """name, title, formula, inputs, parameters (name, default, min, max, choices) and outputs."""

def table_indicator(
    table: Table,
    name: str,
    params: tuple[float | str | None, ...],
    columns: tuple[str | None, ...] | None = None,
    /,
) -> tuple[Column, ...]:
    """The outputs of an indicator over a table's rows, a float64 Column each. params in the spec's
    order, None for a default; columns: what to read instead of each input."""

def cross(a: Any, b: Any, above: bool, /) -> bytes:
    """One byte a row, 1 where a crosses above (or below) b: float64 buffers of one length."""

def signals_run(
    series: Series,
    symbol: str,
    entries: Any = None,
    exits: Any = None,
    short_entries: Any = None,
    short_exits: Any = None,
    *,
    kind: str = "stock",
    multiplier: float = 1.0,
    margin: float = 0.0,
    tick: float = 0.0,
    size: float = 1.0,
    share: float = 0.0,
    lot: float = 0.0,
    budget: float = 100000.0,
    buy_fees: Sequence[tuple[float, float, float, bool, bool]] = (),
    sell_fees: Sequence[tuple[float, float, float, bool, bool]] = (),
    slippage_ticks: float = 0.0,
    slippage_percent: float = 0.0,
    volume_share: float = 0.0,
    close_at_end: bool = False,
) -> tuple[Table, Column]:
    """(fills, equity) of arrays of signals under the strict policy. Arrays have one byte a row, of
    bool or an 8-bit integer; fees are (flat, percent, per contract, maker, taker). Equity is the
    column "portfolio_value", at each bar's close."""

def time_parse(text: str, /) -> tuple[int, bool]: ...
def time_format(ns: int, /) -> str: ...
def memory_live_bytes() -> int: ...
def memory_peak_bytes() -> int: ...
def set_memory_limit(limit_bytes: int, /) -> None: ...
