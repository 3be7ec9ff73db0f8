"""The desk's icons as pictures, of the shapes of tickets/static/tickets/favicon.svg: python -m tests.icons.

A phone wants them to put the desk on its home screen, and beside a notification.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from tests.programs import ROOT

FOLDER = ROOT / "chat" / "static" / "chat"
PURPLE, WHITE = "#7c3aed", "#ffffff"
FINE = 8  # drawn larger and made small, so that edges are smooth


def draw(size: int) -> Image.Image:
    """White bubble with two lines on purple; nothing within a tenth of the edge, which a phone may cut away."""
    unit = size * FINE / 32
    picture = Image.new("RGB", (size * FINE, size * FINE), PURPLE)
    pen = ImageDraw.Draw(picture)

    def box(*corners: float) -> tuple[float, ...]:
        # The icon's own 32 x 32, made smaller around its middle.
        return tuple((16 + (corner - 16) * 0.7) * unit for corner in corners)

    pen.rounded_rectangle(box(3, 3, 29, 24), radius=5 * 0.7 * unit, fill=WHITE)
    pen.polygon(box(8, 22, 8, 30, 16, 23), fill=WHITE)
    for corners in ((9, 9, 23, 12), (9, 15, 18, 18)):
        pen.rectangle(box(*corners), fill=PURPLE)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    for size in (180, 192, 512):
        draw(size).quantize(16).save(FOLDER / f"icono-{size}.png", optimize=True)
