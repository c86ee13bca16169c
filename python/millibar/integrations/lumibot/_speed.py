"""Where a lumibot backtest spends its time: one line, measured, for any data source.

    with SpeedMeter(MyStrategy, source_class, n_bars=len(bars)) as speed:
        ...run the backtest...
    print(speed)

The meter wraps methods of the two classes while it is entered and puts them back when it is left;
lumibot's own classes are timed the same way, so the two lines of two data sources can be compared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from millibar._speed import LAYERS, Layer, Speed, peak_memory_bytes


class SpeedMeter:
    """A stopwatch with layers: at any moment exactly one of them runs.

    Entering a watched function hands the clock to its layer and leaving gives it back, so nested
    calls are never counted twice. What no layer claims is the broker's: lumibot's executor, orders,
    ledger and market-input record. lumibot runs a backtest in a thread of its own; once that has
    called the strategy it is the only one timed.
    """

    API = (
        "get_historical_prices get_last_price get_position get_orders create_order submit_order"
        " close_position cancel_open_orders"
    )
    SOURCE = "load_data get_historical_prices get_last_price get_quote"

    def __init__(self, strategy_class: type, source_class: type, n_bars: int) -> None:
        self.n_bars = n_bars
        self.n_iterations = 0
        self.seconds: dict[Layer, float] = dict.fromkeys(LAYERS, 0.0)
        self._layer: Layer = "broker"
        self._since = 0.0
        self._thread = threading.get_ident()
        self._watched: list[tuple[type, str, Any]] = []
        self._classes = strategy_class, source_class

    def __enter__(self) -> SpeedMeter:
        strategy_class, source_class = self._classes
        for name in self.API.split():
            self._watch(strategy_class, name, "broker")
        self._watch(strategy_class, "on_trading_iteration", "strategy", before=self._iteration)
        self._watch(strategy_class, "_dump_stats", "reporting")
        for name in self.SOURCE.split():
            self._watch(source_class, name, "data", after=self._watch_bars)
        self._since = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._switch(self._layer)
        for owner, name, original in reversed(self._watched):
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    @contextmanager
    def layer(self, name: Layer) -> Iterator[None]:
        """The clock is this layer's until the block ends."""
        if threading.get_ident() != self._thread:
            yield
            return
        before = self._switch(name)
        try:
            yield
        finally:
            self._switch(before)

    def _switch(self, layer: Layer) -> Layer:
        now = time.perf_counter()
        self.seconds[self._layer] += now - self._since
        self._since = now
        before, self._layer = self._layer, layer
        return before

    def _watch(
        self,
        owner: type,
        name: str,
        layer: Layer,
        before: Callable[[], None] | None = None,
        after: Callable[[Any], None] | None = None,
    ) -> None:
        function = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            if before is not None:
                before()
            with self.layer(layer):
                result = function(*args, **kwargs)
            if after is not None:
                after(result)
            return result

        self._replace(owner, name, timed)

    def _replace(self, owner: type, name: str, by: Any) -> None:
        self._watched.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, by)

    def _iteration(self) -> None:
        self._thread = threading.get_ident()
        self.n_iterations += 1

    def _watch_bars(self, bars: Any) -> None:
        """Bars may become pandas only when asked: that, too, is time spent in data."""
        owner = type(bars)
        to_pandas = getattr(getattr(owner, "pandas_df", None), "fget", None)
        if to_pandas is None or any(seen is owner for seen, *_ in self._watched):
            return

        def pandas_df(bars: Any) -> Any:
            with self.layer("data"):
                return to_pandas(bars)

        self._replace(owner, "pandas_df", property(pandas_df))

    @property
    def speed(self) -> Speed:
        """What was measured so far."""
        seconds = {str(name): spent for name, spent in self.seconds.items()}
        return Speed(self.n_bars, self.n_iterations, seconds, peak_memory_bytes())

    def __str__(self) -> str:
        return str(self.speed)
