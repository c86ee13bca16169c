"""What a strategy asks of its account: cash, value, and money put in or taken out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millibar.broker import BacktestingBroker


def _positive(amount: Any) -> float:
    value = float(amount)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("amount must be a finite positive number")
    return value


class MoneyMethods:
    """cash, portfolio_value, adjust_cash and their relatives."""

    broker: BacktestingBroker
    _initial_budget: Any
    _start_cash: Any
    _told_value: tuple[int | None, float] | None = None  # rows so far, and a value set then

    @property
    def cash(self) -> float:
        """Cash now."""
        engine = self.broker.engine
        return float(self._start_cash) if engine is None else engine.cash

    @property
    def unspent_money(self) -> float:
        """As `cash`."""
        return self.cash

    @property
    def portfolio_value(self) -> float:
        """Cash and holdings, as of the last mark to market: before each lifecycle method and after
        each iteration. A value that is set is read until the row of this iteration or method is
        noted, in which it does not stand."""
        engine = self.broker.engine
        if self._told_value is not None:
            n_rows, value = self._told_value
            if n_rows == (None if engine is None else engine.n_rows):
                return value
        return float(self._initial_budget) if engine is None else engine.value

    @portfolio_value.setter
    def portfolio_value(self, value: float) -> None:
        engine = self.broker.engine
        self._told_value = None if engine is None else engine.n_rows, value

    def get_cash(self) -> float:
        """As `cash`."""
        return self.cash

    def get_portfolio_value(self) -> float:
        """As `portfolio_value`."""
        return self.portfolio_value

    def adjust_cash(
        self, amount: float, reason: str = "manual_adjustment", allow_negative: bool | None = None
    ) -> float:
        """Adds to cash, or takes from it; what it is then. Returns leave it out.

        Raises:
            ValueError: an amount that is not finite, or that allow_negative=False forbids.
        """
        return self._move_cash("adjustment", amount, reason, allow_negative)

    def deposit_cash(self, amount: float, reason: str = "deposit") -> float:
        """Adds to cash; what it is then.

        Raises:
            ValueError: an amount that is not finite and above 0.
        """
        return self._move_cash("deposit", _positive(amount), reason, True)

    def withdraw_cash(
        self, amount: float, reason: str = "withdrawal", allow_negative: bool | None = None
    ) -> float:
        """Takes from cash; what it is then.

        Raises:
            ValueError: an amount that is not finite and above 0, or that allow_negative=False
                forbids.
        """
        return self._move_cash("withdrawal", -_positive(amount), reason, allow_negative)

    def _move_cash(
        self, kind: str, amount: float, reason: str, allow_negative: bool | None
    ) -> float:
        engine = self.broker.running("adjust_cash")
        try:
            cash = engine.cash + float(amount)
        except (TypeError, ValueError):
            cash = math.nan
        if not math.isfinite(cash):
            raise ValueError("delta_cash must be a finite number")
        if allow_negative is False and cash < 0:
            raise ValueError(f"Cash adjustment '{reason}' would create negative cash ({cash:.2f})")
        engine.cash = cash
        self.broker.flows.note(engine, kind, float(amount), reason)
        return engine.cash

    def _set_cash_position(self, cash: Any) -> None:
        """Makes cash what is given, as lumibot's method of this name: what it adds or takes is gain
        or loss, where that of `adjust_cash()` is not."""
        engine = self.broker.engine
        if engine is not None:
            engine.cash = float(cash)
        else:
            self._start_cash = cash
            self.broker._start_with(cash)
