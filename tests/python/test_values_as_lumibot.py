"""Assets, orders, positions, Data and Bars beside lumibot's own, on the same chance arguments."""

from __future__ import annotations

import itertools
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import lumibot_support as support  # sets lumibot's environment; skips without it
import numpy as np
import pandas as pd
import polars as pl
import pytest
from bits import difference
from lumibot import entities as theirs
from lumibot.backtesting.backtesting_broker import (
    TYPICAL_FUTURES_MARGINS,
    get_futures_margin_requirement,
)
from lumibot.entities import order as their_order
from lumibot.entities.data import Data as TheirData
from lumibot.tools import futures_roll, helpers, symbol_normalization

from millibar import _rolls, _timesteps, data, orders, smart_limit
from millibar import assets as ours
from millibar._order_names import pair_symbol

ORDER_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "side": ("buy", "sell", "sell_short", "buy_to_cover", "sell_to_close", None, "hold", "BUY"),
    "limit_price": (None, None, 101.5, "101.5", Decimal("99.25"), "dear", -3.0),
    "stop_price": (None, None, 98.0, np.float64(98.5)),
    "stop_limit_price": (None, None, None, 97.0, 0.0),
    "trail_price": (None, None, None, 1.5),
    "trail_percent": (None, None, None, 0.02),
    "secondary_limit_price": (None, 110.0),
    "secondary_stop_price": (None, 90.0),
    "secondary_stop_limit_price": (None, None, 89.0),
    "secondary_trail_price": (None, None, None, 2.0),
    "secondary_trail_percent": (None, None, None, 0.1),
    "take_profit_price": (None, None, None, 120.0),
    "stop_loss_price": (None, None, None, 80.0),
    "stop_loss_limit_price": (None, None, None, None, 79.0),
    "time_in_force": ("day", "gtc", "ioc"),
    "order_type": (None, None, None, "limit", "stop_limit", "oco", "smart_limit", "sideways"),
    "type": (None, None, None, None, "market", "bracket"),
    "order_class": ("simple", "simple", "bracket", "oco", "oto", None, "multileg", "both"),
    "tag": ("", "mine"),
    "avg_fill_price": (None, None, 100.25),
    "status": ("unprocessed", "filled", "open", "Cancelled", "held"),
    "custom_params": (None, None, {"leverage": 3}),
    "trade_cost": (None, 1.5),
    "position_side": (None, "LONG"),
}
QUESTIONS = (
    *("is_buy_order", "is_sell_order", "is_stop_order", "is_advanced_order", "is_parent"),
    *("is_option", "is_filled", "is_canceled", "is_active", "get_fill_price", "was_transmitted"),
    *("get_increment", "get_current_trail_stop_price", "to_minimal_dict", "__repr__"),
)


def outcome(call: Any) -> Any:
    """What a call gives, or the class of what it raises."""
    try:
        return call()
    except Exception as error:
        return type(error)


def asset_pair(rng: random.Random) -> tuple[Any, Any]:
    """The same asset of both kinds."""
    kind = rng.choice(["stock", "crypto", "future", "cont_future", "forex", "option", "index"])
    named: dict[str, Any] = {"symbol": rng.choice(["SPY", "btc", "MES", "BTC-USD", "ETHUSDT"])}
    if kind in ("future", "option"):
        named["expiration"] = rng.choice([None, date(2024, 3, 15), "2024-03-15", "03/15/2024"])
    if kind == "option":
        named |= {"strike": rng.choice([100, 100.5]), "right": rng.choice(["CALL", "put"])}
    if rng.random() < 0.4:
        named["multiplier"] = rng.choice([5, 2.5, "10", 0, -1, float("nan"), "x"])
    if rng.random() < 0.3:
        named |= {"leverage": 4, "precision": "0.01"}
    if rng.random() < 0.3:
        named["auto_expiry"] = rng.choice(["front_month", "auto"])
    return (
        outcome(lambda: theirs.Asset(asset_type=kind, **named)),
        outcome(lambda: ours.Asset(asset_type=kind, **named)),
    )


