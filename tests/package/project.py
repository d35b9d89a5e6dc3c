"""Where the project's files are, for the tests that read them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "formo_lambda"
TESTS = ROOT / "tests"

_PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
#: The supported versions of Python, as the classifiers name them: "3.10" and later, the oldest first.
PYTHONS: list[str] = re.findall(r':: Python :: (3\.\d+)"', _PYPROJECT)


def module_name(path: Path) -> str:
    """Return the dotted name under which a file of the project is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
