"""SmartLimitConfig: how a SMART_LIMIT order walks from one side of the spread to the other.

The engine has no such order: it refuses one when it is submitted. The settings are values all the
same, so that a strategy that names them can be read and told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millibar.assets import StrEnum, TradingSlippage

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SmartLimitConfig", "SmartLimitPreset"]


class SmartLimitPreset(StrEnum):
    """Pace of the walk."""

    FAST = "fast"
    NORMAL = "normal"
    PATIENT = "patient"


# Steps, and seconds a step.
_PACES = {
    SmartLimitPreset.FAST: (3, 5),
    SmartLimitPreset.NORMAL: (4, 10),
    SmartLimitPreset.PATIENT: (5, 20),
}


@dataclass
class SmartLimitConfig:
    """Settings of a SMART_LIMIT order.

    preset: a SmartLimitPreset or its text.
    final_price_pct: share of the spread that the last step may give up; 1.0 is all of it.
    slippage: a TradingSlippage or an amount of currency.
    step_seconds, final_hold_seconds: instead of the preset's pace, and of 120.
    """

    preset: SmartLimitPreset = SmartLimitPreset.NORMAL
    final_price_pct: float = 1.0
    slippage: Any = None
    step_seconds: int | None = None
    final_hold_seconds: int | None = None

    def __post_init__(self) -> None:
        self.preset = SmartLimitPreset(self.preset)
        if self.slippage is not None and not isinstance(self.slippage, TradingSlippage):
            self.slippage = TradingSlippage(amount=self.slippage)

    def get_step_count(self) -> int:
        """Steps from the first price to the last."""
        return _PACES[self.preset][0]

    def get_step_seconds(self) -> int:
        """Seconds between steps."""
        return _PACES[self.preset][1] if self.step_seconds is None else int(self.step_seconds)

    def get_final_hold_seconds(self) -> int:
        """Seconds at the last price."""
        return 120 if self.final_hold_seconds is None else int(self.final_hold_seconds)

    def get_slippage_amount(self) -> float:
        """Currency; 0 where none is set."""
        return 0.0 if self.slippage is None else float(self.slippage.amount)

    def to_dict(self) -> dict[str, Any]:
        """The settings; `from_dict` takes them back."""
        return {
            "preset": self.preset.value,
            "final_price_pct": float(self.final_price_pct),
            "slippage": self.slippage.to_dict() if self.slippage else None,
            "step_seconds": self.step_seconds,
            "final_hold_seconds": self.final_hold_seconds,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Self | None:
        """The settings of a `to_dict()`; None for None."""
        if data is None:
            return None
        return cls(
            preset=data.get("preset", SmartLimitPreset.NORMAL),
            final_price_pct=data.get("final_price_pct", 1.0),
            slippage=TradingSlippage.from_dict(data.get("slippage")),
            step_seconds=data.get("step_seconds"),
            final_hold_seconds=data.get("final_hold_seconds"),
        )