def alike(one: Any, other: Any) -> bool:
    """Equal as plain values, whatever class each comes from."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, type) or isinstance(other, type):
        return one is other
    return repr(one) == repr(other)


def order_fields(order: Any) -> dict[str, Any]:
    """The attributes of lumibot's order, and those of ours by the same names."""
    children = order.child_orders
    public = [name for name in vars(theirs_sample()) if not name.startswith("_")]
    names = [*public, "quantity", "status", "avg_fill_price", "pair"]
    hidden = {"child_orders", "dependent_order", "rep_asset", "parent_identifier"}
    found = {name: getattr(order, name, None) for name in names if name not in hidden}
    for name in ("secondary_limit_price", "secondary_stop_price", "secondary_trail_price"):
        found[name] = getattr(order, name, None)
    depends = [
        next((i for i, c in enumerate(children) if c is child.dependent_order), None)
        for child in children
    ]
    return found | {"depends": depends, "children": [order_fields(c) for c in children]}


def theirs_sample() -> Any:
    return theirs.Order("", theirs.Asset("SPY"), 1, "buy")


def both_orders(rng: random.Random, their_asset: Any, our_asset: Any) -> tuple[Any, Any, Any]:
    """The arguments of an order, and what making it of both kinds gives."""
    chosen = {name: rng.choice(values) for name, values in ORDER_ARGUMENTS.items()}
    given = {name: chosen[name] for name in rng.sample(sorted(chosen), rng.randrange(1, 10))}
    quantity = rng.choice([1, 2.5, Decimal("3"), 10])
    usd = theirs.Asset("USD", "forex"), ours.Asset("USD", "forex")
    return (
        given,
        outcome(lambda: theirs.Order("s", their_asset, quantity, quote=usd[0], **given)),
        outcome(lambda: orders.Order("s", our_asset, quantity, quote=usd[1], **given)),
    )


@pytest.mark.parametrize("seed", range(60))
def test_orders_of_chance_arguments(seed: int) -> None:
    rng = random.Random(seed)
    n_made = 0
    for _ in range(60):
        pair = asset_pair(rng)
        if isinstance(pair[0], type):
            assert pair[0] is pair[1]
            continue
        given, other, mine = both_orders(rng, *pair)
        if isinstance(other, type):
            assert other is mine, given
            continue
        n_made += 1
        assert not isinstance(mine, type), (given, mine)
        assert alike(order_fields(other), order_fields(mine)), given
        for question in QUESTIONS:
            answers = [outcome(getattr(order, question)) for order in (other, mine)]
            assert alike(*answers), (question, given, answers)
    assert n_made > 10


def test_every_pair_of_statuses() -> None:
    words = [*their_order.VALID_STATUS, *their_order.STATUS_ALIAS_MAP, "", None, "odd", "ca"]
    assert their_order.VALID_STATUS == orders.VALID_STATUS
    assert their_order.STATUS_ALIAS_MAP == orders.STATUS_ALIAS_MAP
    mine, other = orders.Order("s"), theirs.Order("s")
    for one, two in itertools.product(words, words):
        expected = theirs.Order.is_equivalent_status(one, two)
        assert orders.Order.is_equivalent_status(one, two) == expected, (one, two)
        mine.status = other.status = one or "new"
        assert mine.status == other.status
        assert mine.equivalent_status(two) == other.equivalent_status(two), (one, two)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("trail", [{"trail_price": 2.0}, {"trail_percent": Decimal("0.01")}])
def test_trailing_stops_move_alike(side: str, trail: dict[str, Any]) -> None:
    mine = orders.Order("s", ours.Asset("SPY"), 1, side, **trail)
    other = theirs.Order("s", theirs.Asset("SPY"), 1, side, **trail)
    rng = np.random.default_rng(3)
    for price in (100 + np.cumsum(rng.normal(size=200))).tolist():
        mine.update_trail_stop_price(price)
        other.update_trail_stop_price(price)
        assert mine.get_current_trail_stop_price() == other.get_current_trail_stop_price()


