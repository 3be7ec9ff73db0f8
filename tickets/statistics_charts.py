"""Charts as SVG, made here: no script, no style but the classes of estadisticas.css, and no width but the page's.

What they show is also in a table beside them, which is what a screen reader and the keyboard get: the charts are hidden
from both, and their links are for the mouse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from django.utils.safestring import SafeString, mark_safe

from tickets.calendar_models import SHORT_DAYS

ROW, BAR_TOP, BAR = 48, 24, 12
COLUMN = 260  # height of the hours' columns
CELL, LABEL = 26, 2  # height of a cell; width of the labels at its left, in cells
LONGEST_LABEL = 30
LEVELS = 5


@dataclass(frozen=True)
class Bar:
    """One row of a chart: what it is, in words; its figures, in words; its parts as (class, length) from the left.

    `tip` is read by whoever points at it.
    """

    label: str
    value: str
    parts: tuple[tuple[str, float], ...]
    tip: str
    url: str


@dataclass(frozen=True)
class Cell:
    """One hour of the week."""

    level: int
    tip: str
    url: str


def bars(rows: Sequence[Bar], *, stacked: bool = False) -> SafeString:
    """A horizontal bar for each row, the longest as wide as the page. Parts lie over each other, or are `stacked`."""
    drawn = sum if stacked else max
    longest = max((drawn(length for _, length in row.parts) for row in rows), default=0) or 1
    chart = svg("barras", len(rows) * ROW)
    for place, row in enumerate(rows):
        top = place * ROW
        link = linked(chart, row.url, row.tip)
        add(link, "rect", x="0", y=top, width="100%", height=ROW - 4, **{"class": "zona"})
        add(link, "text", cut(row.label), x="0", y=top + 17, **{"class": "nombre"})
        add(link, "text", row.value, x="100%", y=top + 17, **{"class": "valor", "text-anchor": "end"})
        add(link, "rect", x="0", y=top + BAR_TOP, width="100%", height=BAR, rx="3", **{"class": "pista"})
        left = 0.0
        for name, length in row.parts:
            at, width = share(left if stacked else 0, longest), share(length, longest)
            add(link, "rect", x=at, y=top + BAR_TOP, width=width, height=BAR, rx="3", **{"class": name})
            left += length
    return written(chart)


def columns(rows: Mapping[int, Bar]) -> SafeString:
    """An upright bar for each hour of the day that has one; parts lie over each other."""
    longest = max((length for row in rows.values() for _, length in row.parts), default=0) or 1
    chart = svg("horas", COLUMN + CELL)
    for hour in range(24):
        left, middle = share(hour + 0.1, 24), share(hour + 0.5, 24)
        if hour % 3 == 0:
            place = {"x": middle, "y": COLUMN + 18, "text-anchor": "middle"}
            add(chart, "text", f"{hour} h", **place, **{"class": "hora"})
        add(chart, "rect", x=left, y="0", width=share(0.8, 24), height=COLUMN, rx="3", **{"class": "pista"})
        if row := rows.get(hour):
            link = linked(chart, row.url, row.tip)
            for name, length in row.parts:
                tall = round(COLUMN * length / longest)
                place = {"x": left, "y": COLUMN - tall, "width": share(0.8, 24), "height": tall}
                add(link, "rect", **place, rx="3", **{"class": name})
            add(link, "rect", x=share(hour, 24), y="0", width=share(1, 24), height=COLUMN, **{"class": "zona"})
    return written(chart)


def week(cells: Mapping[int, Cell]) -> SafeString:
    """The hours of the week as a map: a row for each day, darker where `level` is higher. Keyed as Segment.slot."""
    columns = 24 + LABEL
    chart = svg("semana", 8 * CELL)
    for hour in range(24):
        if hour % 3 == 0:
            at = share(hour + LABEL, columns)
            add(chart, "text", f"{hour} h", x=at, y=16, **{"class": "hora"})
    for day, name in enumerate(SHORT_DAYS):
        top = (day + 1) * CELL
        add(chart, "text", name, x="0", y=top + 17, **{"class": "dia"})
        for hour in range(24):
            place = {"x": share(hour + LABEL, columns), "y": top, "width": share(1, columns), "height": CELL}
            cell = cells.get(day * 24 + hour)
            if cell is None:
                add(chart, "rect", **place, **{"class": "celda vacia"})
            else:
                add(linked(chart, cell.url, cell.tip), "rect", **place, **{"class": f"celda nivel-{cell.level}"})
    return written(chart)


def levels(values: Mapping[int, int]) -> dict[int, int]:
    """Each value's level from 1 to LEVELS, by its rank among the values, so that one very long one hides no other."""
    ranked = sorted(set(values.values()))
    return {name: 1 + ranked.index(value) * LEVELS // len(ranked) for name, value in values.items()}


def svg(name: str, height: int) -> ElementTree.Element:
    return ElementTree.Element(
        "svg", {"class": f"grafica {name}", "width": "100%", "height": str(height), "aria-hidden": "true"}
    )


def linked(chart: ElementTree.Element, url: str, tip: str) -> ElementTree.Element:
    link = ElementTree.SubElement(chart, "a", {"href": url, "tabindex": "-1"})
    ElementTree.SubElement(link, "title").text = tip
    return link


def add(parent: ElementTree.Element, tag: str, text: str | None = None, /, **attributes: object) -> None:
    ElementTree.SubElement(parent, tag, {name: str(value) for name, value in attributes.items()}).text = text


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"


def cut(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def written(chart: ElementTree.Element) -> SafeString:
    """The chart as HTML; ElementTree has escaped every text and attribute."""
    return mark_safe(ElementTree.tostring(chart, encoding="unicode", short_empty_elements=False))  # noqa: S308
