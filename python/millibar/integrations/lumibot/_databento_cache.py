"""lumibot's DataBento cache, read through the C reader.

lumibot keeps what it fetched as `SYMBOL_timestep_START_END.parquet`, one file for each contract and
each range it was asked for. The name states what the file covers: the range is the clock reading of
the request, which DataBento takes as UTC, closed at the start and open at the end. lumibot itself
opens a file only where all four parts are exactly those of a request, so a backtest that asks for
200 bars and a broker that asks for two download, and re-read, nearly the same bars twice.

`CacheFolder.bars()` gives the rows of one request:

1.  from the file of exactly that name, as lumibot does, whatever it holds;
2.  else from files of the contract whose stated ranges cover the request, cut to it;
3.  else from those and, for the ranges none of them covers, the vendor, through the client, the
    normalisation and the cache writer of lumibot's helper;
4.  else None: nothing is cached, and lumibot's helper must do the whole request.

A range is believed only as far as it can be known. A file written less than a day after the end it
states may have been cut short by what the vendor had then, so it covers up to its last row; a daily
file's name has no clock, so its first and last date count only if their bars are there.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from lumibot.entities import Asset
from lumibot.tools import futures_roll
from lumibot.tools.lumibot_logger import get_logger

from millibar import _core
from millibar._arrays import to_numpy

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

logger = get_logger(__name__)

# The column in which lumibot's Polars class shows the row numbers of a cached file.
ROW_NUMBER = "index"
STEP_NS = {"minute": 60 * 10**9, "hour": 3600 * 10**9, "day": 86_400 * 10**9}
# How often a run asks the vendor for one thing that it did not give.
MAX_ATTEMPTS = 3
# How many files, and how many ranges of bars, a run keeps in memory. A strategy that asks for a new
# length at every bar would otherwise keep one range a bar.
MOST_KEPT = 32
VENDOR_LAG_NS = 86_400 * 10**9
_EPOCH = datetime(1970, 1, 1)


class Recent(OrderedDict[Any, Any]):
    """A dict of the MOST_KEPT entries used last."""

    def get(self, key: Any, default: Any = None) -> Any:
        """The entry, which is then the last used."""
        if key not in self:
            return default
        self.move_to_end(key)
        return self[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > MOST_KEPT:
            del self[next(iter(self))]


@dataclass(frozen=True)
class CacheFile:
    """A cached file and the range its name states, ns UTC, [start_ns, end_ns)."""

    path: Path
    symbol: str
    timestep: str
    start_ns: int
    end_ns: int


@dataclass
class CachedBars:
    """Rows of one request in time order: a table, its time column and the dtypes pandas wrote.

    all_turns: the roll schedule named none of the contracts, and every row was kept.
    """

    table: _core.Table
    time: str
    dtypes: dict[str, str] = field(default_factory=dict)
    all_turns: bool = False

    def without_numbers(self) -> CachedBars:
        """The same rows without the column of row numbers."""
        names = [name for name in self.table.names if name != ROW_NUMBER]
        return replace(self, table=self.table.select(names))

    def to_polars(self) -> pl.DataFrame:
        """As lumibot's Polars helper returns it: "datetime" first, ns, UTC; NaN as null."""
        import polars as pl

        frame = pl.DataFrame(self.table).rename({self.time: "datetime"})
        if self.all_turns and ROW_NUMBER in frame.columns:
            frame = frame.select(ROW_NUMBER, pl.exclude(ROW_NUMBER))
        casts = [
            pl.col(name).cast(kind)
            for name, text in self.dtypes.items()
            if name in frame.columns and (kind := _polars_type(text)) is not None
        ]
        return frame.with_columns(
            *casts, pl.col("datetime").dt.cast_time_unit("ns").dt.convert_time_zone("UTC")
        ).with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))

    def to_pandas(self) -> pd.DataFrame:
        """As lumibot's pandas helper returns it: indexed by time, UTC."""
        import pandas as pd

        columns = {name: to_numpy(self.table.column(name)) for name in self.table.names}
        for name, dtype in self.dtypes.items():
            if name in columns and columns[name].dtype.kind in "iu":
                columns[name] = columns[name].astype(dtype, copy=False)
        index = pd.DatetimeIndex(columns.pop(self.time), name=self.time)
        frame: pd.DataFrame = pd.DataFrame(columns, index=index.tz_localize("UTC"))
        return frame


