"""What is traded, and what trading costs: Asset, TradingFee, TradingSlippage, Quote.

The names, forms and answers are lumibot's. An Asset is a value: equal and hashed by what it names
(symbol, type, expiration, strike, right), so that it serves as a key. The hash is taken when it is
made: an asset that is changed afterwards is found in no dictionary any more.
"""

from __future__ import annotations

import math
import re
from collections import UserDict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, Any

from millibar._log import logger_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Asset",
    "AssetsMapping",
    "Quote",
    "StrEnum",
    "TradingFee",
    "TradingSlippage",
    "futures_margin",
    "parse_symbol",
]


class StrEnum(str, Enum):
    """Names that are their own text: they compare, hash and print as the str they hold."""

    def __str__(self) -> str:
        return str.__str__(self)

    def __format__(self, spec: str) -> str:
        return str.__format__(self, spec)


class OptionRight(StrEnum):
    """`Asset.OptionRight`."""

    CALL = "CALL"
    PUT = "PUT"


class AssetType(StrEnum):
    """`Asset.AssetType`."""

    STOCK = "stock"
    OPTION = "option"
    FUTURE = "future"
    CRYPTO_FUTURE = "crypto_future"
    CONT_FUTURE = "cont_future"
    FOREX = "forex"
    CRYPTO = "crypto"
    PREDICTION_CONTRACT = "prediction_contract"
    INDEX = "index"
    MULTILEG = "multileg"
    UNKNOWN = "unknown"


class AutoExpiry(StrEnum):
    """`Asset.AutoExpiry`: how the contract of a future without an expiration is chosen."""

    FRONT_MONTH = "front_month"
    NEXT_QUARTER = "next_quarter"
    AUTO = "auto"


MONTH_CODES = "FGHJKMNQUVXZ"
_FUTURES = frozenset({AssetType.FUTURE, AssetType.CONT_FUTURE, AssetType.CRYPTO_FUTURE})
_TYPE_ALIASES = {"us_equity": AssetType.STOCK}
_DATE_FORMS = (("%Y-%m-%d", 10), ("%Y%m%d", 8), ("%m/%d/%Y", 10))
_OPTION_SYMBOL = re.compile(r"([A-Z]+)(\d{6})([CP])(\d+)")


def parse_symbol(symbol: Any) -> dict[str, Any]:
    """What a ticker names: {"type": "stock" | "option" | None, ...}.

    An option in the OCC's form (AAPL240119C00150000) gives "stock_symbol", "expiration_date",
    "option_type" ("CALL" or "PUT") and "strike_price"; any other text is a stock's "stock_symbol".
    """
    text = symbol.strip().upper() if isinstance(symbol, str) else ""
    if not text:
        return {"type": None}
    option = _OPTION_SYMBOL.fullmatch(text)
    if option is None:
        return {"type": "stock", "stock_symbol": text}
    root, day, right, strike = option.groups()
    try:
        expiration = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return {"type": None}
    return {
        "type": "option",
        "stock_symbol": root,
        "expiration_date": expiration,
        "option_type": "CALL" if right == "C" else "PUT",
        "strike_price": round(float(strike) / 1000, 3),
    }


