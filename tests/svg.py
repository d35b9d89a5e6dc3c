"""SVG pictures for the pages of the project, legible on light and on dark ones.

The background is transparent and the colours stand out from white and from near-black alike: a picture in a page cannot
know which of the two that page shows.
"""

from __future__ import annotations

from html import escape

#: Text, axes and whatever is not the point.
GREY = "#737a84"
#: What the picture is about.
BLUE = "#2a78d6"
#: What went well.
GREEN = "#0e8a6a"

_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


class Picture:
    """Shapes and text on a transparent ground.

    Args:
        width: In pixels, as are all lengths below.
        height: In pixels.
        title: What the picture is, for those who cannot see it.
        description: What there is to be seen, likewise.
    """

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        words = f'role="img" aria-labelledby="title description" font-family="{escape(_FONT)}" font-size="14"'
        self._lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {words}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
        ]

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        colour: str = GREY,
        size: int = 14,
        bold: bool = False,
        end: bool = False,
    ) -> None:
        """Write words from `x` on, or up to it if `end`, with their base line at `y`."""
        extra = (' font-weight="600"' if bold else "") + (' text-anchor="end"' if end else "")
        extra += f' font-size="{size}"' if size != 14 else ""
        self._lines.append(f'<text x="{x:g}" y="{y:g}" fill="{colour}"{extra}>{escape(words, quote=False)}</text>')

    def bar(self, x: float, y: float, width: float, height: float, *, colour: str = GREY, hollow: bool = False) -> None:
        """Draw a rectangle whose upper left corner is at `x` and `y`."""
        paint = f'fill="none" stroke="{colour}"' if hollow else f'fill="{colour}"'
        self._lines.append(f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" rx="2" {paint}/>')

    def dot(self, x: float, y: float, radius: float, *, colour: str = GREY) -> None:
        """Draw a dot around `x` and `y`."""
        self._lines.append(f'<circle cx="{x:.1f}" cy="{y:g}" r="{radius:g}" fill="{colour}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, *, colour: str = GREY, dashed: bool = False) -> None:
        """Draw a line from one point to another."""
        dashes = ' stroke-dasharray="4 4"' if dashed else ""
        ends = f'x1="{x1:.1f}" y1="{y1:g}" x2="{x2:.1f}" y2="{y2:g}"'
        self._lines.append(f'<line {ends} stroke="{colour}"{dashes}/>')

    def __str__(self) -> str:
        return "\n".join([*self._lines, "</svg>", ""])
