"""What of lumibot's Strategy the engine does not do: each call says so and names the way round.

A call that does nothing in a backtest of lumibot's does nothing here.
"""

from __future__ import annotations

from typing import Any, NoReturn

from millibar.errors import UnsupportedError

_WHY = {
    "options are not simulated": (
        "get_chains get_chain get_chain_full_info get_expiration get_multiplier get_strikes"
        " get_greeks find_first_friday get_option_expiration_after_date"
        " options_expiry_to_datetime_date"
    ),
    "it trades on past bars alone": (
        "run_live start_realtime_bars get_realtime_bars cancel_realtime_bars get_tick"
        " get_historical_bot_stats get_next_trading_day"
    ),
    "nothing is sent anywhere": "send_update_to_cloud",
    "cash earns and costs no interest": "configure_cash_financing set_cash_financing_rates",
}
# And what they return.
_SILENT = {
    "send_discord_message": None,
    "send_account_summary_to_discord": None,
    "send_email": None,
    "send_slack_message": None,
    "notify": None,
    "backup_variables_to_db": None,
    "load_variables_from_db": None,
    "update_broker_balances": True,
}
_ATTRIBUTES = {
    "agents": "there are no AI agents",
    "indicators": "use bars.sma(n), or self.indicator(...) in initialize",
    "fundamentals": "there is no data but bars",
    "macro": "there is no data but bars",
    "notifications": "nothing is sent anywhere",
    "memory": "there are no AI agents",
}


def unsupported(call: str, why: str) -> NoReturn:
    """Raises the error of a call that only lumibot itself has.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(
        f"{call} is not part of millibar's engine: {why}. To run the same file inside lumibot: "
        "millibar run --engine lumibot FILE"
    )


def _refusing(name: str, why: str) -> Any:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        del self, args, kwargs
        unsupported(f"Strategy.{name}()", why)

    refuse.__name__ = name
    refuse.__qualname__ = f"Strategy.{name}"
    refuse.__doc__ = f"Raises UnsupportedError: {why}."
    return refuse


def _silent(name: str, answer: Any) -> Any:
    def do_nothing(self: Any, *args: Any, **kwargs: Any) -> Any:
        del self, args, kwargs
        return answer

    do_nothing.__name__ = name
    do_nothing.__qualname__ = f"Strategy.{name}"
    do_nothing.__doc__ = f"Does nothing in a backtest; {answer}."
    return do_nothing


class _Refused:
    """An attribute that only lumibot has, until the strategy sets one of that name itself."""

    def __init__(self, name: str, why: str) -> None:
        self._name = name
        self._why = why

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        unsupported(f"Strategy.{self._name}", self._why)


class MissingMethods:
    """The calls that only lumibot has, and those that a backtest has no use for.

    Not by `__getattr__`: a class that has one finds its other attributes more slowly too.
    """


for _name, _answer in _SILENT.items():
    setattr(MissingMethods, _name, _silent(_name, _answer))
for _name, _why in _ATTRIBUTES.items():
    setattr(MissingMethods, _name, _Refused(_name, _why))
for _why, _names in _WHY.items():
    for _name in _names.split():
        setattr(MissingMethods, _name, _refusing(_name, _why))
