"""Position: what a strategy holds of one asset.

A Position that the engine keeps is attached to it (`_attach`): quantity and average price are then
read from there at each look, and cannot be set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from millibar import _order_names as names
from millibar._log import logger_of
from millibar._order import Order
from millibar.assets import Asset
from millibar.errors import InvalidError

if TYPE_CHECKING:
    from typing_extensions import Self

    from millibar._live import Engine

__all__ = ["Position"]

logger = logger_of(__name__)

# Attributes that a position has only where somebody set them, and how to_dict() shows them.
_POSITION_EXTRAS: dict[str, Any] = {
    **dict.fromkeys(("current_price", "market_value", "pnl", "pnl_percent"), float),
    **dict.fromkeys(("asset_type", "exchange", "currency", "multiplier"), None),
    "expiration": str,
    "strike": float,
    "option_type": None,
    "underlying_symbol": None,
}


class Position:
    """What a strategy holds of one asset.

    Args:
        strategy: name of the strategy.
        asset: what is held.
        quantity: signed units.
        orders: the orders that made it.
        hold, available: of a crypto: units that are and are not bound by orders.
        avg_fill_price: average price of the open units.

    Raises:
        ValueError: orders that are not a list of Order.
    """

    PositionSide = names.PositionSide

    _engine: Engine | None = None
    _asset_id: int = -1
    _raw: Any = None

    def __init__(
        self,
        strategy: Any,
        asset: Any,
        quantity: Any,
        orders: list[Order] | None = None,
        hold: Any = 0,
        available: Any = 0,
        avg_fill_price: Any = None,
        position_side: Any = None,
        position_id: Any = None,
    ) -> None:
        if orders is not None and not isinstance(orders, list):
            raise ValueError(f"orders must be a list of orders, not {type(orders)}")
        for order in orders or ():
            if not isinstance(order, Order):
                raise ValueError(f"orders must be a list of Order, not of {type(order)}")
        self.strategy = strategy
        self.asset = asset
        self.symbol = asset.symbol
        self.orders: list[Order] = [] if orders is None else orders
        self._own_price = avg_fill_price
        self.position_side = None if position_side is None else str(position_side).lower()
        self.position_id = position_id
        self._quantity = Decimal(quantity)
        self.hold = hold
        self.available = available

    def _attach(self, engine: Engine, asset_id: int) -> None:
        """From now on quantity and average price are what the engine holds of that asset."""
        self._engine = engine
        self._asset_id = asset_id

    def _detach(self) -> None:
        """It is flat, and stays so: what is bought of the asset later is another position."""
        self._engine = None
        self._quantity = Decimal(0)
        self._own_price = None

    @property
    def quantity(self) -> float:
        """Signed units. What is below a millionth of a unit is nothing, but for crypto."""
        engine = self._engine
        units = float(self._quantity) if engine is None else engine.quantity(self._asset_id)
        if abs(units) < 0.000001 and self.asset.asset_type not in ("crypto", "crypto_future"):
            return 0.0
        return units

    @quantity.setter
    def quantity(self, value: Any) -> None:
        if self._engine is not None:
            raise InvalidError(
                f"the position in {self.asset} is the engine's: an order changes it, not a setting"
            )
        self._quantity = Decimal(value)

    @property
    def avg_fill_price(self) -> Any:
        """Average price of the open units; None when flat, or not known."""
        if self._engine is None:
            return self._own_price
        price = self._engine.position(self._asset_id).avg_price
        return None if math.isnan(price) else price

    @avg_fill_price.setter
    def avg_fill_price(self, value: Any) -> None:
        self._own_price = value

    @property
    def hold(self) -> Any:
        """Units bound by orders; 0 unless crypto."""
        return self._hold

    @hold.setter
    def hold(self, value: Any) -> None:
        self._hold = self.value_type(value)

    @property
    def available(self) -> Any:
        """Units not bound by orders; 0 unless crypto."""
        return self._available

    @available.setter
    def available(self, value: Any) -> None:
        self._available = self.value_type(value)

    def value_type(self, value: Any) -> Any:
        """An amount of crypto as a Decimal; 0 for other assets."""
        if self.asset.asset_type != "crypto":
            return 0
        return None if value is None else Decimal(str(value))

    def __getstate__(self) -> dict[str, Any]:
        """Copies keep what the engine said, and hear no more of it."""
        state = dict(self.__dict__)
        if self._engine is not None:
            state["_quantity"] = Decimal(self.quantity)
            state["_own_price"] = self.avg_fill_price
        for name in ("_engine", "_asset_id"):
            state.pop(name, None)
        return state

    def __repr__(self) -> str:
        return (
            f"{self.strategy} Position: {self.quantity} shares of {self.asset} "
            f"({len(self.orders)} orders)"
        )

    def get_selling_order(self, quote_asset: Any = None) -> Order | None:
        """A market order that closes it; None, with a warning, for a crypto future."""
        kind = getattr(self.asset, "asset_type", None)
        if kind == "crypto_future":
            logger.warning(
                "get_selling_order is not supported for crypto futures. Use close_position instead."
            )
            return None
        side = "buy" if self.quantity < 0 else "sell"
        if kind == "option":
            side += "_to_close"
        return Order(self.strategy, self.asset, abs(self.quantity), side, quote=quote_asset)

    def add_order(self, order: Order, quantity: Any = Decimal(0)) -> None:
        """Notes an order, and of a position that no engine knows, the units it added."""
        if self._engine is None:
            units = Decimal(quantity)
            self._quantity += -units if order.is_sell_order() else units
        if order not in self.orders:
            self.orders.append(order)

    # ---- From and to other forms ---------------------------------------------------------------

    def to_minimal_dict(self) -> dict[str, Any]:
        """What a line of a log shows of it."""
        result: dict[str, Any] = {
            "asset": self.asset.to_minimal_dict() if self.asset else {"symbol": str(self.symbol)},
            "qty": self.quantity if self.quantity else 0,
            "val": round(_float_or_zero(getattr(self, "market_value", None)), 2),
            "pnl": round(_float_or_zero(getattr(self, "pnl", None)), 2),
        }
        return result | self._sides()

    def _sides(self) -> dict[str, Any]:
        sides = {"position_side": self.position_side, "position_id": self.position_id}
        return {key: value for key, value in sides.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """The fields that name and value it, and its orders; `from_dict` takes them back."""
        price = self.avg_fill_price
        result: dict[str, Any] = {
            "strategy": self.strategy,
            "asset": self.asset.to_dict() if self.asset else None,
            "symbol": self.symbol,
            "quantity": float(self.quantity),
            "orders": [order.to_dict() for order in self.orders],
            "hold": self.hold,
            "available": float(self.available) if self.available else None,
            "avg_fill_price": float(price) if price else None,
            **self._sides(),
        }
        for name, convert in _POSITION_EXTRAS.items():
            if hasattr(self, name):
                value = getattr(self, name)
                result[name] = value if convert is None else (convert(value) if value else None)
        return result

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The position of a `to_dict()`."""
        amounts = {
            name: None if data.get(name) is None else Decimal(str(data[name]))
            for name in ("hold", "available", "avg_fill_price")
        }
        return cls(
            strategy=data["strategy"],
            asset=Asset.from_dict(data["asset"]),
            quantity=Decimal(data["quantity"]),
            orders=[Order.from_dict(order) for order in data["orders"]],
            position_side=data.get("position_side"),
            position_id=data.get("position_id"),
            **amounts,
        )


def _float_or_zero(value: Any) -> float:
    try:
        return 0.0 if value is None else float(value)
    except (TypeError, ValueError):
        return 0.0
