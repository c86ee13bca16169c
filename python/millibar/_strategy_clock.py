"""What a strategy asks of the clock, and how it lets time pass."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from millibar import _clock

if TYPE_CHECKING:
    from millibar.broker import BacktestingBroker

_MINUTE_NS = 60_000_000_000


class ClockMethods:
    """get_datetime and its relatives, sleep, await_market_to_*."""

    broker: BacktestingBroker
    _minutes_before_opening: Any
    _minutes_before_closing: Any

    def get_datetime(self, adjust_for_delay: bool = False) -> datetime:
        """Now, in the zone of the backtest's start (New York unless that said otherwise)."""
        return self.broker.data_source.get_datetime()

    def get_timestamp(self) -> float:
        """Now, in seconds since 1970 UTC."""
        return self.get_datetime().timestamp()

    def get_round_minute(self, timeshift: int = 0) -> datetime:
        """The minute now falls in, less `timeshift` minutes."""
        now = self.get_datetime().replace(second=0, microsecond=0)
        return now - timedelta(minutes=timeshift)

    def get_last_minute(self) -> datetime:
        """The minute before the one now falls in."""
        return self.get_round_minute(timeshift=1)

    def get_round_day(self, timeshift: int = 0) -> datetime:
        """The day now falls in, less `timeshift` days."""
        now = self.get_datetime().replace(hour=0, minute=0, second=0, microsecond=0)
        return now - timedelta(days=timeshift)

    def get_last_day(self) -> datetime:
        """The day before the one now falls in."""
        return self.get_round_day(timeshift=1)

    def get_datetime_range(
        self, length: int, timestep: str = "minute", timeshift: timedelta | None = None
    ) -> tuple[datetime, datetime]:
        """(start, end) of the `length` minutes or days before now."""
        if timestep == "minute":
            span, end = length * timedelta(minutes=1), self.get_last_minute()
        else:
            span, end = length * timedelta(days=1), self.get_last_day()
        if timeshift:
            end -= timeshift
        return end - span, end

    def localize_datetime(self, dt: datetime) -> datetime:
        """dt in the run's zone; one without a zone is that zone's wall clock."""
        zone = self.broker.data_source.tzinfo
        if dt.tzinfo is not None and dt.utcoffset() is not None:
            return dt.astimezone(zone)
        return _clock.localize(zone, dt)

    def to_default_timezone(self, dt: datetime) -> datetime:
        """dt in the run's zone."""
        return dt.astimezone(self.broker.data_source.tzinfo)

    @property
    def timezone(self) -> str:
        """Name of the default zone."""
        return _clock.NEW_YORK

    @property
    def pytz(self) -> Any:
        """The default zone."""
        return _clock.zone_of(_clock.NEW_YORK)

    # ---- Letting time pass ---------------------------------------------------------------------

    def sleep(self, sleeptime: float, process_pending_orders: bool = True) -> None:
        """Lets that many seconds of the backtest pass; waiting orders are looked at before and
        after, and what became of them is told.

        Raises:
            InvalidError: outside a run, below 0, or long after its end.
        """
        del process_pending_orders
        self.broker.sleep(int(float(sleeptime) * 1e9))

    def await_market_to_open(self, timedelta: float | None = None) -> None:
        """Lets time pass until that many minutes before the market opens; not past an open one."""
        minutes = self._minutes_before_opening if timedelta is None else timedelta
        self.broker.wait_for_open(int(minutes * _MINUTE_NS))

    def await_market_to_close(self, timedelta: float | None = None) -> None:
        """Lets time pass until that many minutes before the market closes."""
        minutes = self._minutes_before_closing if timedelta is None else timedelta
        self.broker.wait_for_close(int(minutes * _MINUTE_NS))

    def wait_for_order_registration(self, order: Any) -> None:
        """Returns: a submitted order is in the book at once."""
        order.wait_to_be_registered()

    def wait_for_order_execution(self, order: Any) -> None:
        """Returns for an order that is closed.

        Raises:
            InvalidError: an open one: time stands still while a backtest waits.
        """
        order.wait_to_be_closed()

    def wait_for_orders_registration(self, orders: list[Any]) -> None:
        """As `wait_for_order_registration`, for each."""
        for order in orders:
            self.wait_for_order_registration(order)

    def wait_for_orders_execution(self, orders: list[Any]) -> None:
        """As `wait_for_order_execution`, for each."""
        for order in orders:
            self.wait_for_order_execution(order)

    def register_cron_callback(self, cron_schedule: str, callback_function: Any) -> str:
        """Does nothing in a backtest, as in lumibot; an identifier."""
        del cron_schedule
        return f"cron_callback_{id(callback_function):x}"