def _polars_type(numpy_type: str) -> Any:
    import polars as pl

    return {
        "uint8": pl.UInt8,
        "uint16": pl.UInt16,
        "uint32": pl.UInt32,
        "int8": pl.Int8,
        "int16": pl.Int16,
    }.get(numpy_type)


def parse_name(path: Path) -> CacheFile | None:
    """The range a file's name states; None for a name that is not lumibot's."""
    parts = path.stem.rsplit("_", 3)
    if path.suffix != ".parquet" or len(parts) != 4 or parts[1] not in STEP_NS:
        return None
    symbol, timestep, *stamps = parts
    try:
        start_ns, end_ns = (_stamp_ns(stamp) for stamp in stamps)
    except ValueError:
        return None
    return CacheFile(path, symbol, timestep, start_ns, end_ns)


def _stamp_ns(stamp: str) -> int:
    return naive_ns(datetime.strptime(stamp, "%Y%m%d%H%M" if len(stamp) == 12 else "%Y%m%d"))


def naive_ns(moment: datetime) -> int:
    """A clock reading taken as UTC, as lumibot hands it to DataBento."""
    elapsed = moment.replace(tzinfo=None) - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 10**9 + elapsed.microseconds * 1000


def _naive(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**9, timezone.utc).replace(tzinfo=None)


def _instant_ns(moment: datetime) -> int:
    return naive_ns(moment.astimezone(timezone.utc))


def contracts(
    helper: ModuleType, asset: Asset, start: datetime, end: datetime
) -> tuple[list[str], list[tuple[str, int, int]]]:
    """The contracts lumibot asks DataBento for, and which of them counts when (ns UTC)."""
    rolling = asset
    if asset.asset_type == Asset.AssetType.FUTURE and not asset.expiration:
        rolling = Asset(asset.symbol, Asset.AssetType.CONT_FUTURE)
    if rolling.asset_type == Asset.AssetType.CONT_FUTURE:
        symbols = futures_roll.resolve_symbols_for_range(rolling, start, end, year_digits=1)
        front = futures_roll.resolve_symbol_for_datetime(rolling, start, year_digits=1)
        if front not in symbols:
            symbols.insert(0, front)
    else:
        symbols = [helper._format_futures_symbol_for_databento(asset, reference_date=start)]
    schedule = futures_roll.build_roll_schedule(rolling, start, end, year_digits=1)
    return symbols, [(s, _instant_ns(a), _instant_ns(b)) for s, a, b in schedule]


def read_file(path: Path) -> CachedBars:
    """One cached file, without its symbol column, sorted. Raises what the reader raises.

    With a column "index" of row numbers, unless the time column is "ts_event": lumibot takes no
    other column for the index, and so lets pandas' row numbers through.
    """
    plan = _core.Scan().add_path(str(path))
    schema = plan.schema()
    names = [name for name in schema.names if name != "symbol"]
    stamps = [name for name in names if schema.column(name).type == "timestamp"]
    if not stamps:
        raise ValueError(f"{path}: no timestamp column; lumibot's cache has ts_event or datetime")
    time = "ts_event" if "ts_event" in stamps else stamps[0]
    table = plan.select([time, *(name for name in names if name != time)]).collect()
    if time != "ts_event" and ROW_NUMBER not in names:
        numbers = _core.column_from_buffer(ROW_NUMBER, np.arange(len(table)), "int64")
        columns = [table.column(name) for name in table.names]
        table = _core.Table([columns[0], numbers, *columns[1:]])
    series = _core.Series(table, time=time, sort=True, assume_zone="UTC")
    return CachedBars(series.table, time, _pandas_types(path))


