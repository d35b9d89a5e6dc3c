"""The pages of the project, and what can be found in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.package.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = ROOT / "README.md"
GUIDES = ROOT / "samples" / "README.md"
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
PROMISES = ROOT / "tests" / "promises" / "README.md"
#: All pages that are written by hand.
PAGES = [
    README,
    GUIDES,
    CONTRIBUTING,
    PROMISES,
    ROOT / ".github" / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    ROOT / "tests" / "runtimes" / "README.md",
    *sorted((ROOT / "samples").glob("*/README.md")),
]

#: Where a file of the project is found from everywhere: read as a page, as a folder, or as it is.
REPOSITORY = re.compile(
    r"https://(?:github\.com/getformo/formo-lambda/(?:blob|tree)|raw\.githubusercontent\.com/getformo/formo-lambda)/main/"
)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Return a page's blocks of code in one language, each with the number of lines before it."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start(1)), found[1])
        for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and images."""
    return re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def make_targets(page: Path) -> set[str]:
    """Return the targets of make that a page names, in blocks of commands and between backticks."""
    return set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE))


def paths(page: Path) -> Iterator[str]:
    """Yield the files and folders of the project that a page names between backticks."""
    for found in re.finditer(r"`((?:formo_lambda|samples|tests)/[\w/.]*)", page.read_text(encoding="utf-8")):
        yield found[1]
