"""What axe-core has to say of a page: light and dark, as wide as a desk and as narrow as a phone."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

WIDE: ViewportSize = {"width": 1440, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
# It need not read the style sheets themselves: only an experimental rule does.
ALL = {"resultTypes": ["violations"], "preload": False}
# Of all rules only this one asks for colours.
COLOURS = {**ALL, "runOnly": ["color-contrast"]}


def looked_at(page: Page) -> str:
    """The violations on the page as it stands, a line for each element; empty without any. Leaves it wide and light."""
    found = violations(page, "light", ALL)
    page.emulate_media(color_scheme="dark")
    found += violations(page, "dark", COLOURS)
    page.set_viewport_size(PHONE)
    found += violations(page, "dark, phone", ALL)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    return "\n".join(found)


def violations(page: Page, how: str, options: dict[str, object]) -> list[str]:
    found = Axe().run(page, options=options).response["violations"]
    nodes = [(one["id"], node) for one in found for node in one["nodes"]]
    return [f"{how}: {rule} {node['target']} {node['html'][:160]} {node['failureSummary']}" for rule, node in nodes]