def _pandas_types(path: Path) -> dict[str, str]:
    """The numpy types that pandas noted in the file; empty where it noted none."""
    note = _core.parquet_info(str(path))["metadata"].get("pandas")
    if not note:
        return {}
    return {
        column["name"]: column["numpy_type"]
        for column in json.loads(note)["columns"]
        if isinstance(column.get("name"), str) and isinstance(column.get("numpy_type"), str)
    }


class CacheFolder:
    """The cache of one of lumibot's two DataBento helper modules.

    helper: the module. numbered: whether its class shows the row numbers of a file it reads.
    Files are looked for at every call, since lumibot's helper adds to them. What a contract did not
    have is remembered, so that a backtest does not ask for it at every bar.
    """

    def __init__(self, helper: ModuleType, api_key: str | None, *, numbered: bool) -> None:
        self._helper = helper
        self._api_key = api_key
        self._numbered = numbered
        self._failures: dict[tuple[Any, ...], int] = {}
        # What was read, by path, with the file's size and time of change.
        self._files = Recent()

    def failed(self, what: tuple[Any, ...]) -> None:
        """Note that the vendor did not give something."""
        self._failures[what] = self._failures.get(what, 0) + 1

    def gave_up(self, what: tuple[Any, ...]) -> bool:
        """Whether that has happened often enough."""
        return self._failures.get(what, 0) >= MAX_ATTEMPTS

    def bars(
        self, asset: Asset, start: datetime, end: datetime, timestep: str
    ) -> CachedBars | None:
        """The rows of this request; None where nothing is cached: ask the helper of lumibot.

        Raises the helper's DataBentoAuthenticationError where a part had to be fetched and the
        vendor refused the key.
        """
        symbols, schedule = contracts(self._helper, asset, start, end)
        request = _Request(asset, start, end, timestep)
        found: dict[str, CachedBars] = {}
        for symbol in symbols:
            part = self._exact(request, symbol) or self._assembled(request, symbol)
            if part is not None:
                found[symbol] = part
        if not found:
            return None
        for symbol in symbols:
            if symbol not in found:
                part = self._fetch(request, symbol, *request.span_ns)
                if part is not None and len(part.table):
                    found[symbol] = part
        try:
            return _front_months(found, schedule)
        except ValueError as error:
            logger.warning("Leaving the cached bars of %s to lumibot: %s", asset.symbol, error)
            return None

    def _read(self, path: Path) -> CachedBars:
        """A file's rows, read again only when the file has changed."""
        state = path.stat()
        stamp = state.st_size, state.st_mtime_ns
        known: tuple[tuple[int, int], CachedBars] | None = self._files.get(path)
        if known is None or known[0] != stamp:
            known = self._files[path] = (stamp, read_file(path))
        return known[1]

    def _exact(self, request: _Request, symbol: str) -> CachedBars | None:
        """The file lumibot would open; one that nobody can read is removed, as lumibot does."""
        path = self._path(request, symbol, request.start, request.end)
        if not path.exists():
            return None
        try:
            part = self._read(path)
            part = part if self._numbered else part.without_numbers()
        except Exception as error:
            logger.warning("Cannot read the cached DataBento file %s: %s", path, error)
            frame = self._helper._load_cache(path)
            if frame is None:
                logger.warning("Removed %s; its bars will be fetched again.", path)
                return None
            part = _from_lumibot(frame)
        return part if len(part.table) else None

    def _path(self, request: _Request, symbol: str, start: datetime, end: datetime) -> Path:
        name = self._helper._build_cache_filename(
            request.asset, start, end, request.timestep, symbol_override=symbol
        )
        return Path(name)

    def _assembled(self, request: _Request, symbol: str) -> CachedBars | None:
        """A contract's rows out of files that overlap the request; None where there are none."""
        from_ns, to_ns = request.span_ns
        if request.timestep not in STEP_NS or to_ns <= from_ns:
            return None
        pieces = self._overlapping(request, symbol)
        ranges = cover(pieces, from_ns, to_ns)
        # A file is opened when it is wanted by its name, and may then turn out to cover less.
        while unread := [piece for piece, _, _ in ranges if piece is not None and not piece.bars]:
            for piece in unread:
                if not self._open(piece):
                    pieces.remove(piece)
            ranges = cover(pieces, from_ns, to_ns)
        if all(piece is None for piece, _, _ in ranges):
            return None
        parts = [
            _cut(piece.bars, a, b)
            if piece is not None and piece.bars is not None
            else self._fetch(request, symbol, a, b)
            for piece, a, b in ranges
        ]
        if any(part is None for part in parts):
            return None
        return _joined([part for part in parts if part is not None and len(part.table)])

    def _overlapping(self, request: _Request, symbol: str) -> list[_Piece]:
        """The contract's other files whose names promise a part of the request."""
        from_ns, to_ns = request.span_ns
        folder = Path(self._helper.LUMIBOT_DATABENTO_CACHE_FOLDER)
        exact = self._path(request, symbol, request.start, request.end)
        # A daily file's end date may have its own bar, past the end that the name states.
        slack = STEP_NS["day"] if request.timestep == "day" else 0
        pattern = f"{symbol}_{request.timestep}_*.parquet"
        return [
            _Piece(file, file.start_ns, file.end_ns + slack)
            for path in sorted(folder.glob(pattern))
            if path != exact
            and (file := parse_name(path)) is not None
            and file.start_ns < to_ns
            and file.end_ns + slack > from_ns
        ]

    def _open(self, piece: _Piece) -> bool:
        """Read a piece's file and note what it covers; False where it is of no use."""
        path = piece.file.path
        try:
            bars = self._read(path).without_numbers()
            written_ns = path.stat().st_mtime_ns
            if not len(bars.table):
                return False
            span = known_range(piece.file, *_first_and_last(bars), written_ns)
        except Exception as error:
            logger.warning(
                "Leaving out the cached DataBento file %s, which cannot be read: %s", path, error
            )
            return False
        piece.bars, piece.start_ns, piece.end_ns = bars, *span
        return True

    def _fetch(self, request: _Request, symbol: str, from_ns: int, to_ns: int) -> CachedBars | None:
        """Rows of [from_ns, to_ns) from the vendor, cached as lumibot caches; None on failure."""
        nothing = CachedBars(_core.Table([]), "")
        what = (symbol, request.timestep, from_ns, to_ns)
        if self.gave_up(what):
            return nothing
        helper = self._helper
        start, end = _naive(from_ns), _naive(to_ns)
        try:
            frame = helper.DataBentoClient(api_key=self._api_key).get_historical_data(
                dataset=helper._determine_databento_dataset(request.asset, None),
                symbols=symbol,
                schema=helper._determine_databento_schema(request.timestep),
                start=start,
                end=end,
            )
        except helper.DataBentoAuthenticationError:
            raise
        except Exception as error:
            logger.warning("Error fetching %s from DataBento: %s", symbol, error)
            self.failed(what)
            return None
        if frame is None or frame.empty:
            self.failed(what)
            return nothing
        frame = helper._normalize_databento_dataframe(frame)
        frame["symbol"] = symbol
        path = self._path(request, symbol, start, end)
        if not path.exists():
            helper._save_cache(frame, path)
        return _from_lumibot(frame)


