"""Assets, fees, slippage and quotes by themselves; test_values_as_lumibot.py has them beside
lumibot's."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import pytest

from millibar import assets
from millibar.assets import Asset, AssetsMapping, Quote, TradingFee, TradingSlippage
from millibar.smart_limit import SmartLimitConfig, SmartLimitPreset


def test_an_asset_is_what_it_names() -> None:
    one = Asset("mes", "cont_future", multiplier=5)
    same = Asset("MES", Asset.AssetType.CONT_FUTURE)
    assert one == same and hash(one) == hash(same) and one.multiplier == 5
    assert one != Asset("MES", "future") and one != Asset("MNQ", "cont_future")
    assert one != "MES" and one is not None
    assert {one: 1}[same] == 1
    monthly = Asset("ES", "future", expiration=date(2024, 3, 15))
    assert monthly == Asset("es", "future", expiration=datetime(2024, 3, 15, 9))
    assert monthly == Asset("es", "future", expiration="2024-03-15 00:00")
    assert monthly != Asset("es", "future", expiration=date(2024, 6, 21))


def test_what_rolls_is_told_apart_only_without_an_expiration() -> None:
    front = Asset("ES", "future", auto_expiry="front_month")
    assert front != Asset("ES", "future", auto_expiry="next_quarter") and front.expiration is None
    day = date(2024, 3, 15)
    dated = Asset("ES", "future", expiration=day, auto_expiry="front_month")
    assert dated == Asset("ES", "future", expiration=day)
    assert Asset("ES", auto_expiry="front_month") == Asset("ES")


def test_names_are_their_text() -> None:
    kind = Asset.AssetType.CRYPTO
    assert kind == "crypto" and str(kind) == "crypto" and f"{kind:>7}" == " crypto"
    assert {"crypto": 1}[kind] == 1 and Asset.AssetType("stock") is Asset.AssetType.STOCK
    assert Asset("A", "us_equity").asset_type is Asset.AssetType.STOCK
    assert Asset("A", "option", right="put").right is Asset.OptionRight.PUT


@pytest.mark.parametrize(
    "arguments",
    [{"asset_type": "bond"}, {"right": "UP"}, {"multiplier": 0}, {"multiplier": "many"}],
)
def test_what_is_refused_says_what_would_do(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        Asset("A", **arguments)  # type: ignore[arg-type]
    assert repr(next(iter(arguments.values()))) in str(caught.value)


def test_assets_survive_copies_and_another_process() -> None:
    asset = Asset("SPY", "option", date(2024, 1, 19), 470, "CALL", underlying_asset=Asset("SPY"))
    assert copy.deepcopy(asset) == asset and copy.copy(asset) == asset
    assert Asset.from_dict(asset.to_dict()) == asset
    # Texts hash otherwise there.
    code = (
        "import pickle,sys; a=pickle.load(sys.stdin.buffer); assert hash(a)==hash(eval('type(a)')"
    )
    code += ".from_dict(a.to_dict())), a"
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(asset), check=True)


def test_option_symbols_are_read() -> None:
    asset = Asset.symbol2asset("AAPL240119C00150500")
    assert (asset.symbol, asset.strike, asset.right) == ("AAPL", 150.5, "CALL")
    assert asset.expiration == date(2024, 1, 19) and asset.multiplier == 100
    assert Asset.symbol2asset("AAPL249919C00150500").symbol is None
    with pytest.raises(ValueError, match="empty"):
        Asset.symbol2asset("")


def test_an_unknown_future_holds_the_default_margin_and_warns_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert assets.futures_margin(Asset("MESH4")) == 5000
    assert assets.futures_margin(Asset("MES")) == 1300
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert assets.futures_margin(Asset("ZZTOP", "future")) == 5000
    assert sum("ZZTOP" in record.getMessage() for record in caplog.records) == 1


def test_contracts_are_only_of_continuous_futures() -> None:
    asset = Asset("MES", "cont_future")
    march, june = datetime(2024, 2, 1), datetime(2024, 3, 14)
    assert asset.resolve_continuous_futures_contract(march) == "MESH24"
    assert asset.resolve_continuous_futures_contract(june, year_digits=1) == "MESM4"
    assert asset.get_potential_futures_contracts(march)[0] == "MESH24"
    with pytest.raises(ValueError, match="1, 2 or 4"):
        asset.resolve_continuous_futures_contract(march, year_digits=3)
    with pytest.raises(ValueError, match="CONT_FUTURE"):
        Asset("MES").resolve_continuous_futures_contract()


def test_a_mapping_finds_by_symbol_too() -> None:
    spy = Asset("SPY")
    mapping = AssetsMapping({spy: 1})
    assert mapping[spy] == mapping["SPY"] == 1 and "SPY" in mapping and "QQQ" not in mapping
    with pytest.raises(KeyError):
        mapping["QQQ"]
    mapping["QQQ"] = 2
    assert mapping[Asset("QQQ")] == 2


def test_costs_are_exact_decimals() -> None:
    fee = TradingFee(percent_fee=0.1, per_contract_fee="0.65")
    assert (fee.flat_fee, fee.percent_fee, fee.per_contract_fee) == (
        0,
        Decimal("0.1"),
        Decimal("0.65"),
    )
    assert "0.65" in repr(fee)
    slippage = TradingSlippage.from_dict(TradingSlippage(0.25).to_dict())
    assert slippage is not None and slippage.amount == Decimal("0.25")
    assert TradingSlippage.from_dict(None) is None
    settings = SmartLimitConfig.from_dict(SmartLimitConfig("fast", slippage=0.5).to_dict())
    assert settings is not None and settings.preset is SmartLimitPreset.FAST
    assert settings.get_slippage_amount() == 0.5


def test_a_quote_reads_like_a_dictionary() -> None:
    quote = Quote(Asset("SPY"), price=3.0, bid=1.0, ask=2.0, raw_data={"venue": "X"}, extra=7)
    assert quote.mid_price == 1.5 and quote["bid"] == 1.0 and quote["venue"] == "X"
    assert quote.extra == 7  # type: ignore[attr-defined]
    assert Quote(None, price=3.0).mid_price == 3.0  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="neither"):
        quote["nothing"]
