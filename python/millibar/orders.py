"""Orders and positions: what a strategy asks for, and what it then holds.

`Order` is made by a strategy and handed to the engine; `Position` is what the engine holds for it.
Both are values of their own until they are attached to a run, and windows on it afterwards.
"""

from __future__ import annotations

from millibar._order import Order
from millibar._order_names import BUY, SELL, STATUS_ALIAS_MAP, VALID_STATUS
from millibar._position import Position

__all__ = ["BUY", "SELL", "STATUS_ALIAS_MAP", "VALID_STATUS", "Order", "Position"]
