"""What of lumibot's Strategy the engine does not do: each call says so and names the way round."""

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
    "nothing is sent anywhere": (
        "send_discord_message send_account_summary_to_discord backup_variables_to_db"
        " load_variables_from_db send_update_to_cloud"
    ),
    "cash earns and costs no interest": "configure_cash_financing set_cash_financing_rates",
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


class MissingMethods:
    """The calls that only lumibot has."""

    def __getattr__(self, name: str) -> Any:
        """Only attributes that are not there come here."""
        why = _ATTRIBUTES.get(name)
        if why is not None:
            unsupported(f"Strategy.{name}", why)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


for _why, _names in _WHY.items():
    for _name in _names.split():
        setattr(MissingMethods, _name, _refusing(_name, _why))
