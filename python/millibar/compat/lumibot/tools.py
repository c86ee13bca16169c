"""lumibot's small helpers that strategy files import."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from millibar.compat.lumibot.constants import LUMIBOT_DEFAULT_PYTZ

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("lumibot")

# ---- Logging -----------------------------------------------------------------------------------


def get_logger(name: str) -> logging.Logger:
    """The logger of that name, below "lumibot"."""
    return logging.getLogger(name if name.startswith("lumibot") else f"lumibot.{name}")


class _StrategyLogger(logging.LoggerAdapter):  # type: ignore[type-arg]
    """A logger whose messages name their strategy."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return f"[{(self.extra or {})['strategy_name']}] {msg}", kwargs


def get_strategy_logger(name: str, strategy_name: str) -> Any:
    """The logger of that name, with the strategy's name before every message."""
    return _StrategyLogger(get_logger(name), {"strategy_name": strategy_name})


def _level(level: str) -> int:
    number = logging.getLevelName(level.upper())
    if not isinstance(number, int):
        raise ValueError(
            f"Invalid log level: {level}. Must be one of: DEBUG, INFO, WARNING, ERROR, CRITICAL"
        )
    return number


def set_log_level(level: str) -> None:
    """Sets what the "lumibot" loggers let through."""
    logger.setLevel(_level(level))


def set_console_log_level(level: str) -> None:
    """Sets what reaches the console."""
    for handler in (*logger.handlers, *logging.getLogger().handlers):
        if type(handler) is logging.StreamHandler:
            handler.setLevel(_level(level))


def add_file_handler(file_path: str, level: str = "INFO", is_backtest: bool = False) -> None:
    """Also writes the "lumibot" loggers' messages to a file."""
    handler = logging.FileHandler(file_path, mode="w", encoding="utf-8")
    handler.setLevel(_level(level))
    handler.setFormatter(logging.Formatter("%(asctime)s | %(levelname)s | %(message)s"))
    logger.addHandler(handler)


# ---- Sequences, numbers, symbols ---------------------------------------------------------------


def get_chunks(l: Sequence[Any], chunk_size: int) -> list[Any]:  # noqa: E741 - lumibot's name
    """The sequence in pieces of that length; the last may be shorter."""
    return [l[i : i + chunk_size] for i in range(0, len(l), chunk_size)]


def deduplicate_sequence(seq: list[Any], key: str = "") -> list[Any]:
    """Keeps, in the list itself, the first of equal items or of those of equal attribute `key`."""
    first: dict[Any, Any] = {}
    for item in seq:
        first.setdefault(getattr(item, key) if key else item, item)
    seq[:] = first.values()
    return seq


def get_decimals(number: Any) -> int:
    """Digits after the point, as the number is printed."""
    return len(str(number).rpartition(".")[2]) if "." in str(number) else 0


def has_more_than_n_decimal_places(number: float, n: int) -> bool:
    """Whether the number is printed with more than n digits after the point."""
    return get_decimals(number) > n


def quantize_to_num_decimals(num: Any, num_decimals: int) -> float:
    """Rounded to that many decimals, half to even.

    Raises:
        ValueError: neither a Decimal nor a float.
    """
    if not isinstance(num, (Decimal, float)):
        raise ValueError(f"{num} is not a Decimal or float")
    exact = Decimal(str(num))
    return float(exact.quantize(Decimal(1).scaleb(-num_decimals), rounding=ROUND_HALF_EVEN))


def create_options_symbol(
    stock_symbol: str, expiration_date: date | str, option_type: str, strike_price: float
) -> str:
    """An option's symbol in the OCC's form."""
    if isinstance(expiration_date, str):
        expiration_date = datetime.strptime(expiration_date, "%Y-%m-%d").date()
    right = "C" if option_type.lower() == "call" else "P"
    return f"{stock_symbol}{expiration_date:%y%m%d}{right}{int(strike_price * 1000):08d}"


# ---- Numbers that must be ----------------------------------------------------------------------


def check_numeric(
    input: Any,
    type: Any,
    error_message: str,
    positive: bool = True,
    strict: bool = False,
    nullable: bool = False,
    ratio: bool = False,
    allow_negative: bool = True,
) -> Any:
    """The number, text converted; None where nullable.

    Raises:
        ValueError: not a number, or out of the bounds asked for.
    """
    if nullable and input is None:
        return None
    if isinstance(input, str) or (type is Decimal and not isinstance(input, Decimal)):
        try:
            input = type(input)
        except (ArithmeticError, TypeError, ValueError):
            raise ValueError(error_message) from None
    too_low = positive and not allow_negative and (input <= 0 if strict else input < 0)
    if too_low or (ratio and not -1 <= input <= 1):
        raise ValueError(error_message)
    return input


