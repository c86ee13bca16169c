"""lumibot's test files that run offline and reach the data, order and broker classes."""

from __future__ import annotations

# Files, and the passes counted on lumibot 4.6.30 with pytest-mock when these targets were set.
SOURCE_FILES = {
    "backtest/test_backtesting_broker_processing.py": 27,
    "test_backtesting_broker.py": 11,
    "test_backtesting_crypto_cash_unit.py": 7,
    "test_backtesting_multileg_unit.py": 3,
    "backtest/test_pandas_backtest.py": 4,
    "backtest/test_crypto_cash_regressions.py": 3,
    "backtest/test_passing_trader_into_backtest.py": 2,
    "backtest/test_meli_fixture.py": 1,
    "backtest/test_minute_fixture.py": 1,
    "backtest/test_tqqq_sanity.py": 1,
    "backtest/test_multileg_backtest.py": 1,
    "backtest/test_failing_backtest.py": 4,
    "test_pandas_data.py": 6,
    "test_data_entity.py": 5,
    "test_data_repair_times_and_fill_daily_quotes.py": 1,
    "test_data_polars_parity.py": 2,
    "test_bars_aggregate_frequency_normalization.py": 2,
    "test_bars_aggregation_timeunits.py": 2,
    "test_bars_frequency_flex.py": 4,
    "test_get_historical_prices.py": 8,
    "test_momentum.py": 2,
    "test_indicator_subplots.py": 19,
    "test_cash.py": 19,
    "test_portfolio_valuation_fallbacks.py": 16,
    "test_drift_rebalancer.py": 59,
    "test_order.py": 17,
    "test_asset.py": 26,
    "test_position_serialization.py": 4,
    "test_position_signs.py": 4,
    "test_backtesting_broker_time_advance.py": 7,
    "test_progress_logging.py": 9,
    "test_split_adjustment.py": 18,
    "backtest/test_polars_lru_eviction.py": 9,
}
INI = """[pytest]
markers =
    apitest: needs a vendor
    downloader: needs a vendor
filterwarnings = ignore
timeout = 300
"""
