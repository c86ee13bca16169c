"""Asks for whatever a strategy may ask, and trades a little so that there is something to see.

The random trader asks what traders ask again and again; this one asks the rest of the interface:
actions of companies, times, calendars, charts, parameters, deposits, orders' and positions' own
methods.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from lumibot.entities import Asset
from lumibot.strategies import Strategy


class Surveyor(Strategy):
    """See `parameters`."""

    parameters: ClassVar = {
        "market": "24/7",
        "sleep": "1M",
        "pairs": (),  # (asset, quote or None)
        "steps": ("minute",),
        "every": 1,  # iterations from one survey to the next
        "unset": None,
    }

    def initialize(self) -> None:
        self.set_market(self.parameters["market"])
        self.sleeptime = self.parameters["sleep"]
        self.seen: list[Any] = []
        self.turn = 0
        self.assets = [asset for asset, _ in self.parameters["pairs"]]
        self.ask("parameters", lambda: sorted(self.get_parameters()))
        self.ask("defaults", lambda: self.set_parameter_defaults({"sleep": "9M", "new": 4}))
        self.ask("now known", lambda: [self.parameters[k] for k in ("sleep", "new", "unset")])
        self.ask("updated", lambda: self.update_parameters({"unset": 3}))
        self.ask("now set", lambda: self.parameters["unset"])
        self.ask("cron", lambda: self.register_cron_callback("* * * * *", self.on_cron)[:13])

    def on_cron(self) -> None:
        self.seen.append(["cron", self.get_datetime()])

    def on_parameters_updated(self, parameters: Any) -> None:
        self.seen.append(["on_parameters_updated", sorted(parameters)])

    def before_starting_trading(self) -> None:
        self.survey()

    def after_market_closes(self) -> None:
        self.survey()

    def on_trading_iteration(self) -> None:
        self.turn += 1
        if self.turn % self.parameters["every"]:
            return
        self.survey()
        self.trade()

    def ask(self, what: str, question: Callable[[], Any]) -> None:
        """Writes down an answer, or the class of the exception."""
        try:
            answer = question()
        except Exception as error:
            answer = f"raised {type(error).__name__}"
        self.seen.append([what, answer])

    def survey(self) -> None:
        self.seen.append(["survey", self.turn, self.get_datetime()])
        self.ask_about_itself()
        self.ask_for_times()
        for asset, quote in self.parameters["pairs"]:
            self.ask_about(asset, quote)
        self.ask_about_all()
        self.ask_about_orders()
        self.draw()

    def ask_about_itself(self) -> None:
        for name in (
            *("name", "initial_budget", "quote_asset", "minutes_before_opening"),
            *("minutes_before_closing", "minutes_after_closing", "sleeptime", "unspent_money"),
            *("cash", "portfolio_value", "first_iteration", "backtesting_start", "backtesting_end"),
            *("timezone", "is_backtesting", "stats_file"),
        ):
            self.ask(name, lambda name=name: getattr(self, name))
        self.ask("pytz", lambda: str(self.pytz))
        self.ask("risk_free_rate", lambda: self.risk_free_rate)
        self.ask(
            "cash in positions", lambda: _held(self.get_positions(include_cash_positions=True))
        )

    def ask_for_times(self) -> None:
        naive = datetime(2024, 3, 10, 1, 30)
        for shift in (0, 1, 7):
            self.ask("get_round_minute", lambda shift=shift: self.get_round_minute(shift))
            self.ask("get_round_day", lambda shift=shift: self.get_round_day(shift))
        self.ask("get_last_minute", self.get_last_minute)
        self.ask("get_last_day", self.get_last_day)
        self.ask("get_timestamp", self.get_timestamp)
        self.ask("localize_datetime", lambda: self.localize_datetime(naive))
        self.ask("to_default_timezone", lambda: self.to_default_timezone(self.get_datetime()))

    def ask_about(self, asset: Asset, quote: Any) -> None:
        if quote is None:
            self.ask("get_yesterday_dividend", lambda: self.get_yesterday_dividend(asset))
        self.ask("get_yesterday_stock_split", lambda: self.get_yesterday_stock_split(asset))
        self.ask("get_last_price", lambda: self.get_last_price(asset, quote=quote))
        self.ask("get_quote", lambda: _quoted(self.get_quote(asset, quote=quote)))
        self.ask("potential total", lambda: self.get_asset_potential_total(asset))
        for step in self.parameters["steps"]:
            for shift in (None, 2, timedelta(hours=30)):
                self.ask(
                    f"bars of a {step}, {shift}",
                    lambda step=step, shift=shift: _bars(
                        self.get_historical_prices(asset, 7, step, timeshift=shift, quote=quote)
                    ),
                )
            self.ask(
                f"get_symbol_bars {step}",
                lambda step=step: _bars(self.get_symbol_bars(asset, 4, step, quote=quote)),
            )

    def ask_about_all(self) -> None:
        assets = self.assets
        self.ask("dividends", lambda: _by_symbol(self.get_yesterday_dividends(assets)))
        self.ask("splits", lambda: _by_symbol(self.get_yesterday_stock_splits(assets)))
        self.ask("last prices", lambda: _by_symbol(self.get_last_prices(assets)))
        self.ask(
            "quotes",
            lambda: {
                asset.symbol: _quoted(quote) for asset, quote in self.get_quotes(assets).items()
            },
        )
        self.ask("tracked assets", lambda: sorted(a.symbol for a in self.get_tracked_assets()))
        self.ask("tracked positions", lambda: _held(self.get_tracked_positions()))
        self.ask(
            "get_bars",
            lambda: {
                asset.symbol: _bars(bars) for asset, bars in self.get_bars(assets, 3, "day").items()
            },
        )
        self.ask(
            "pair",
            lambda: [
                str(part) for part in self.crypto_assets_to_tuple(assets[0], self.quote_asset)
            ],
        )
        self.ask("create_asset", lambda: self.create_asset("NEW", asset_type="future").asset_type)

    def ask_about_orders(self) -> None:
        for order in self.get_tracked_orders()[-6:]:
            self.ask(
                "order",
                lambda order=order: [
                    *(order.is_buy_order(), order.is_sell_order(), order.is_active()),
                    *(order.is_filled(), order.is_canceled(), order.is_final()),
                    *(order.is_option(), order.is_parent(), order.quantity, order.get_fill_price()),
                    *(order.status, order.order_type, order.trade_cost, order.avg_fill_price),
                    *(order.equivalent_status(order), order.get_increment()),
                ],
            )
            self.ask("cash pending", lambda order=order: order.cash_pending(self))
            self.ask("found", lambda order=order: self.get_order(order.identifier) is order)
            self.ask("as position", lambda order=order: _held([order.to_position(order.quantity)]))
        for position in self.get_positions():
            self.ask(
                "position",
                lambda position=position: [
                    position.symbol,
                    position.quantity,
                    position.available,
                    position.hold,
                    position.avg_fill_price,
                    len(position.orders),
                    str(position),
                ],
            )
            self.ask("selling", lambda position=position: _order(self.get_selling_order(position)))
            self.ask(
                "sold by itself",
                lambda position=position: _order(position.get_selling_order(self.quote_asset)),
            )

    def draw(self) -> None:
        self.ask("marker", lambda: self.add_marker("seen", self.turn * 1.5, color="red", size=5))
        self.ask("line", lambda: self.add_line("value", self.portfolio_value, width=2))
        self.ask("ohlc", lambda: self.add_ohlc("bar", 1.0, 2.0, 0.5, 1.5))
        for name in ("markers", "lines", "ohlc"):
            self.ask(name, lambda name=name: getattr(self, f"get_{name}_df")().tail(3))

    def trade(self) -> None:
        """Buys and sells in turn; some money comes and goes."""
        asset, quote = self.parameters["pairs"][self.turn % len(self.parameters["pairs"])]
        price = self.get_last_price(asset, quote=quote)
        side = "buy" if self.turn % 3 else "sell"
        if price is None:
            return
        if self.turn % 2:
            order = self.create_order(asset, 2, side, quote=quote)
        else:
            limit = float(price) * (0.99 if side == "buy" else 1.01)
            order = self.create_order(asset, 1, side, limit_price=limit, quote=quote)
        self.ask("submitted", lambda: _order(self.submit_order(order)))
        if self.turn % 4 == 1:
            self.ask("told value", self.tell_value)
            self.ask("deposit", lambda: self.deposit_cash(100.5))
            self.ask("set cash", self.set_cash)
        if self.turn % 4 == 3:
            self.ask("withdraw", lambda: self.withdraw_cash(50.25))
            self.ask("too much", lambda: self.withdraw_cash(1e12, allow_negative=False))
            self.ask("adjust", lambda: self.adjust_cash(-1.125, reason="fee"))
            self.ask("not a number", lambda: self.deposit_cash(float("nan")))

    def tell_value(self) -> list[float]:
        self.portfolio_value = 1234.5
        return [self.portfolio_value, self.get_portfolio_value(), self.cash]

    def set_cash(self) -> list[float]:
        self._set_cash_position(self.cash - 0.3)
        return [self.cash, self.get_cash(), self.portfolio_value]


def _by_symbol(answers: Any) -> dict[str, Any]:
    return {asset.symbol: answer for asset, answer in answers.items()}


def _held(positions: Any) -> list[Any]:
    return [
        None if p is None else [p.asset.symbol, p.quantity, p.avg_fill_price] for p in positions
    ]


def _order(order: Any) -> Any:
    return None if order is None else [order.asset.symbol, order.side, order.quantity, order.status]


def _quoted(quote: Any) -> Any:
    return None if quote is None else [quote.price, quote.bid, quote.ask, quote.volume]


def _bars(bars: Any) -> Any:
    return None if bars is None else [bars.df, bars.get_last_price(), bars.get_last_dividend()]