def check_positive(input: Any, type: Any, custom_message: str = "", strict: bool = False) -> Any:
    """As `check_numeric`; the sign is not checked, in lumibot either."""
    strictly = "strictly " if strict else ""
    message = f"{input!r} is not a {strictly}positive value. {custom_message}".rstrip()
    return check_numeric(input, type, message, strict=strict)


def check_quantity(quantity: Any, custom_message: str = "") -> Any:
    """The quantity as a Decimal."""
    message = f"{quantity!r} is not a positive Decimal. {custom_message}".rstrip()
    return check_numeric(Decimal(quantity), Decimal, message, strict=True)


def check_price(
    price: Any, custom_message: str = "", nullable: bool = True, allow_negative: bool = True
) -> Any:
    """The price, text converted."""
    message = f"{price!r} is not a valid price. {custom_message}".rstrip()
    return check_numeric(
        price, float, message, strict=True, nullable=nullable, allow_negative=allow_negative
    )


# ---- Time --------------------------------------------------------------------------------------


def get_lumibot_datetime() -> datetime:
    """The machine's clock, in New York."""
    return datetime.now().astimezone(LUMIBOT_DEFAULT_PYTZ)


def to_datetime_aware(dt_in: Any) -> Any:
    """A naive datetime as one of New York; anything else as it is."""
    if isinstance(dt_in, datetime) and dt_in.tzinfo is None:
        return LUMIBOT_DEFAULT_PYTZ.localize(dt_in)
    return dt_in


def get_timezone_from_datetime(dtm: datetime) -> Any:
    """The datetime's zone, a pytz one where there is one of that name; else New York."""
    if dtm.tzinfo is None:
        return LUMIBOT_DEFAULT_PYTZ
    import pytz

    zone: Any = dtm.tzinfo
    if isinstance(zone, (pytz.tzinfo.DstTzInfo, pytz.tzinfo.StaticTzInfo)):
        return zone
    try:
        return pytz.timezone(getattr(zone, "key", None) or getattr(zone, "zone", None) or str(zone))
    except pytz.UnknownTimeZoneError:
        return LUMIBOT_DEFAULT_PYTZ


# ---- pandas ------------------------------------------------------------------------------------


def day_deduplicate(df_: pd.DataFrame) -> pd.DataFrame:
    """The first row of each index value."""
    first: pd.DataFrame = df_[~df_.index.duplicated()].copy()
    return first


def is_daily_data(df_: pd.DataFrame) -> bool:
    """Whether every row is labelled at midnight."""
    return len(df_) > 0 and all(moment.time() == time(0, 0) for moment in df_.index)


def fill_void(df_: pd.DataFrame, interval: Any, end: Any) -> pd.DataFrame:
    """Rows repeated every `interval` over gaps, and from the last one to `end`."""
    import pandas as pd

    filled: pd.DataFrame = df_
    stops = [*df_.index[1:], *([end + interval] if len(df_) and df_.index[-1] < end else [])]
    missing = [
        (position, start + interval * step)
        for position, (start, stop) in enumerate(zip(df_.index, stops, strict=False))
        for step in range(1, (stop - start) // interval)
    ]
    if missing:
        rows = df_.iloc[[position for position, _ in missing]].copy()
        rows.index = pd.Index([moment for _, moment in missing])
        filled = pd.concat([df_, rows])
    ordered: pd.DataFrame = filled.sort_index()
    return ordered


def print_full_pandas_dataframes() -> None:
    """Makes pandas print whole frames."""
    import pandas as pd

    for name in ("max_columns", "max_colwidth", "max_rows"):
        pd.set_option(f"display.{name}", None)
    pd.set_option("display.width", 1000)


def set_pandas_float_display_precision(precision: int = 5) -> None:
    """Makes pandas print floats with that many decimals."""
    import pandas as pd

    pd.set_option("display.float_format", f"{{:.{precision}f}}".format)


def prettify_dataframe_with_decimals(df: pd.DataFrame, decimal_places: int = 5) -> str:
    """The frame as text, its numbers with that many decimals."""
    import numpy as np

    def shown(value: Any) -> Any:
        number = isinstance(value, (Decimal, float, int, np.integer))
        return f"{value:.{decimal_places}f}" if number else value

    return df.to_string(formatters=dict.fromkeys(df.columns, shown))
