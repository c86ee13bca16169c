"""What is where: lumibot's modules, the names in each, and what they lead to.

"module:attribute" is an attribute of a module of millibar's; "absent" is a name that may be
imported but not used. BORROWED are modules that use lumibot's public classes alone, and are taken
from an installed lumibot; without one, they are what the map says.
"""

from __future__ import annotations

BORROWED = (
    "lumibot.components.configs_helper",
    "lumibot.components.drift_rebalancer_logic",
    "lumibot.example_strategies",
)
_OURS = "millibar.compat.lumibot"


def _to(module: str, names: str) -> dict[str, str]:
    return {name: f"{module}:{name}" for name in names.split()}


def _absent(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "absent")


_CONSTANTS = _to(
    f"{_OURS}.constants",
    "LUMIBOT_SOURCE_PATH LUMIBOT_DEFAULT_TIMEZONE LUMIBOT_DEFAULT_PYTZ LUMIBOT_CACHE_FOLDER"
    " LUMIBOT_DEFAULT_QUOTE_ASSET_SYMBOL LUMIBOT_DEFAULT_QUOTE_ASSET_TYPE",
)
_ASSET = _to("millibar.assets", "Asset AssetsMapping") | {
    "StrEnum": "millibar.assets:StrEnum",
    "parse_symbol": "millibar.assets:parse_symbol",
}
_ORDER = _to("millibar.orders", "Order BUY SELL VALID_STATUS STATUS_ALIAS_MAP")
_SMART = _to("millibar.smart_limit", "SmartLimitConfig SmartLimitPreset")
_ENTITIES = {
    "asset": _ASSET,
    "bar": _to("millibar.data", "Bar"),
    "bars": _to("millibar.data", "Bars Bar"),
    "cash_event": _absent("CashEvent"),
    "cash_event_sync": _absent("CashEventSync"),
    "chains": _absent("Chains"),
    "data": _to("millibar.data", "Data"),
    "data_polars": _absent("DataPolars"),
    "dataline": _absent("Dataline"),
    "order": _ORDER,
    "position": _to("millibar.orders", "Position"),
    "quote": _to("millibar.assets", "Quote"),
    "smart_limit": _SMART,
    "trading_fee": _to("millibar.assets", "TradingFee"),
    "trading_slippage": _to("millibar.assets", "TradingSlippage"),
}
_ENTITY_NAMES = (
    "Asset AssetsMapping Bar Bars CashEvent CashEventSync Chains Data DataPolars Dataline Order"
    " Position Quote SmartLimitConfig SmartLimitPreset TradingFee TradingSlippage"
)

