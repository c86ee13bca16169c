"""Modules made of names that lead elsewhere, and the finder that makes them.

Every module is a package to the import system, whatever it is in lumibot: only then does a missing
name of `from module import name` come back to the finder, which can say what to do about it.

Some modules of lumibot's are written against its public classes alone (`BORROWED`). Where lumibot
is installed they are loaded from it, and run over millibar's classes; lumibot itself is not
imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

from millibar import _runs
from millibar.compat.lumibot._map import BORROWED, MODULES
from millibar.errors import UnsupportedError

_ABSENT = "absent"


class NotInMillibar(ImportError):
    """A module or name of lumibot's that millibar has no counterpart of."""


def is_borrowed(path: str) -> bool:
    """Whether a module is taken from an installed lumibot, if there is one."""
    return any(path == name or path.startswith(f"{name}.") for name in BORROWED)


def borrowed(path: str) -> ModuleSpec | None:
    """The spec of lumibot's own file; None where lumibot is not installed, or has none."""
    places: Sequence[str] | None = None
    spec = None
    for depth in range(1, path.count(".") + 2):
        spec = PathFinder.find_spec(".".join(path.split(".")[:depth]), places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return spec


def advice(name: str) -> str:
    """What to do about a name that is not there."""
    if is_borrowed(name) or is_borrowed(name.rpartition(".")[0]):
        return (
            f"{name} is lumibot's own and runs over millibar's classes where lumibot is installed "
            "beside them: pip install 'millibar[lumibot]'"
        )
    return (
        f"{name} has no counterpart in millibar's own engine: run the same file inside lumibot, "
        "over millibar's data, with `millibar run --engine lumibot FILE`"
    )


class Absent(type):
    """The class of names that are there only to be imported: using one raises. A vendor's data
    source is one of the bars given in its place, where there are some (_runs.given_bars), and a
    broker can be made, since files make one before they know that they are backtested."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_: Any
    ) -> Absent:
        for base in bases:
            if isinstance(base, Absent):
                base._refuse()
        return super().__new__(cls, name, bases, namespace)

    def _refuse(cls) -> NoReturn:
        raise UnsupportedError(advice(f"{cls.__module__}.{cls.__name__}"))

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__module__.startswith("lumibot.brokers"):
            return LiveBroker(f"{cls.__module__}.{cls.__name__}")
        bars = _runs.given_bars()
        if bars is None or not cls.__module__.startswith("lumibot.backtesting"):
            cls._refuse()
        return _in_place_of_a_vendor(bars, *args, **kwargs)

    def __getattr__(cls, name: str) -> NoReturn:
        raise AttributeError(advice(f"{cls.__module__}.{cls.__name__}"), name=name, obj=cls)


class LiveBroker:
    """A broker that trades live, and so does nothing here; a strategy may be made with it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def _adopt(self, strategy: Any) -> None:
        """A strategy is made; backtest(), of its class, has a broker of its own."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UnsupportedError(
            f"{name} of a live broker: {advice(self.__dict__.get('_path', 'it'))}"
        )


def _in_place_of_a_vendor(
    bars: Mapping[Any, Any],
    datetime_start: Any = None,
    datetime_end: Any = None,
    *_: Any,
    **__: Any,
) -> Any:
    """The data source of the bars given; what else a vendor wants to know is of no use to it."""
    from millibar.source import PandasDataBacktesting

    return PandasDataBacktesting(
        datetime_start=datetime_start, datetime_end=datetime_end, data=bars
    )


class ForwardingModule(ModuleType):
    """A module of lumibot's whose names lead to millibar's."""

    def __getattr__(self, name: str) -> Any:
        path = self.__name__
        if f"{path}.{name}" in MODULES:
            return import_module(f"{path}.{name}")
        if name not in MODULES[path]:
            raise AttributeError(advice(f"{path}.{name}"), name=name, obj=self)
        value = _resolve(path, name, MODULES[path][name])
        setattr(self, name, value)
        return value

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *MODULES[self.__name__]})


def _resolve(path: str, name: str, target: str) -> Any:
    """The value of a name: an attribute of a module of millibar's, or an absent one."""
    if target == _ABSENT:
        return Absent(name, (), {"__module__": path, "__doc__": advice(f"{path}.{name}")})
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


class Finder(Loader):
    """Finds `lumibot` and what is below it; knows nothing of other names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of the map, or of one that is lumibot's own.

        Raises:
            NotInMillibar: a module, or a name asked of one, that is not in the map.
        """
        if is_borrowed(fullname) and (spec := borrowed(fullname)) is not None:
            return spec
        if fullname in MODULES:
            return ModuleSpec(fullname, self, origin="millibar.compat.lumibot", is_package=True)
        if fullname.startswith("lumibot."):
            raise NotInMillibar(advice(fullname), name=fullname)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module of forwarding names."""
        return ForwardingModule(spec.name, f"millibar's counterpart of {spec.name}.")

    def exec_module(self, module: ModuleType) -> None:
        """Names are looked up when used; `from module import *` takes those that lead somewhere."""
        names = MODULES[module.__name__]
        module.__dict__["__all__"] = sorted(
            name for name, target in names.items() if target != _ABSENT and not name.startswith("_")
        )
        parent, _, own = module.__name__.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], own, module)


FINDER = Finder()


def is_ours(module: Any) -> bool:
    """Whether a module was made by the finder."""
    return isinstance(module, ForwardingModule)


def is_found(name: str, module: Any) -> bool:
    """Whether a module came from the finder: made by it, or borrowed."""
    return is_ours(module) or is_borrowed(name)
