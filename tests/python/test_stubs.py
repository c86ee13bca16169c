"""The extension's type stubs say what the extension is: every name, every parameter."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import millibar as mb
from millibar import _core

STUBS = ast.parse((Path(mb.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in STUBS.body if isinstance(node, ast.ClassDef)}
# What every type has, and what the interpreter shows from 3.12 on only.
GIVEN = {"__buffer__", "__doc__", "__module__", "__getattr__"}
# Struct sequences: what every one has, and the type of their fields.
SEQUENCES = {"n_fields", "n_sequence_fields", "n_unnamed_fields"}


def stub_parameters(node: ast.FunctionDef) -> list[tuple[str, str, bool]]:
    """(name, kind, whether it has a default) of each parameter but self and cls."""
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    first_default = len(positional) - len(a.defaults)
    found = [
        (arg.arg, "positional" if i < len(a.posonlyargs) else "both", i >= first_default)
        for i, arg in enumerate(positional)
    ]
    found += [
        (arg.arg, "keyword", default is not None)
        for arg, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)
    ]
    found += [(arg.arg, "many", False) for arg in (a.vararg, a.kwarg) if arg is not None]
    return [each for each in found if each[0] not in ("self", "cls")]


def runtime_parameters(function: Any) -> list[tuple[str, str, bool]]:
    kinds = {
        inspect.Parameter.POSITIONAL_ONLY: "positional",
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "both",
        inspect.Parameter.KEYWORD_ONLY: "keyword",
        inspect.Parameter.VAR_POSITIONAL: "many",
        inspect.Parameter.VAR_KEYWORD: "many",
    }
    return [
        (p.name, kinds[p.kind], p.default is not inspect.Parameter.empty)
        for p in inspect.signature(function).parameters.values()
        if p.name != "self"
    ]


def functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def test_module_functions() -> None:
    stubs = functions(STUBS.body)
    runtime = {name for name in vars(_core) if inspect.isbuiltin(getattr(_core, name))}
    assert set(stubs) == runtime
    for name, node in stubs.items():
        assert stub_parameters(node) == runtime_parameters(getattr(_core, name)), name


def test_constants() -> None:
    stubs = {
        node.target.id
        for node in STUBS.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    plain = {name for name in vars(_core) if isinstance(getattr(_core, name), (int, str))}
    assert stubs == {name for name in plain if name == "__version__" or not name.startswith("__")}


def test_classes() -> None:
    assert set(CLASSES) == {name for name in vars(_core) if isinstance(getattr(_core, name), type)}


@pytest.mark.parametrize("name", CLASSES)
def test_members(name: str) -> None:
    cls, stubs = getattr(_core, name), functions(CLASSES[name].body)
    members = {member for member in vars(cls) if not member.startswith("__")} - SEQUENCES
    assert {member for member in stubs if not member.startswith("__")} == members
    for member, node in stubs.items():
        if member in GIVEN:
            continue
        is_property = any(
            getattr(each, "id", getattr(each, "attr", "")) in ("property", "setter")
            for each in node.decorator_list
        )
        assert is_property == inspect.isdatadescriptor(getattr(cls, member)), member
        if member == "__new__":
            assert stub_parameters(node) == runtime_parameters(cls)
        elif not is_property and member not in ("__len__", "__getitem__"):
            assert stub_parameters(node) == runtime_parameters(getattr(cls, member)), member
    if not issubclass(cls, tuple):
        with pytest.raises(TypeError, match="not an acceptable base type"):
            type("Derived", (cls,), {})


def test_everything_is_documented() -> None:
    for name in (*functions(STUBS.body), *CLASSES):
        assert getattr(_core, name).__doc__, name
    for name in CLASSES:
        for member in functions(CLASSES[name].body):
            assert member in GIVEN or getattr(getattr(_core, name), member).__doc__, member


def test_the_package_is_typed() -> None:
    assert (Path(mb.__file__).parent / "py.typed").exists()
