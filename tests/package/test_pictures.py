"""The pictures of the pages are legible, and say what was measured."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks import picture
from tests.package.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = [picture.FILE, ROOT / "samples" / "demo.svg"]
#: The grounds of a light page and of a dark one.
GROUNDS = ("#ffffff", "#0d1117")
SVG = "{http://www.w3.org/2000/svg}"


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21, as the accessibility guidelines define it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour such as `#2a78d6`."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_a_picture_stands_out_from_light_and_dark_pages(file: Path) -> None:
    """Each colour of a picture, whose ground is transparent, has a contrast of 4 to white and to a dark page."""
    colours = set(re.findall(r"#[0-9a-f]{6}\b", file.read_text(encoding="utf-8")))
    assert len(colours) > 1
    assert min(contrast(colour, ground) for colour in colours for ground in GROUNDS) > 4


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_a_picture_can_be_read_aloud(file: Path) -> None:
    """A picture has a title and a description that give its figures, and its words are text."""
    svg = ET.parse(file).getroot()
    named = [svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")]
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == " ".join(element.get("id", "") for element in named if element is not None)
    assert all(element is not None and element.text for element in named)
    assert len(svg.findall(f"{SVG}text")) > 10


def test_the_delays_are_drawn_from_the_recorded_results() -> None:
    """The picture of the delays is what the recorded results give."""
    results = json.loads((picture.FILE.parent / "results.json").read_text(encoding="utf-8"))
    assert picture.FILE.read_text(encoding="utf-8") == picture.draw(results["delays"])