def _member(kind: type[StrEnum], name: str, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(member.value for member in kind)
        raise ValueError(f"`{name}` must be one of {choices}, not {value!r}") from None


def _checked_multiplier(multiplier: Any) -> int | float:
    try:
        exact = Decimal(str(multiplier))
    except (InvalidOperation, TypeError, ValueError):
        exact = Decimal("NaN")
    if exact.is_finite() and exact > 0:
        value = int(exact) if exact == exact.to_integral_value() else float(exact)
        if math.isfinite(value) and value > 0:
            return value
    raise ValueError(f"Asset multiplier must be a positive finite number, not {multiplier!r}")


def _as_date(expiration: Any) -> Any:
    """A datetime as its date, text in a known form as the date it says, anything else as it is."""
    if isinstance(expiration, datetime):
        return expiration.date()
    if isinstance(expiration, str):
        text = expiration.strip()
        for form, size in _DATE_FORMS:
            try:
                return datetime.strptime(text[:size], form).date()
            except ValueError:
                continue
    return expiration


class Asset:
    """Something with a price.

    Args:
        symbol: ticker, root of a future or option, base of a currency pair; kept in capitals.
        asset_type: an `Asset.AssetType` or its text; "us_equity" is a stock.
        expiration: of an option or future; a date, datetime or text such as "2024-03-15".
        strike, right: of an option; right is "CALL" or "PUT".
        multiplier: currency per point and unit; 100 for options, else 1, unless given.
        leverage: of a future or crypto future; 1 for everything else.
        precision: smallest step of the quantity, as text.
        underlying_asset: of an option; its symbol stands in for one that is None.
        auto_expiry: an `Asset.AutoExpiry`: the contract of a future is chosen as time goes on.

    Raises:
        ValueError: an unknown asset_type or right, or a multiplier that is not positive.

        >>> Asset("mes", Asset.AssetType.CONT_FUTURE)
        MES
        >>> Asset("AAPL") == Asset("aapl", "stock")
        True
    """

    OptionRight = OptionRight
    AssetType = AssetType
    AutoExpiry = AutoExpiry

    symbol: Any
    asset_type: Any
    expiration: Any
    strike: Any
    right: Any
    multiplier: int | float

    def __init__(
        self,
        symbol: str | None,
        asset_type: str = AssetType.STOCK,
        expiration: Any = None,
        strike: float = 0.0,
        right: str | None = None,
        multiplier: float | None = None,
        leverage: int = 1,
        precision: str | None = None,
        underlying_asset: Asset | None = None,
        auto_expiry: Any = None,
    ) -> None:
        if symbol is not None:
            symbol = symbol.upper()
        elif underlying_asset is not None:
            symbol = underlying_asset.symbol
        self.symbol = symbol
        self.strike = strike
        if multiplier is not None:
            self.multiplier = _checked_multiplier(multiplier)
        else:
            self.multiplier = 100 if asset_type == "option" else 1
        self.precision = precision
        self.underlying_asset = underlying_asset
        self.leverage = leverage if asset_type in ("future", "crypto_future") else 1
        self.expiration = None if expiration is None else _as_date(expiration)
        self.auto_expiry = auto_expiry
        self.asset_type = self.asset_type_must_be_one_of(asset_type)
        self.right = self.right_must_be_one_of(right)
        self._hash = hash(self._names())

    def _names(self) -> tuple[Any, ...]:
        """What tells the asset from others: auto_expiry only where it does."""
        rolls = self.asset_type == "future" and self.expiration is None
        auto_expiry = self.auto_expiry if rolls else None
        return (
            self.symbol,
            self.asset_type,
            self.expiration,
            self.strike,
            self.right,
            auto_expiry,
        )

    # ---- As a value ----------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Asset) or self._hash != other._hash:
            return False
        return self._names() == other._names()

    def __hash__(self) -> int:
        return self._hash

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Texts hash otherwise in another process."""
        self.__dict__.update(state)
        self._hash = hash(self._names())

    def __repr__(self) -> str:
        kind = self.asset_type
        if kind == "option":
            return f"{self.symbol} {self.expiration} {self.strike} {self.right}"
        if kind == "future":
            if self.expiration is not None:
                return f"{self.symbol} {self.expiration}"
            if self.auto_expiry:
                return f"{self.symbol} ({self.auto_expiry})"
        return f"{self.symbol}"

    # ---- Checks --------------------------------------------------------------------------------

    def asset_type_must_be_one_of(self, v: Any) -> Any:
        """v as an AssetType; None stays None.

        Raises:
            ValueError: no such type.
        """
        if v is None or isinstance(v, AssetType):
            return v
        v = v.lower()
        return _TYPE_ALIASES.get(v) or _member(AssetType, "asset_type", v)

    def right_must_be_one_of(self, v: Any) -> Any:
        """v as an OptionRight; None stays None.

        Raises:
            ValueError: neither "CALL" nor "PUT".
        """
        if v is None or isinstance(v, OptionRight):
            return v
        return _member(OptionRight, "right", v.upper())

    def is_valid(self) -> bool:
        """Whether all is there that an order needs."""
        if self.symbol is None or self.asset_type is None:
            return False
        if self.asset_type != "option":
            return True
        return None not in (self.expiration, self.strike, self.right)

    # ---- From and to other forms ---------------------------------------------------------------

    @classmethod
    def symbol2asset(cls, symbol: str) -> Asset:
        """The stock, or the option in the OCC's form, that a ticker names.

        Raises:
            ValueError: an empty symbol.
        """
        if not symbol:
            raise ValueError("Cannot convert an empty symbol to an Asset object.")
        found = parse_symbol(symbol)
        if found["type"] == "option":
            return Asset(
                found["stock_symbol"],
                AssetType.OPTION,
                expiration=found["expiration_date"],
                strike=found["strike_price"],
                right=found["option_type"],
            )
        return Asset(symbol if found["type"] == "stock" else None)

    def to_minimal_dict(self) -> dict[str, Any]:
        """symbol and type, and of options and futures what tells contracts apart."""
        kind = self.asset_type
        result: dict[str, Any] = {"symbol": self.symbol, "type": str(kind) if kind else "stock"}
        option = kind == "option"
        if option and self.strike:
            result["strike"] = float(self.strike)
        if (option or kind in _FUTURES) and self.expiration:
            known = hasattr(self.expiration, "isoformat")
            result["exp"] = self.expiration.isoformat() if known else str(self.expiration)
        if option and self.right:
            result["right"] = str(self.right)
        if option or (kind in _FUTURES and self.multiplier != 1):
            result["mult"] = self.multiplier
        return result

    def to_dict(self) -> dict[str, Any]:
        """All that names the asset; `from_dict` takes it back."""
        under = self.underlying_asset
        return {
            "symbol": self.symbol,
            "asset_type": self.asset_type,
            "expiration": self.expiration.strftime("%Y-%m-%d") if self.expiration else None,
            "strike": self.strike,
            "right": self.right,
            "multiplier": self.multiplier,
            "leverage": self.leverage,
            "precision": self.precision,
            "underlying_asset": under.to_dict() if under else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The asset of a `to_dict()`."""
        under, expiration = data["underlying_asset"], data["expiration"]
        return cls(
            symbol=data["symbol"],
            asset_type=data["asset_type"],
            expiration=datetime.strptime(expiration, "%Y-%m-%d").date() if expiration else None,
            strike=data["strike"],
            right=data["right"],
            multiplier=data["multiplier"],
            leverage=data.get("leverage", 1),
            precision=data["precision"],
            underlying_asset=cls.from_dict(under) if under else None,
        )

    # ---- Contracts of a future -----------------------------------------------------------------

    def resolve_continuous_futures_contract(
        self, reference_date: datetime | None = None, year_digits: int = 2
    ) -> str:
        """The contract a continuous future stands for at a date (now, unless given): "MESH24".

        Args:
            year_digits: 1, 2 or 4 digits of the year.

        Raises:
            ValueError: not a continuous future, or other year_digits.
        """
        variants = self.resolve_continuous_futures_contract_variants(reference_date)
        if year_digits not in (1, 2, 4):
            raise ValueError(f"year_digits is {year_digits}: a contract's year has 1, 2 or 4")
        contract: str = variants[year_digits]
        return contract

    def resolve_continuous_futures_contract_variants(
        self, reference_date: datetime | None = None
    ) -> dict[Any, Any]:
        """The same contract in all forms: {1, 2, 4: symbol, "base", "target_year", "target_month"}.

        Raises:
            ValueError: not a continuous future.
        """
        from millibar._rolls import contract_month

        self._must_be_continuous("resolve_continuous_futures_contract_variants()")
        year, month = contract_month(self.symbol, reference_date or datetime.now())
        base = f"{self.symbol}{MONTH_CODES[month - 1]}"
        variants: dict[Any, Any] = contract_variants(base, year)
        return variants | {"base": base, "target_year": year, "target_month": month}

    def get_potential_futures_contracts(self, reference_date: datetime | None = None) -> list[str]:
        """Symbols a continuous future may trade under at a date, the likeliest first.

        Raises:
            ValueError: not a continuous future.
        """
        from millibar._rolls import potential_contracts

        self._must_be_continuous("get_potential_futures_contracts()")
        now = reference_date or datetime.now()
        return potential_contracts(
            self.symbol, now, self.resolve_continuous_futures_contract(reference_date)
        )

    def _must_be_continuous(self, call: str) -> None:
        if self.asset_type != AssetType.CONT_FUTURE:
            raise ValueError(
                f"{call} can only be called on CONT_FUTURE assets, got {self.asset_type}"
            )

    def _get_third_friday(self, year: int, month: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def contract_variants(base: str, year: int) -> dict[int, str]:
    """A contract's symbol with 1, 2 and 4 digits of the year."""
    return {1: f"{base}{year % 10}", 2: f"{base}{year % 100:02d}", 4: f"{base}{year}"}


class AssetsMapping(UserDict[Any, Any]):
    """A dictionary by Asset that also finds by symbol."""

    def __init__(self, mapping: Mapping[Any, Any]) -> None:
        super().__init__(mapping)
        self._symbols_mapping = {asset.symbol: value for asset, value in mapping.items()}

    def __missing__(self, key: Any) -> Any:
        if isinstance(key, str) and key in self._symbols_mapping:
            return self._symbols_mapping[key]
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return key in (self._symbols_mapping if isinstance(key, str) else self.data)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[Asset(symbol=key) if isinstance(key, str) else key] = value


# ---- Costs -------------------------------------------------------------------------------------

# Typical initial margins, dollars a contract, as lumibot's backtesting broker holds them.
FUTURES_MARGINS: dict[str, int] = {
    "MES": 1300,
    "MNQ": 1700,
    "MYM": 1100,
    "M2K": 800,
    "MCL": 1500,
    "MGC": 1200,
    "ES": 13000,
    "NQ": 17000,
    "YM": 11000,
    "RTY": 8000,
    "CL": 8000,
    "GC": 10000,
    "SI": 14000,
    "NG": 3000,
    "HG": 4000,
    "6E": 2500,
    "6J": 3000,
    "6B": 2800,
    "6C": 2000,
    "ZB": 4000,
    "ZN": 2000,
    "ZF": 1500,
    "ZT": 800,
    "ZC": 2000,
    "ZS": 3000,
    "ZW": 2500,
    "ZL": 1500,
    "DEFAULT": 5000,
}
_unknown_margins: set[str] = set()


def futures_margin(asset: Asset) -> int:
    """Dollars a contract that the backtest holds while a future is held.

    By the symbol, else by its letters alone ("ES4" is ES), else 5,000 with a warning.
    """
    symbol = asset.symbol.upper()
    margin = FUTURES_MARGINS.get(symbol)
    if margin is None:
        margin = FUTURES_MARGINS.get("".join(c for c in symbol if c.isalpha()))
    if margin is not None:
        return margin
    margin = FUTURES_MARGINS["DEFAULT"]
    if symbol not in _unknown_margins:
        _unknown_margins.add(symbol)
        logger_of(__name__).warning(
            "Unknown futures contract %r. Using the default margin of $%.2f.", symbol, margin
        )
    return margin


class TradingFee:
    """What an order costs beside its price.

    Args:
        flat_fee: currency an order.
        percent_fee: share of price x quantity; 0.01 is one per cent.
        per_contract_fee: currency a unit of quantity.
        maker: charged on limit orders.
        taker: charged on market and stop orders.

        >>> TradingFee(flat_fee=0.5).flat_fee
        Decimal('0.5')
    """

    def __init__(
        self,
        flat_fee: Any = 0.0,
        percent_fee: Any = 0.0,
        per_contract_fee: Any = 0.0,
        maker: bool = True,
        taker: bool = True,
    ) -> None:
        self.flat_fee = Decimal(str(flat_fee))
        self.percent_fee = Decimal(str(percent_fee))
        self.per_contract_fee = Decimal(str(per_contract_fee))
        self.maker = maker
        self.taker = taker

    def __repr__(self) -> str:
        return (
            f"TradingFee(flat_fee={self.flat_fee}, percent_fee={self.percent_fee}, "
            f"per_contract_fee={self.per_contract_fee}, maker={self.maker}, taker={self.taker})"
        )


Fees = float | TradingFee | Iterable[TradingFee]
"""An amount an order, a fee, or several."""


def fees_of(fees: Fees) -> list[TradingFee]:
    """The TradingFees that are meant."""
    if isinstance(fees, (int, float)):
        return [TradingFee(flat_fee=fees)] if fees else []
    return [fees] if isinstance(fees, TradingFee) else list(fees)


def fee_rows(fees: Iterable[Any]) -> list[tuple[float, float, float, bool, bool]]:
    """TradingFees as the engine takes them: (flat, percent, per contract, maker, taker)."""
    return [
        (
            float(fee.flat_fee),
            float(fee.percent_fee),
            float(fee.per_contract_fee),
            bool(fee.maker),
            bool(fee.taker),
        )
        for fee in fees
    ]


class TradingSlippage:
    """How far from the price a SMART_LIMIT order fills, in currency; other orders take none."""

    def __init__(self, amount: Any = 0.0) -> None:
        self.amount = Decimal(amount)

    def to_dict(self) -> dict[str, float]:
        """{"amount": ...}."""
        return {"amount": float(self.amount)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Self | None:
        """The slippage of a `to_dict()`; None for None."""
        return None if data is None else cls(amount=data.get("amount", 0.0))

    def __repr__(self) -> str:
        return f"TradingSlippage(amount={self.amount})"


class Quote:
    """What an asset is bid and asked at.

    Fields that are not known are None. `mid_price` is what was given, else halfway between bid and
    ask, else the price. `quote["bid"]` reads a field, or an entry of raw_data. Further keywords
    become attributes.
    """

    def __init__(
        self,
        asset: Asset,
        price: float | None = None,
        bid: float | None = None,
        ask: float | None = None,
        volume: float | None = None,
        timestamp: datetime | None = None,
        bid_size: float | None = None,
        ask_size: float | None = None,
        change: float | None = None,
        percent_change: float | None = None,
        quote_time: datetime | None = None,
        bid_time: datetime | None = None,
        ask_time: datetime | None = None,
        raw_data: dict[str, Any] | None = None,
        mid_price: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.asset = asset
        self.price = price
        self.bid = bid
        self.ask = ask
        self.volume = volume
        self.timestamp = timestamp or datetime.now(timezone.utc)
        self.bid_size = bid_size
        self.ask_size = ask_size
        self.change = change
        self.percent_change = percent_change
        self.quote_time = quote_time
        self.bid_time = bid_time
        self.ask_time = ask_time
        self.raw_data = raw_data
        if mid_price is None and bid is not None and ask is not None:
            mid_price = (bid + ask) / 2
        self._mid_price = mid_price
        self.__dict__.update(kwargs)

    @property
    def mid_price(self) -> float | None:
        """Halfway between bid and ask; the price where one of them is not known."""
        if self._mid_price is not None:
            return self._mid_price
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.price

    def __getitem__(self, key: str) -> Any:
        if hasattr(self, key):
            return getattr(self, key)
        if self.raw_data and key in self.raw_data:
            return self.raw_data[key]
        raise KeyError(f"{key!r} is neither a field of the quote nor in its raw_data")

    def __repr__(self) -> str:
        return (
            f"Quote(asset={self.asset}, price={self.price}, bid={self.bid}, ask={self.ask}, "
            f"volume={self.volume}, timestamp={self.timestamp})"
        )
