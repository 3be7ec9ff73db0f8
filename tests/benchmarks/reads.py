"""Reading: a page that polls, a conversation, the table. Each on SQLite and on PostgreSQL, beside the control there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from tests.benchmarks.load import get, post
from tests.benchmarks.measure import Round, middle, ratio, take_turns
from tests.benchmarks.report import Row
from tests.benchmarks.stand import Stand, Stands

WHOLE = "/ticket/{}/conversacion"


def poll(stands: Stands) -> Row:
    """Both ways in which nothing is new; a page's is the first, because browsers send the tag by themselves.

    And what it says besides, of some open chats: that it is there.
    """
    row = Row("poll", "GET …/conversacion?desde= with nothing new, logged in: 304 by its ETag, and 200 without one; "
              "POST …/presencia.", "at least 1.9 x control by ETag")  # fmt: skip
    for stand in stands.both():
        since = stand.paths(f"{WHOLE}?desde={stand.who['messages']}", 500)
        found = stands.measure(stand, {
            "ETag": stand.turn("web", stand.tagged(since), stands.seconds, 304),
            "desde": stand.turn("web", since, stands.seconds),
            "presence": stand.turn("web", present(stand), stands.seconds),
        })  # fmt: skip
        tell(row, stand, found, {"ETag": 1.9, "desde": 0, "presence": 0})
    return row


def present(stand: Stand) -> list[bytes]:
    tickets = stand.who["open"][:50]
    return [
        post(f"/ticket/{one}/presencia", {"escribiendo": False, "borrador": False}, stand.cookie["Cookie"])
        for one in tickets
    ]


def conversation(stands: Stands) -> Row:
    row = Row("conversation", "GET …/conversacion, 20 messages, logged in.", "at least 0.85 x control")
    row.why = (
        "the desk asks four questions (the ticket, its version, its messages, who joined) and the control three; and "
        "for each request it borrows a connection from Django's pool, while the control keeps its own. With SQLite a "
        "question costs hardly more than its writing."
    )
    for stand in stands.both():
        found = stands.measure(stand, {"whole": stand.turn("web", stand.paths(WHOLE), stands.seconds)})
        tell(row, stand, found, {"whole": 0.85})
    return row


def table(stands: Stands) -> Row:
    row = Row("table", "GET /, the page with its 50 rows; what it asks again, with its ETag; GET /tickets, 50 as JSON; "
              "GET /avisos/pendientes.",
              "at least 0.3 x control for the page, and at most 5 queries (tests/tickets/test_table.py)")  # fmt: skip
    row.why = (
        "the six counts beside the tabs are most of what PostgreSQL does for it. What asks again and again is the "
        "fragment."
    )
    for stand in stands.both():
        page, part = [get("/", **stand.cookie)], [get("/?parcial=1", **stand.cookie)]
        found = stands.measure(stand, {
            "page": stand.turn("web", page, stands.seconds),
            "fragment, 304": stand.turn("web", stand.tagged(part), stands.seconds, 304),
            "JSON": stand.turn("web", [get("/tickets", **stand.cookie)], stands.seconds),
            "pending": stand.turn("web", [get("/avisos/pendientes", **stand.cookie)], stands.seconds),
        })  # fmt: skip
        tell(row, stand, found, {"page": 0.3, "fragment, 304": 0, "JSON": 0, "pending": 0})
    return row


def table_large(stands: Stands) -> Row:
    """Against the smaller desk, in turns."""
    row = Row("table-large", "GET / with ten times the tickets, beside the same with 10,000.", "within 1.2 x")
    for postgres in (False, True):
        with ExitStack() as stack:
            small, name = stands.sqlite if not postgres else stands.postgres, "PostgreSQL" if postgres else "SQLite"
            large = Stand(stack, 10 * stands.tickets, postgres=postgres, messages=1)
            ways: dict[str, Callable[[], Round]] = {
                "small": small.turn("web", [get("/", **small.cookie)], stands.seconds),
                "large": large.turn("web", [get("/", **large.cookie)], stands.seconds),
            }
            found = take_turns(ways, stands.rounds)
        tell_growth(row, name, found, 1.2)
    return row


def conversation_large(stands: Stands) -> Row:
    """`make bench-big`: the same conversation among 25 times the messages."""
    row = Row("conversation-large", "GET …/conversacion of 20 messages among 5 million, beside the same among 200,000.",
              "within 1.15 x")  # fmt: skip
    row.why = (
        "a random ticket of the small desk is found in PostgreSQL's own buffers (128 MB, its default), one of the "
        "large desk in the system's, from where its pages are copied first."
    )
    for postgres in (False, True):
        with ExitStack() as stack:
            small, name = stands.sqlite if not postgres else stands.postgres, "PostgreSQL" if postgres else "SQLite"
            large = Stand(stack, 25 * stands.tickets, postgres=postgres)
            ways = {
                "small": small.turn("web", small.paths(WHOLE), stands.seconds),
                "large": large.turn("web", large.paths(WHOLE), stands.seconds),
            }
            found = take_turns(ways, stands.rounds)
        row.figures[f"{name}: messages"] = f"{20 * stands.tickets:,} and {20 * 25 * stands.tickets:,}"
        tell_growth(row, name, found, 1.15)
    return row


def tell_growth(row: Row, name: str, found: dict[str, list[Round]], most: float) -> None:
    """The large desk beside the small one; the processor's part tells where the time goes."""
    for part, key in (("the web", "cpu_ms"), ("the database", "database_ms")):
        if name == "PostgreSQL" or key == "cpu_ms":
            times = " and ".join(f"{middle(rounds, key):.2f}" for rounds in found.values())
            row.figures[f"{name}: ms of processor of {part}, small and large"] = times
    row.at_most(f"{name}: x the time of the small one", ratio(found["small"], found["large"]), most)


def tell(row: Row, stand: Stand, found: dict[str, list[Round]], least: dict[str, float]) -> None:
    """Each way beside the control, on this database."""
    for name, rounds in found.items():
        row.figures[f"{stand.name}, {name}: requests a second"] = round(middle(rounds, "rate"))
        database = f" + {middle(rounds, 'database_ms'):.2f} in the database" if stand.server else ""
        row.figures[f"{stand.name}, {name}: CPU ms a request"] = f"{middle(rounds, 'cpu_ms'):.2f}{database}"
        if name != "control":
            row.at_least(f"{stand.name}, {name}: x control", ratio(rounds, found["control"]), least[name])
