"""lumibot's settings from the environment, of which a backtest needs few.

This is always a backtest, so IS_BACKTESTING is True whatever the environment says. Brokers'
settings are read as lumibot reads them, for files that look at them; no .env file is loaded, and
there is no broker.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

_env = os.environ.get


def _day(name: str) -> datetime | None:
    text = _env(name)
    return datetime.fromisoformat(text) if text else None


def _flag(name: str, default: bool) -> bool:
    text = _env(name)
    return text.lower() == "true" if text else default


def _parameters() -> dict[str, Any] | None:
    text = _env("LUMIBOT_STRATEGY_PARAMETERS") or _env("BACKTESTING_PARAMETERS") or "null"
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and parsed else None


def _config(**variables: str) -> dict[str, Any]:
    return {key: _env(variable) for key, variable in variables.items()}


IS_BACKTESTING = True
BACKTESTING_START = _day("BACKTESTING_START")
BACKTESTING_END = _day("BACKTESTING_END")
BACKTESTING_DATA_SOURCE = _env("BACKTESTING_DATA_SOURCE", "ThetaData")
STRATEGY_PARAMETERS = _parameters()
BACKTESTING_PARAMETERS = STRATEGY_PARAMETERS
HIDE_TRADES = _flag("HIDE_TRADES", False)
HIDE_POSITIONS = _flag("HIDE_POSITIONS", False)
STRATEGY_NAME = _env("STRATEGY_NAME")
MARKET = _env("MARKET")
LIVE_CONFIG = _env("LIVE_CONFIG")
DISCORD_WEBHOOK_URL = _env("DISCORD_WEBHOOK_URL")
SHOW_PLOT = _env("SHOW_PLOT", "True") == "True"
SHOW_INDICATORS = _env("SHOW_INDICATORS", "True") == "True"
SHOW_TEARSHEET = _env("SHOW_TEARSHEET", "True") == "True"
DB_CONNECTION_STR = _env("DB_CONNECTION_STR") or _env("ACCOUNT_HISTORY_DB_CONNECTION_STR")
LOG_BACKTEST_PROGRESS_TO_FILE = _env("LOG_BACKTEST_PROGRESS_TO_FILE")
BACKTESTING_SHOW_PROGRESS_BAR = _flag("BACKTESTING_SHOW_PROGRESS_BAR", True)
BACKTESTING_QUIET_LOGS = _flag("BACKTESTING_QUIET_LOGS", True)

POLYGON_CONFIG = _config(API_KEY="POLYGON_API_KEY")
POLYGON_API_KEY = POLYGON_CONFIG["API_KEY"]
THETADATA_CONFIG = _config(
    THETADATA_USERNAME="THETADATA_USERNAME", THETADATA_PASSWORD="THETADATA_PASSWORD"
)
DATABENTO_CONFIG = _config(API_KEY="DATABENTO_API_KEY")
ALPACA_CONFIG = _config(API_KEY="ALPACA_API_KEY", API_SECRET="ALPACA_API_SECRET") | {
    "PAPER": _flag("ALPACA_IS_PAPER", True)
}
ALPACA_TEST_CONFIG = _config(API_KEY="ALPACA_TEST_API_KEY", API_SECRET="ALPACA_TEST_API_SECRET") | {
    "PAPER": True
}
TRADIER_CONFIG = _config(
    ACCESS_TOKEN="TRADIER_ACCESS_TOKEN", ACCOUNT_NUMBER="TRADIER_ACCOUNT_NUMBER"
) | {"PAPER": _flag("TRADIER_IS_PAPER", True)}
TRADIER_TEST_CONFIG = _config(
    ACCESS_TOKEN="TRADIER_TEST_ACCESS_TOKEN", ACCOUNT_NUMBER="TRADIER_TEST_ACCOUNT_NUMBER"
) | {"PAPER": True}
KRAKEN_CONFIG = _config(apiKey="KRAKEN_API_KEY", secret="KRAKEN_API_SECRET") | {
    "exchange_id": "kraken"
}
COINBASE_CONFIG = _config(apiKey="COINBASE_API_KEY_NAME", secret="COINBASE_PRIVATE_KEY") | {
    "exchange_id": "coinbase"
}
INTERACTIVE_BROKERS_CONFIG = _config(
    SOCKET_PORT="INTERACTIVE_BROKERS_PORT",
    CLIENT_ID="INTERACTIVE_BROKERS_CLIENT_ID",
    IP="INTERACTIVE_BROKERS_IP",
)
INTERACTIVE_BROKERS_REST_CONFIG = _config(IB_USERNAME="IB_USERNAME", IB_PASSWORD="IB_PASSWORD")
TRADOVATE_CONFIG = _config(USERNAME="TRADOVATE_USERNAME", DEDICATED_PASSWORD="TRADOVATE_PASSWORD")
SCHWAB_CONFIG = _config(SCHWAB_ACCOUNT_NUMBER="SCHWAB_ACCOUNT_NUMBER")
BITUNIX_CONFIG = _config(API_KEY="BITUNIX_API_KEY", API_SECRET="BITUNIX_API_SECRET")
POLYMARKET_CONFIG = _config(PRIVATE_KEY="POLYMARKET_PRIVATE_KEY")

broker = BROKER = None
data_source = DATA_SOURCE = None
