"""What orders and positions ask of the engine they are attached to: `_core.Engine` is one."""

from __future__ import annotations

from typing import Protocol


class OrderRecord(Protocol):
    """What an engine says of an order: the fields of mbar_order; NaN where there is no price."""

    @property
    def status(self) -> int:
        """An mbar_order_status."""

    @property
    def triggered(self) -> bool: ...
    @property
    def trail_stop(self) -> float: ...
    @property
    def filled(self) -> float: ...
    @property
    def fill_price(self) -> float: ...
    @property
    def fees(self) -> float: ...


class PositionRecord(Protocol):
    """What an engine says of a position: the fields of mbar_position."""

    @property
    def quantity(self) -> float: ...
    @property
    def avg_price(self) -> float: ...


class Engine(Protocol):
    """What orders and positions ask of the engine they are attached to (`_core.Engine`)."""

    def order(self, id: int, /) -> OrderRecord:
        """As the order stands now."""

    def position(self, asset: int, /) -> PositionRecord:
        """As the position stands now."""

    def modify(
        self,
        id: int,
        limit_price: float | None = None,
        stop_price: float | None = None,
        quantity: float | None = None,
    ) -> None:
        """Changes what is not None."""
