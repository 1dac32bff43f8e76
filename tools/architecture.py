#!/usr/bin/env python3
"""Draws docs/images/architecture.svg from tools/architecture.toml.

    python3 tools/architecture.py            # write it
    python3 tools/architecture.py --check    # fail if it is not what would be written

Needs Python 3.11 and nothing else. The picture follows the reader's light or dark mode.
"""

import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "architecture.toml"
PICTURE = HERE.parent / "docs" / "images" / "architecture.svg"

BOX_WIDTH, BOX_HEIGHT = 208, 84
GAP_X, GAP_Y = 44, 64
MARGIN, PADDING = 24, 14  # around the picture; around the boxes of a frame

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1b1f24; }
.title { font-weight: 600; font-size: 14px; }
.soft { fill: #4a525c; }
rect { stroke-width: 1.5; }
.back { fill: #ffffff; }
.frame { fill: #f4f6f8; stroke: #aab3be; stroke-dasharray: 5 4; }
.outside { fill: #ffffff; stroke: #6b7580; }
.service { fill: #f3ecfb; stroke: #7c4fb5; }
.function { fill: #e7f0fd; stroke: #0a58ca; }
.store { fill: #e6f4ec; stroke: #16724f; }
.arrow { fill: none; stroke: #4a525c; stroke-width: 1.8; }
.weak { stroke-dasharray: 3 4; }
.head { fill: #4a525c; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ee; }
  .soft { fill: #b0b9c5; }
  .back { fill: #14171c; }
  .frame { fill: #1a1e25; stroke: #4d5763; }
  .outside { fill: #14171c; stroke: #8b95a2; }
  .service { fill: #2a2037; stroke: #b48be6; }
  .function { fill: #16253c; stroke: #7db7ff; }
  .store { fill: #14291f; stroke: #6fdcae; }
  .arrow { stroke: #b0b9c5; }
  .head { fill: #b0b9c5; }
}
"""


def place(box):
    """Left, top, right and bottom of a box."""
    left = MARGIN + PADDING + box["column"] * (BOX_WIDTH + GAP_X)
    top = MARGIN + PADDING + box["row"] * (BOX_HEIGHT + GAP_Y)
    width = box.get("width", 1)
    return left, top, left + width * BOX_WIDTH + (width - 1) * GAP_X, top + BOX_HEIGHT


def draw_box(box):
    left, top, right, bottom = place(box)
    middle = (left + right) / 2
    yield (
        f'<rect class="{box["kind"]}" x="{left}" y="{top}" width="{right - left}"'
        f' height="{bottom - top}" rx="8"/>'
    )
    line = top + (30 if len(box["text"]) > 1 else 36)
    yield text(middle, line, box["title"], "title")
    for part in box["text"]:
        line += 19
        yield text(middle, line, part, "soft")


def draw_frame(frame):
    left, top, _, _ = place({"column": frame["from"], "row": frame["row"]})
    _, _, right, bottom = place({"column": frame["to"], "row": frame["row"]})
    yield (
        f'<rect class="frame" x="{left - PADDING}" y="{top - PADDING - 14}" rx="10"'
        f' width="{right - left + 2 * PADDING}" height="{bottom - top + 2 * PADDING + 14}"/>'
    )
    yield (
        f'<text class="soft" x="{right}" y="{top - 9}" text-anchor="end">'
        f'{escape(frame["title"])}</text>'
    )


def draw_arrow(arrow, boxes):
    start, end = place(boxes[arrow["from"]]), place(boxes[arrow["to"]])
    from_row, to_row = boxes[arrow["from"]]["row"], boxes[arrow["to"]]["row"]
    if from_row == to_row:
        y = (start[1] + start[3]) / 2
        points = [(start[2], y), (end[0], y)]
    else:
        x0, x1 = (start[0] + start[2]) / 2, (end[0] + end[2]) / 2
        points = [(x0, start[3]), (x1, end[1])]
        if x0 != x1:
            # along the gap between the rows, above the title of a frame
            between = start[3] + (GAP_Y - PADDING - 14) / 2
            points[1:1] = [(x0, between), (x1, between)]
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    start_marker = ' marker-start="url(#head)"' if arrow.get("both") else ""
    kind = " weak" if arrow.get("kind") == "weak" else ""
    yield f'<path class="arrow{kind}" d="{path}"{start_marker} marker-end="url(#head)"/>'


def text(x, y, words, kind):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="middle">{escape(words)}</text>'


def draw(source):
    boxes = {box["id"]: box for box in source["boxes"]}
    if len(boxes) != len(source["boxes"]):
        sys.exit(f"{SOURCE.name}: two boxes have the same id")
    for arrow in source["arrows"]:
        for end in ("from", "to"):
            if arrow[end] not in boxes:
                sys.exit(f"{SOURCE.name}: an arrow names {arrow[end]}, which is no box")
    rows = 1 + max(box["row"] for box in source["boxes"])
    columns = source["columns"]
    width = 2 * (MARGIN + PADDING) + columns * BOX_WIDTH + (columns - 1) * GAP_X
    height = 2 * (MARGIN + PADDING) + rows * BOX_HEIGHT + (rows - 1) * GAP_Y
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' role="img" aria-labelledby="title description">',
        "<!-- drawn by tools/architecture.py from tools/architecture.toml -->",
        f'<title id="title">{escape(source["title"])}</title>',
        f'<desc id="description">{escape(source["description"])}</desc>',
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8"'
        ' markerHeight="8" orient="auto-start-reverse">'
        '<path class="head" d="M0 0L10 5L0 10z"/></marker></defs>',
        f'<rect class="back" width="{width}" height="{height}"/>',
    ]
    for frame in source["frames"]:
        lines.extend(draw_frame(frame))
    for box in source["boxes"]:
        lines.extend(draw_box(box))
    for arrow in source["arrows"]:
        lines.extend(draw_arrow(arrow, boxes))
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def main():
    drawn = draw(tomllib.loads(SOURCE.read_text(encoding="utf-8")))
    if sys.argv[1:] == ["--check"]:
        if not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != drawn:
            sys.exit(f"{PICTURE.name} is not current: run python3 tools/architecture.py")
    elif not sys.argv[1:]:
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(drawn, encoding="utf-8")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
