"""lumibot's module paths, leading to millibar's own classes: lumibot need not be installed.

    from millibar.compat import lumibot
    lumibot.install()
    from lumibot.strategies import Strategy     # millibar.strategy.Strategy

After `install()`, `import lumibot` and everything below it finds the modules of `_map.py`, made of
names that are looked up when first used. What millibar has no counterpart of is there by name where
strategy files commonly import it beside what they use (brokers, vendors' data sources), and says
what to do when it is used; any other name is an ImportError that says the same. `uninstall()` takes
it all away again.
"""

from __future__ import annotations

import sys

from millibar.compat.lumibot._finder import FINDER, NotInMillibar, is_found

__all__ = ["NotInMillibar", "install", "installed", "uninstall"]


def installed() -> bool:
    """Whether `import lumibot` finds millibar's classes."""
    return FINDER in sys.meta_path


def install() -> None:
    """Makes `import lumibot` find millibar's classes, in this process, until `uninstall()`.

    Raises:
        ImportError: lumibot itself has been imported; both at once would be neither.
    """
    if installed():
        return
    real = sys.modules.get("lumibot")
    if real is not None:
        raise ImportError(
            f"lumibot itself is already imported (from {getattr(real, '__file__', 'somewhere')}): "
            "its modules cannot be replaced under those who hold them. Call install() before "
            "anything imports lumibot, or use lumibot over millibar's data: "
            "`millibar run --engine lumibot FILE`",
            name="lumibot",
        )
    sys.meta_path.insert(0, FINDER)


def uninstall() -> None:
    """Takes the modules away; classes already imported from them stay what they are."""
    if not installed():
        return
    sys.meta_path.remove(FINDER)
    for name in [name for name, module in sys.modules.items() if is_found(name, module)]:
        del sys.modules[name]