_BACKTESTING = {
    "pandas_backtesting": _to("millibar.backtest", "PandasDataBacktesting"),
    "backtesting_broker": _to("millibar.backtest", "BacktestingBroker")
    | {
        "get_futures_margin_requirement": "millibar.assets:futures_margin",
        "TYPICAL_FUTURES_MARGINS": "millibar.assets:FUTURES_MARGINS",
    },
    "alpaca_backtesting": _absent("AlpacaBacktesting"),
    "alpha_vantage_backtesting": _absent("AlphaVantageBacktesting"),
    "ccxt_backtesting": _absent("CcxtBacktesting"),
    "databento_backtesting": _absent("DataBentoDataBacktesting"),
    "databento_backtesting_pandas": _absent("DataBentoDataBacktestingPandas"),
    "databento_backtesting_polars": _absent("DataBentoDataBacktestingPolars"),
    "interactive_brokers_rest_backtesting": _absent("InteractiveBrokersRESTBacktesting"),
    "polygon_backtesting": _absent("PolygonDataBacktesting"),
    "polymarket_backtesting": _absent("PolymarketBacktesting"),
    "routed_backtesting": _absent("RoutedBacktestingPandas"),
    "thetadata_backtesting": _absent("ThetaDataBacktesting"),
    "thetadata_backtesting_pandas": _absent("ThetaDataBacktestingPandas"),
    "yahoo_backtesting": _absent("YahooDataBacktesting"),
}
_BROKERS = {
    "alpaca": _absent("Alpaca"),
    "bitunix": _absent("Bitunix"),
    "broker": _absent("Broker LumibotBrokerAPIError"),
    "ccxt": _absent("Ccxt"),
    "example_broker": _absent("ExampleBroker"),
    "interactive_brokers": _absent("InteractiveBrokers"),
    "interactive_brokers_rest": _absent("InteractiveBrokersREST"),
    "polymarket": _absent("Polymarket"),
    "projectx": _absent("ProjectX"),
    "schwab": _absent("Schwab"),
    "tradier": _absent("Tradier"),
    "tradovate": _absent("Tradovate"),
}
_DATA_SOURCES = {
    "pandas_data": {"PandasData": "millibar.backtest:PandasDataBacktesting"},
    "alpaca_data": _absent("AlpacaData"),
    "alpha_vantage_data": _absent("AlphaVantageData"),
    "bitunix_data": _absent("BitunixData"),
    "ccxt_backtesting_data": _absent("CcxtBacktestingData"),
    "ccxt_data": _absent("CcxtData"),
    "data_source": _absent("DataSource"),
    "data_source_backtesting": _absent("DataSourceBacktesting"),
    "databento_data": _absent("DataBentoData DataBentoDataPandas DataBentoDataPolars"),
    "example_broker_data": _absent("ExampleBrokerData"),
    "exceptions": _absent("UnavailabeTimestep"),
    "interactive_brokers_data": _absent("InteractiveBrokersData"),
    "interactive_brokers_rest_data": _absent("InteractiveBrokersRESTData"),
    "polars_data": _absent("PolarsData"),
    "polymarket_data": _absent("PolymarketData"),
    "projectx_data": _absent("ProjectXData"),
    "schwab_data": _absent("SchwabData"),
    "tradier_data": _absent("TradierData"),
    "tradovate_data": _absent("TradovateData"),
    "yahoo_data": _absent("YahooData"),
}
_STRATEGIES = {
    "strategy": _to("millibar.strategy", "Strategy"),
    "_strategy": _absent("_Strategy") | _to("millibar.strategy", "Vars"),
    "strategy_executor": _absent("StrategyExecutor"),
}
_TRADERS = {
    "trader": _to("millibar.backtest", "Trader"),
    "debug_log_trader": {"DebugLogTrader": "millibar.backtest:Trader"},
}

