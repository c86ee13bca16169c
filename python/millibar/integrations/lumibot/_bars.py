"""lumibot's Bars over a window in C: the DataFrame is made when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lumibot.constants import LUMIBOT_DEFAULT_PYTZ
from lumibot.entities import Bars as LumibotBars

from millibar._window_bars import WindowBars


class Bars(WindowBars, LumibotBars):  # type: ignore[misc]
    """lumibot's Bars, with everything it offers, whose rows stay in C until a frame is asked for.

    `len()`, `empty`, `column(name)` and `times` never make a frame; `df`, `pandas_df`, `polars_df`
    and every inherited method do, and give exactly what lumibot's Bars would have held.

    The constructor is lumibot's; the data sources use `over`.
    """

    _tzinfo: Any = LUMIBOT_DEFAULT_PYTZ

    if TYPE_CHECKING:  # lumibot is not typed

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
