"""Recognise instances of classes whose modules this package does not import."""

from __future__ import annotations

import sys


def is_instance(value: object, module: str, name: str) -> bool:
    """Tell whether `value` is an instance of `module.name`, without importing the module.

    Whoever holds such an instance has imported its module; where it is not loaded, the answer is no.
    """
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(value, cls)