def test_positions_add_up_alike() -> None:
    rng = random.Random(5)
    for kind in ("stock", "crypto", "option", "crypto_future"):
        mine = orders.Position("s", ours.Asset("A", kind), Decimal("1.5"), hold="0.1", available=2)
        other = theirs.Position("s", theirs.Asset("A", kind), Decimal("1.5"), None, "0.1", 2)
        for _ in range(50):
            side, units = rng.choice(["buy", "sell", "sell_short"]), rng.choice([1, 0.1, 2.5])
            usd = ours.Asset("USD", "forex"), theirs.Asset("USD", "forex")
            exact = Decimal(str(units))
            mine.add_order(orders.Order("s", mine.asset, units, side, quote=usd[0]), exact)
            other.add_order(theirs.Order("s", other.asset, units, side, quote=usd[1]), exact)
            assert mine.quantity == other.quantity
            assert (mine.hold, mine.available) == (other.hold, other.available)
        mine.orders, other.orders = [], []
        mine.pnl, other.pnl = 3, 3  # type: ignore[attr-defined]
        assert mine.to_dict() == other.to_dict()
        assert mine.to_minimal_dict() == other.to_minimal_dict()
        assert repr(mine) == repr(other)
        assert repr(mine.get_selling_order(usd[0])) == repr(other.get_selling_order(usd[1]))


@pytest.mark.parametrize("seed", range(20))
def test_assets_of_chance_arguments(seed: int) -> None:
    rng = random.Random(seed)
    known: list[tuple[Any, Any]] = []
    for _ in range(100):
        their_asset, our_asset = asset_pair(rng)
        if isinstance(their_asset, type):
            assert their_asset is our_asset
            continue
        for call in ("__repr__", "to_dict", "to_minimal_dict", "is_valid"):
            assert alike(getattr(their_asset, call)(), getattr(our_asset, call)()), call
        back = ours.Asset.from_dict(our_asset.to_dict())
        assert back.to_dict() == our_asset.to_dict()
        known.append((their_asset, our_asset))
    for (their_a, our_a), (their_b, our_b) in itertools.product(known[:40], known[:40]):
        assert (their_a == their_b) == (our_a == our_b)
        assert our_a != our_b or hash(our_a) == hash(our_b)


def test_margins_and_contracts() -> None:
    assert ours.FUTURES_MARGINS == TYPICAL_FUTURES_MARGINS
    for symbol in ("MES", "mesh4", "ES4", "ESH4", "6E", "6EH4", "XYZ"):
        assert ours.futures_margin(ours.Asset(symbol)) == get_futures_margin_requirement(
            theirs.Asset(symbol)
        )
    rng = random.Random(8)
    for root in (*futures_roll.ROLL_RULES, "RTY", "ZB"):
        assert root in _rolls.RULES or root in ("RTY", "ZB")
        for _ in range(40):
            moment = datetime(2012, 1, 1, 12) + timedelta(days=rng.randrange(8000))
            expected = futures_roll.determine_contract_year_month(root, moment)
            assert _rolls.contract_month(root, moment) == expected, (root, moment)
        mine, other = ours.Asset(root, "cont_future"), theirs.Asset(root, "cont_future")
        for call in (
            "resolve_continuous_futures_contract_variants",
            "get_potential_futures_contracts",
        ):
            assert getattr(mine, call)(moment) == getattr(other, call)(moment)


