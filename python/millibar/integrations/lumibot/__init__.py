"""lumibot's data sources and Bars with the bars held in C: change the import, keep the program.

    from millibar.integrations.lumibot import PandasDataBacktesting

gives the class of that name, inside lumibot itself, with the same trades to the bit. This is the
only part of millibar that imports lumibot.
"""

from ._bars import Bars
from ._pandas import PandasDataBacktesting
from ._speed import SpeedMeter

__all__ = ["Bars", "PandasDataBacktesting", "SpeedMeter"]