@dataclass(frozen=True)
class _Request:
    """What lumibot asks its helper for."""

    asset: Asset
    start: datetime
    end: datetime
    timestep: str

    @property
    def span_ns(self) -> tuple[int, int]:
        """The range as the vendor takes it: clock readings as UTC."""
        return naive_ns(self.start), naive_ns(self.end)


def _from_lumibot(frame: pd.DataFrame) -> CachedBars:
    """Bars from a frame of lumibot's helper, whose index or only column of times is the time."""
    import polars as pl

    if "symbol" in frame.columns:
        frame = frame.drop(columns="symbol")
    if frame.index.name is not None:
        frame = frame.reset_index()
    kinds = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
    time = next(name for name, kind in kinds.items() if kind.startswith("datetime"))
    dtypes = {name: kind for name, kind in kinds.items() if name != time}
    table = _core.table_from_arrow(pl.from_pandas(frame))
    return CachedBars(table.select([time, *dtypes]), time, dtypes)


@dataclass(eq=False)
class _Piece:
    """A file and the range it covers: by its name at most, once it was read for certain."""

    file: CacheFile
    start_ns: int
    end_ns: int
    bars: CachedBars | None = None


def _first_and_last(bars: CachedBars) -> tuple[int, int]:
    times = np.asarray(_series(bars).times)
    return int(times[0]), int(times[-1])