def test_symbols_and_timesteps() -> None:
    for text in ("AAPL240119C00150000", "aapl", "", None, "AAPL241301P00000500", "SPY 1", "A1B"):
        assert ours.parse_symbol(text) == helpers.parse_symbol(text)
    for base in ("BTC", "BTC-USD", "BTC/USD", "ETHUSDT", "USDT", "BTC/USD:USD", "SOL:EUR"):
        for quote in ("USD", "USDT", "EUR", None):
            expected = symbol_normalization.build_ccxt_crypto_symbol(base, quote)
            assert pair_symbol(base, quote) == expected, (base, quote)
    for text in (
        "5Min",
        "5 min",
        "15 minutes",
        "1D",
        "day",
        "2H",
        "30S",
        "3 fortnights",
        "m",
        "0m",
    ):
        assert _timesteps.parse_timestep(text) == helpers.parse_timestep_qty_and_unit(text)
        assert _timesteps.canonicalize_timestep(text) == helpers.canonicalize_timestep(text)


def test_fees_slippage_quotes_and_smart_limits() -> None:
    fees = [kind(1.1, "0.01", 0.65, maker=False) for kind in (ours.TradingFee, theirs.TradingFee)]
    assert vars(fees[0]) == vars(fees[1])
    given = {"preset": "fast", "slippage": 0.05, "step_seconds": 2}
    settings = [kind(**given) for kind in (smart_limit.SmartLimitConfig, theirs.SmartLimitConfig)]
    assert settings[0].to_dict() == settings[1].to_dict()
    for call in ("get_step_count", "get_step_seconds", "get_final_hold_seconds"):
        assert getattr(settings[0], call)() == getattr(settings[1], call)()
    for more in (
        {"bid": 1.0, "ask": 2.0},
        {"bid": 1.0},
        {"price": 3.0},
        {"mid_price": 5},
        {"x": 1},
    ):
        quotes = [kind(None, volume=4, **more) for kind in (ours.Quote, theirs.Quote)]
        assert quotes[0].mid_price == quotes[1].mid_price
        assert quotes[0]["volume"] == quotes[1]["volume"] == 4


# ---- Data and Bars ---------------------------------------------------------------------------


def both_data(frame: Any, step: str = "minute", **more: Any) -> tuple[Any, Any]:
    mine = data.Data(ours.Asset("SPY"), frame.copy(), timestep=step, **more)
    other = TheirData(theirs.Asset("SPY"), frame.copy(), timestep=step, **more)
    for side in (mine, other):
        side.repair_times_and_fill(side.df.index)
    return mine, other


