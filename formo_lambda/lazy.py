"""Modules that only annotations name: each is loaded when `typing.get_type_hints` evaluates such an annotation."""

from __future__ import annotations

from typing import Any


class _LazyModule:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        from importlib import import_module  # noqa: PLC0415 -- few programs evaluate annotations

        return getattr(import_module(self._name), attribute)


decimal = _LazyModule("decimal")
dt = _LazyModule("datetime")
invocations = _LazyModule("formo_lambda.invocation.invocation")
typing_extensions = _LazyModule("typing_extensions")
uuid = _LazyModule("uuid")
