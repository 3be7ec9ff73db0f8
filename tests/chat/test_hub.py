"""The hub: what each open page is told, once, in order, and again when it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from chat import hub as hub_module
from chat.hub import Hub

ANA, LUIS = 1, 2


def told(chunk: bytes) -> list[tuple[str, str]]:
    """The events of a chunk as (name, data), without the beginning of a stream."""
    lines = [line.split(": ", 1) for line in chunk.decode().splitlines() if line and not line.startswith("retry")]
    names = [value for name, value in lines if name == "event"]
    data = [value for name, value in lines if name == "data"]
    return list(zip(names, data, strict=True))


def last_id(chunk: bytes) -> str:
    return [line[4:] for line in chunk.decode().splitlines() if line.startswith("id: ")][-1]


class Page:
    """One open page: it begins to listen, and reads what it was told by then."""

    def __init__(self, hub: Hub, user: int, last: str = "") -> None:
        self.stream = hub.listen(user, None, last)

    async def begin(self) -> list[tuple[str, str]]:
        assert told(await anext(self.stream)) == [("hola", "{}")]
        return await self.read()

    async def read(self) -> list[tuple[str, str]]:
        self.chunk = await asyncio.wait_for(anext(self.stream), 5)
        return told(self.chunk)


def live(test: Callable[[Hub], Awaitable[None]]) -> Callable[[], None]:
    """A test that runs in an event loop, with a hub that serves from it."""

    async def run() -> None:
        hub = Hub()
        hub.start()
        await test(hub)

    def wrapped() -> None:
        asyncio.run(run())

    return wrapped


async def reader(hub: Hub, user: int = ANA, last: str = "") -> Page:
    page = Page(hub, user, last)
    await page.begin()
    return page


def ticket(number: int) -> tuple[str, dict[str, Any]]:
    return "ticket", {"ticket": number}


def as_told(number: int) -> tuple[str, str]:
    return "ticket", f'{{"ticket": {number}}}'


@live
async def test_a_page_that_heard_nothing_before_is_told_to_ask_for_everything(hub: Hub) -> None:
    assert await Page(hub, ANA).begin() == [("todo", "{}")]


@live
async def test_what_is_announced_reaches_every_page_in_order(hub: Hub) -> None:
    pages = [await reader(hub), await reader(hub, LUIS)]
    hub.tell(*ticket(7))
    hub.tell(*ticket(8))
    await asyncio.sleep(0)
    assert [await page.read() for page in pages] == [[as_told(7), as_told(8)]] * 2


@live
async def test_what_is_for_one_person_reaches_nobody_else(hub: Hub) -> None:
    ana, luis = await reader(hub), await reader(hub, LUIS)
    hub.tell("aviso", {"ticket": 7}, [LUIS])
    hub.tell(*ticket(8))
    await asyncio.sleep(0)
    assert await ana.read() == [as_told(8)]
    assert await luis.read() == [("aviso", '{"ticket": 7}'), as_told(8)]


@live
async def test_what_changes_often_before_a_page_reads_is_told_once(hub: Hub) -> None:
    page = await reader(hub)
    for number in (7, 8, 7, 7):
        hub.tell(*ticket(number))
    await asyncio.sleep(0)
    assert await page.read() == [as_told(8), as_told(7)]


@live
async def test_a_page_that_comes_back_is_told_what_it_missed(hub: Hub) -> None:
    page = await reader(hub)
    hub.tell(*ticket(7))
    await asyncio.sleep(0)
    await page.read()
    await page.stream.aclose()
    hub.tell(*ticket(8))
    hub.tell("aviso", {"ticket": 9}, [LUIS])
    await asyncio.sleep(0)
    assert await Page(hub, ANA, last_id(page.chunk)).begin() == [as_told(8)]


@live
async def test_typing_of_a_while_ago_is_not_told_to_a_page_that_comes_back(hub: Hub) -> None:
    page = await reader(hub)
    last = last_id(page.chunk)
    hub.tell("persona", {"ticket": 7})
    hub.tell(*ticket(8))
    await asyncio.sleep(0)
    assert await Page(hub, ANA, last).begin() == [as_told(8)]


@pytest.mark.parametrize("last", ["otro-1", "x", "-", "{name}-99", "{name}-²", "{name}--1", "\x00"])
def test_a_page_with_a_number_that_is_not_ours_asks_for_everything(last: str) -> None:
    async def run(hub: Hub) -> None:
        hub.tell(*ticket(7))
        await asyncio.sleep(0)
        assert await Page(hub, ANA, last.format(name=hub.name)).begin() == [("todo", "{}")]

    live(run)()


def test_a_page_that_was_away_for_more_than_is_remembered_asks_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "REMEMBERED", 3)

    async def run(hub: Hub) -> None:
        last = f"{hub.name}-0"
        for number in range(3):
            hub.tell(*ticket(number))
        await asyncio.sleep(0)
        assert await Page(hub, ANA, last).begin() == [as_told(0), as_told(1), as_told(2)]
        hub.tell(*ticket(3))
        await asyncio.sleep(0)
        assert await Page(hub, ANA, last).begin() == [("todo", "{}")]

    live(run)()


@live
async def test_a_page_that_reads_too_slowly_is_told_to_ask_for_everything(hub: Hub) -> None:
    page = await reader(hub)
    for number in range(hub_module.MOST_PENDING + 1):
        hub.tell(*ticket(number))
    await asyncio.sleep(0)
    assert await page.read() == [("todo", "{}")]


@live
async def test_while_announcements_do_not_reach_the_hub_its_pages_know(hub: Hub) -> None:
    page = await reader(hub)
    hub.feed(up=False)
    assert await page.read() == [("corte", "{}")]
    assert await Page(hub, LUIS).begin() == [("corte", "{}")]
    hub.feed(up=True)
    assert await page.read() == [("todo", "{}")]


@live
async def test_while_announcements_do_not_reach_the_hub_its_sign_of_life_says_so(hub: Hub) -> None:
    page = await reader(hub)
    (stream,) = hub.streams
    hub.feed(up=False)
    await page.read()
    for up, sign in ((False, ("corte", "{}")), (True, ("latido", "{}"))):
        hub.up, stream.beat = up, True
        stream.wake.set()
        assert await page.read() == [sign]


@live
async def test_a_hub_that_stops_ends_its_streams(hub: Hub) -> None:
    page = await reader(hub)
    hub.stop()
    await asyncio.sleep(0)
    assert await page.read() == [("fin", "{}")]
    assert [chunk async for chunk in page.stream] == []
    assert hub.streams == set()


@live
async def test_a_page_that_leaves_is_forgotten(hub: Hub) -> None:
    page = await reader(hub)
    async with aclosing(page.stream):
        assert len(hub.streams) == 1
    assert hub.streams == set()


def test_without_an_event_loop_nobody_is_told_and_nothing_fails() -> None:
    Hub().tell(*ticket(7))
    hub = Hub()

    async def run() -> None:
        hub.start()

    asyncio.run(run())
    hub.tell(*ticket(7))