FRAMES = {
    "minutes": (support.minutes(), "minute"),
    "with_quotes": (support.minutes(3).assign(bid=4699.0, ask=lambda f: f.close), "minute"),
    "with_gaps_in_prices": (
        support.minutes(4).assign(low=lambda f: f.low.where(f.low % 3 != 0)),
        "minute",
    ),
    "days": (support.days(), "day"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_data_answers_alike(name: str) -> None:
    frame, step = FRAMES[name]
    mine, other = both_data(frame, step)
    span = other.df.index
    assert difference(mine.df, other.df) is None
    assert (mine.datetime_start, mine.datetime_end) == (other.datetime_start, other.datetime_end)
    assert (mine.date_start, mine.date_end) == (other.date_start, other.date_end)
    rng = np.random.default_rng(11)
    steps = ("day",) if step == "day" else ("minute", "5 minutes", "hour", "day")
    for _ in range(120):
        offset = pd.Timedelta(seconds=int(rng.integers(-90, 60 * len(span) * 1.2)))
        clock = (span[0] + offset * (1 if step == "minute" else 1440)).floor("s").to_pydatetime()
        shift = (0, 1, -1, timedelta(minutes=2), timedelta(seconds=30))[int(rng.integers(5))]
        length, wanted = int(rng.integers(1, 40)), str(rng.choice(steps))
        for call in ("get_last_price", "get_quote"):
            answers = [outcome(lambda s=s: getattr(s, call)(clock)) for s in (other, mine)]  # noqa: B023
            assert difference(*answers) is None, (call, clock)
        answers = [
            outcome(lambda s=s: s.get_bars(clock, length, wanted, shift))  # noqa: B023
            for s in (other, mine)
        ]
        if isinstance(answers[1], pd.DataFrame) or isinstance(answers[0], pd.DataFrame):
            assert difference(*answers) is None, (clock, length, wanted, shift)
        else:
            assert answers[0] is answers[1], (clock, length, wanted, shift, answers)


def test_data_refuses_what_lumibot_refuses() -> None:
    frame = support.minutes()
    for kind, asset in ((data.Data, ours.Asset), (TheirData, theirs.Asset)):
        with pytest.raises(ValueError, match="Quote must be"):
            kind(asset("BTC", "crypto"), frame.copy())
        with pytest.raises(ValueError, match="must be an Asset object"):
            kind(asset("BTC", "crypto"), frame.copy(), quote="USD")
        with pytest.raises(ValueError, match="Timestep must be one of"):
            kind(asset("SPY"), frame.copy(), timestep="week")
        with pytest.raises(ValueError, match="empty dataframe"):
            kind(asset("SPY"), frame.copy(), date_start=datetime(2030, 1, 1))
        with pytest.raises(TypeError, match="full datetimes"):
            kind(asset("SPY"), frame.copy(), date_start=date(2024, 1, 3))
        with pytest.raises(ValueError, match="not supported"):
            kind(asset("SPY"), support.days(), timestep="day").get_bars(support.at("2023-06-01"))


@pytest.mark.parametrize(
    "frame",
    [
        support.minutes(7).reset_index(names="Date"),
        support.minutes(7).tz_localize(None),
        support.minutes(7).tz_convert("UTC").iloc[::-1],
        support.minutes(7).rename(columns=str.upper),
    ],
    ids=["column", "naive", "backwards", "capitals"],
)
def test_data_reads_frames_alike(frame: Any) -> None:
    times = support.at("2024-01-03 10:00").time(), support.at("2024-01-03 15:30").time()
    mine, other = both_data(frame, trading_hours_start=times[0], trading_hours_end=times[1])
    assert difference(mine.feed.frame, other._bars_df) is None


BARS = [support.minutes(2).iloc[:300], support.days().iloc[-200:]]


@pytest.mark.parametrize("frame", BARS, ids=["minutes", "days"])
@pytest.mark.parametrize("in_polars", [False, True])
def test_bars_count_alike(frame: Any, in_polars: bool) -> None:
    made = []
    for kind, asset in ((theirs.Bars, theirs.Asset("SPY")), (data.Bars, ours.Asset("SPY"))):
        given = pl.from_pandas(frame.reset_index(names="datetime")) if in_polars else frame.copy()
        made.append(kind(given, "test", asset))
    other, mine = made
    assert difference(mine.df, other.df) is None
    assert difference(mine.polars_df.to_pandas(), other.polars_df.to_pandas()) is None
    assert (mine.source, mine.symbol, len(mine), mine.empty) == ("TEST", "SPY", len(frame), False)
    for n_periods in (1, 2, 5, 50, 1000):
        assert mine.get_momentum(n_periods) == other.get_momentum(n_periods)
    for call in ("get_last_price", "get_last_dividend", "get_last_stock_split"):
        assert getattr(mine, call)() == getattr(other, call)()
    start, end = frame.index[20].to_pydatetime(), frame.index[100].to_pydatetime()
    for span in ({}, {"start": start}, {"end": end}, {"start": start, "end": end}):
        assert mine.get_total_volume(**span) == other.get_total_volume(**span)
        assert mine.filter(**span).equals(other.filter(**span))
    assert [bar.raw for bar in mine.split()] == [bar._raw for bar in other.split()]


@pytest.mark.parametrize("frequency", ["2min", "7 minutes", "15Min", "1h", "4 hours", "1d"])
def test_bars_aggregate_alike(frequency: str) -> None:
    frame = support.minutes(9)
    other = theirs.Bars(frame.copy(), "test", theirs.Asset("SPY")).aggregate_bars(frequency)
    mine = data.Bars(frame.copy(), "test", ours.Asset("SPY")).aggregate_bars(frequency)
    assert difference(mine.df, other.df) is None
