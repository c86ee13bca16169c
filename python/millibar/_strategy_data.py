"""What a strategy asks of its data: history, prices, quotes, dividends, live indicators, assets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from millibar._log import logger_of
from millibar._strategy_clock import ClockMethods
from millibar.assets import Asset, AssetsMapping, Quote

if TYPE_CHECKING:
    from millibar import _core


class DataMethods(ClockMethods):
    """get_historical_prices, get_last_price and their relatives."""

    _name: str
    _quote_asset: Asset
    _strings: dict[str, Asset]

    def _asset(self, asset: Any) -> Any:
        """An Asset or pair as it is, a symbol as the stock it names.

        Raises:
            ValueError: anything else.
        """
        if isinstance(asset, (Asset, tuple)):
            return asset
        if not isinstance(asset, str):
            raise ValueError(f"You must enter a symbol string or an asset object, not {asset!r}")
        symbol = asset.upper()
        found = self._strings.get(symbol)
        if found is None:
            found = self._strings[symbol] = Asset(symbol)
        return found

    def get_historical_prices(
        self,
        asset: Any,
        length: int,
        timestep: str = "",
        timeshift: Any = None,
        quote: Asset | None = None,
        exchange: str | None = None,
        include_after_hours: bool = True,
        return_polars: bool = False,
        minimum_bars: int | None = None,
    ) -> Any:
        """The latest `length` bars before now, as Bars; None when there are none.

        Args:
            asset: an Asset, a symbol, or a pair (base, quote).
            length: how many; fewer where history is short.
            timestep: "minute", "hour", "day", or a multiple ("5 minutes", "15min"); the data's
                own unless given.
            timeshift: rows, or a timedelta, to go back.
            quote: of a currency pair; the strategy's unless given.

        Raises:
            ValueError: a length that is no whole number.
        """
        if minimum_bars is not None and not 1 <= minimum_bars <= length:
            raise ValueError("minimum_bars must be an integer between 1 and length")
        return self.broker.data_source.get_historical_prices(
            asset if asset.__class__ is Asset else self._asset(asset),
            length,
            timestep,
            timeshift,
            self._quote_asset if quote is None else quote,
            return_polars=return_polars,
        )

    def get_historical_prices_for_assets(
        self,
        assets: Iterable[Any],
        length: int,
        timestep: str = "minute",
        timeshift: Any = None,
        chunk_size: int = 100,
        max_workers: int = 200,
        exchange: str | None = None,
        include_after_hours: bool = True,
        sleep_time: float | None = None,
    ) -> dict[Any, Any]:
        """The history of several assets: {asset: Bars or None}."""
        source = self.broker.data_source
        return {
            asset: source.get_historical_prices(asset, length, timestep, timeshift, None)
            for asset in map(self._asset, assets)
        }

    def get_symbol_bars(self, asset: Any, length: int, timestep: str = "", **options: Any) -> Any:
        """As `get_historical_prices`."""
        return self.get_historical_prices(asset, length, timestep, **options)

    def get_bars(
        self, assets: Iterable[Any], length: int, timestep: str = "minute", **options: Any
    ) -> Any:
        """As `get_historical_prices_for_assets`."""
        return self.get_historical_prices_for_assets(assets, length, timestep, **options)

    def get_last_price(
        self, asset: Any, quote: Asset | None = None, exchange: str | None = None
    ) -> Any:
        """The last price at the clock; None when there is none.

        Under the policy "lumibot" it is the open of the bar forming now; under "strict" the close
        of the last bar that has closed.
        """
        if asset.__class__ is not Asset:
            if not isinstance(asset, (Asset, str, tuple)):
                logger_of(__name__).error(
                    "Asset in get_last_price() must be a string or Asset or tuple object. Got %r.",
                    asset,
                )
                return None
            asset = self._asset(asset)
        return self.broker.get_last_price(asset, self._quote_asset if quote is None else quote)

    def get_last_prices(
        self, assets: Iterable[Any], quote: Asset | None = None, exchange: str | None = None
    ) -> dict[Any, Any]:
        """{asset: last price}; by symbol where symbols were given."""
        listed = list(assets)
        prices = {asset: self.broker.get_last_price(self._asset(asset), quote) for asset in listed}
        if listed and isinstance(listed[0], str):
            return {self._asset(asset).symbol: price for asset, price in prices.items()}
        return prices

    def get_quote(
        self, asset: Any, quote: Asset | None = None, exchange: str | None = None
    ) -> Quote:
        """Price, volume and, where the data have them, bid and ask at the clock."""
        found: Quote = self.broker.data_source.get_quote(self._asset(asset), quote=quote)
        return found

    def get_quotes(
        self, assets: Iterable[Any], quote: Asset | None = None, exchange: str | None = None
    ) -> dict[Any, Quote]:
        """{asset: quote}."""
        return {asset: self.get_quote(asset, quote) for asset in map(self._asset, assets)}

    def get_yesterday_dividend(self, asset: Any) -> Any:
        """Dividend of the last visible day, a unit; 0 where there is none."""
        return self.broker.data_source.get_yesterday_dividend(self._asset(asset))

    def get_yesterday_dividends(self, assets: Iterable[Any]) -> AssetsMapping:
        """{asset: today's dividend, a unit}; 0 where there is none."""
        found = [self._asset(asset) for asset in assets]
        return self.broker.data_source.get_yesterday_dividends(found, self._quote_asset)

    def get_yesterday_stock_split(self, asset: Any) -> Any:
        """Today's split, 2.0 for two for one; 0 where there is none."""
        return self.broker.data_source.get_yesterday_stock_split(
            self._asset(asset), self._quote_asset
        )

    def get_yesterday_stock_splits(self, assets: Iterable[Any]) -> AssetsMapping:
        """{asset: today's split}; 0 where there is none."""
        found = [self._asset(asset) for asset in assets]
        return self.broker.data_source.get_yesterday_stock_splits(found, self._quote_asset)

    def indicator(
        self, name: str, asset: Any = None, *params: Any, **named: Any
    ) -> _core.Indicator:
        """A live indicator of an asset's bars, which the engine moves on as they close.

            self.fast = self.indicator("sma", self.asset, 20)     # in initialize
            self.fast.value, self.fast[-2]                        # now, and a bar before

        It is computed over the asset's whole series, which `bars.sma(20)` of a window is not: the
        last bits of running sums differ.

        Raises:
            InvalidError: no such indicator or asset, parameters it does not take.
        """
        engine = self.broker.running("indicator")
        asset = self._asset(asset)
        number = self.broker.number(asset, self._quote_asset)
        if number is None:
            raise self.broker.no_bars(asset, f"to compute {name!r} of")
        return engine.indicator(number, name, *params, **named)

    def create_asset(
        self,
        symbol: str,
        asset_type: str = "stock",
        expiration: Any = None,
        strike: Any = None,
        right: Any = None,
        multiplier: float | None = None,
    ) -> Asset:
        """An Asset."""
        return Asset(
            symbol,
            asset_type,
            expiration=expiration,
            strike=strike,
            right=right,
            multiplier=multiplier,
        )

    @staticmethod
    def crypto_assets_to_tuple(base: Any, quote: Any) -> Any:
        """(base, quote) of a crypto; base as it is otherwise."""
        pair = isinstance(base, Asset) and base.asset_type == "crypto" and isinstance(quote, Asset)
        return (base, quote) if pair else base