_TOOLS = f"{_OURS}.tools"
_TYPES = _to(_TOOLS, "check_numeric check_positive check_price check_quantity")
_LOGGER = _to(
    _TOOLS, "get_logger get_strategy_logger set_log_level set_console_log_level add_file_handler"
)
_PANDAS = _to(
    _TOOLS,
    "day_deduplicate fill_void is_daily_data prettify_dataframe_with_decimals"
    " print_full_pandas_dataframes set_pandas_float_display_precision",
)
_SYMBOLS = {"parse_symbol": "millibar.assets:parse_symbol"}
_HELPERS = {
    **_to(
        _TOOLS,
        "create_options_symbol deduplicate_sequence get_chunks get_decimals get_lumibot_datetime"
        " get_timezone_from_datetime has_more_than_n_decimal_places quantize_to_num_decimals"
        " to_datetime_aware",
    ),
    **_to("millibar._timesteps", "canonicalize_timestep parse_canonical_timestep"),
    "parse_timestep_qty_and_unit": "millibar._timesteps:parse_timestep",
    **_SYMBOLS,
    **_PANDAS,
    **{name: _CONSTANTS[name] for name in ("LUMIBOT_DEFAULT_PYTZ", "LUMIBOT_DEFAULT_TIMEZONE")},
    **_absent(
        "TwentyFourSevenCalendar ComparaisonMixin date_n_trading_days_from_date get_trading_days"
        " get_trading_times is_market_open is_regular_trading_session print_progress_bar"
    ),
}
_STATISTICS = _absent(
    "cagr calculate_returns cash_flow_adjusted_returns create_tearsheet cumulative_to_period_flows"
    " get_risk_free_rate get_symbol_returns max_drawdown performance plot_indicators plot_returns"
    " romad sharpe stats_summary total_return volatility"
)
_TOOL_MODULES = {
    "helpers": _HELPERS,
    "indicators": _STATISTICS,
    "lumibot_logger": _LOGGER,
    "pandas": _PANDAS,
    "symbol_parser": _SYMBOLS,
    "types": _TYPES,
    "futures_roll": {"determine_contract_year_month": "millibar._rolls:contract_month"},
    "black_scholes": _absent("BS"),
    "yahoo_helper": _absent("YahooHelper"),
    "schwab_helper": _absent("SchwabHelper"),
}
_COMPONENTS = {
    "configs_helper": _absent("ConfigsHelper"),
    "drift_rebalancer_logic": _absent("DriftRebalancerLogic DriftType"),
    "options_helper": _absent("OptionsHelper OptionMarketEvaluation"),
    "perplexity_helper": _absent("PerplexityHelper"),
    "quiver_helper": _absent("QuiverHelper"),
    "vix_helper": _absent("VixHelper"),
}
_CREDENTIALS = _to(
    f"{_OURS}.credentials",
    "IS_BACKTESTING BACKTESTING_START BACKTESTING_END BACKTESTING_DATA_SOURCE STRATEGY_PARAMETERS"
    " BACKTESTING_PARAMETERS HIDE_TRADES HIDE_POSITIONS STRATEGY_NAME MARKET LIVE_CONFIG"
    " DISCORD_WEBHOOK_URL SHOW_PLOT SHOW_INDICATORS SHOW_TEARSHEET DB_CONNECTION_STR"
    " LOG_BACKTEST_PROGRESS_TO_FILE BACKTESTING_SHOW_PROGRESS_BAR BACKTESTING_QUIET_LOGS"
    " ALPACA_CONFIG ALPACA_TEST_CONFIG TRADIER_CONFIG TRADIER_TEST_CONFIG POLYGON_CONFIG"
    " POLYGON_API_KEY THETADATA_CONFIG DATABENTO_CONFIG KRAKEN_CONFIG COINBASE_CONFIG"
    " INTERACTIVE_BROKERS_CONFIG INTERACTIVE_BROKERS_REST_CONFIG TRADOVATE_CONFIG SCHWAB_CONFIG"
    " BITUNIX_CONFIG POLYMARKET_CONFIG broker BROKER data_source DATA_SOURCE",
)


def _package(
    path: str, modules: dict[str, dict[str, str]], names: dict[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """A package and its modules; unless told otherwise, it has all names of theirs."""
    if names is None:
        names = {
            name: target
            for module in modules.values()
            for name, target in module.items()
            if name[0].isupper() and not name.isupper()
        }
    return {path: names, **{f"{path}.{name}": module for name, module in modules.items()}}


def _modules() -> dict[str, dict[str, str]]:
    every_entity = {
        name: target for module in _ENTITIES.values() for name, target in module.items()
    }
    entities = {name: every_entity[name] for name in _ENTITY_NAMES.split()}
    tools = {k: v for module in _TOOL_MODULES.values() for k, v in module.items()}
    return {
        "lumibot": {
            "__version__": f"{_OURS}.constants:LUMIBOT_VERSION",
            **_CONSTANTS,
            **_to(_TOOLS, "get_logger logger"),
        },
        "lumibot.constants": _CONSTANTS,
        "lumibot.credentials": _CREDENTIALS,
        **_package("lumibot.entities", _ENTITIES, entities),
        **_package("lumibot.strategies", _STRATEGIES, _STRATEGIES["strategy"]),
        **_package("lumibot.backtesting", _BACKTESTING),
        **_package("lumibot.brokers", _BROKERS),
        **_package("lumibot.data_sources", _DATA_SOURCES),
        **_package("lumibot.traders", _TRADERS, _TRADERS["trader"]),
        **_package("lumibot.tools", _TOOL_MODULES, tools),
        **_package("lumibot.components", _COMPONENTS, {}),
        # A file that has changed its import for millibar's data source inside lumibot already.
        "millibar.integrations.lumibot": {
            "PandasDataBacktesting": "millibar.backtest:PandasDataBacktesting",
            "Bars": "millibar.data:Bars",
            "SpeedMeter": "millibar._runs:SpeedMeter",
            **_absent(
                "DataBentoDataBacktesting DataBentoDataBacktestingPandas"
                " DataBentoDataBacktestingPolars PolarsData"
            ),
        },
    }


MODULES: dict[str, dict[str, str]] = _modules()