def known_range(file: CacheFile, first_ns: int, last_ns: int, written_ns: int) -> tuple[int, int]:
    """How much of the range its name states a file covers for certain, given its rows."""
    start_ns, end_ns = file.start_ns, file.end_ns
    step = STEP_NS[file.timestep]
    if file.timestep == "day":
        start_ns = start_ns if first_ns == start_ns else start_ns + step
        end_ns = end_ns + step if last_ns == end_ns else end_ns
    if written_ns < file.end_ns + VENDOR_LAG_NS:
        end_ns = min(end_ns, last_ns + step)
    return start_ns, end_ns


def cover(
    pieces: Sequence[_Piece], from_ns: int, to_ns: int
) -> list[tuple[_Piece | None, int, int]]:
    """[from_ns, to_ns) as consecutive ranges, each with a piece that covers it or None: a gap."""
    ranges: list[tuple[_Piece | None, int, int]] = []
    cursor = from_ns
    while cursor < to_ns:
        here = [p for p in pieces if p.start_ns <= cursor < p.end_ns]
        if here:
            best = max(here, key=lambda p: p.end_ns)
            stop = min(best.end_ns, to_ns)
            ranges.append((best, cursor, stop))
        else:
            later = [p.start_ns for p in pieces if cursor < p.start_ns < to_ns]
            stop = min(later, default=to_ns)
            ranges.append((None, cursor, stop))
        cursor = stop
    return ranges


def _series(bars: CachedBars) -> _core.Series:
    return _core.Series(bars.table, time=bars.time, assume_zone="UTC")


def _cut(bars: CachedBars, from_ns: int, to_ns: int) -> CachedBars:
    first, n_rows = _series(bars).between(from_ns, to_ns)
    return CachedBars(bars.table.slice(first, n_rows), bars.time, bars.dtypes)


def _joined(parts: Sequence[CachedBars]) -> CachedBars | None:
    """Parts that follow each other in time as one; None for none, or where their columns differ."""
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    if not all(ROW_NUMBER in part.table.names for part in parts):
        parts = [part.without_numbers() for part in parts]
    if any(part.table.names != parts[0].table.names for part in parts):
        return None
    return CachedBars(_core.concat([part.table for part in parts]), parts[0].time, parts[0].dtypes)


def _front_months(
    found: dict[str, CachedBars], schedule: Sequence[tuple[str, int, int]]
) -> CachedBars | None:
    """Of each contract the rows of its turn; all rows where the schedule names none of them.

    None, for lumibot's helper to decide, where contracts overlap and no schedule chooses.
    """
    turns = [(found[symbol], a, b) for symbol, a, b in schedule if symbol in found]
    parts = [part for bars, a, b in turns if len((part := _cut(bars, a, b)).table)]
    if parts:
        return _joined(parts)
    whole = list(found.values())
    return replace(whole[0], all_turns=True) if len(whole) == 1 else None
