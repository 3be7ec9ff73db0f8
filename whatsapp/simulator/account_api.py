"""The paths of WAHA about the account itself: its QR code, logging out, its chats, who is writing."""

import hashlib
import re
import struct
import time
import zlib

from . import waha
from .phones import chat_id_of
from .waha_api import check_key, check_working, number_in, session_body
from .wire import Answer, RefusedError, Request, Route, as_json, nest_error

MODULES, SCALE, NEW_QR_S = 25, 8, 20


def qr_code(request: Request, session: str) -> Answer:
    """A picture that looks like a QR code and changes as they do; refused while there is nothing to scan."""
    check_key(request)
    ours = request.simulator.session
    if session != ours.name or ours.status == waha.STOPPED:
        raise RefusedError(as_json(404, waha.no_session(session)))
    if ours.status != waha.SCAN_QR_CODE:
        refusal = {**waha.not_expected_status(session, ours.status), "expected": [waha.SCAN_QR_CODE]}
        raise RefusedError(as_json(422, refusal))
    return Answer(200, picture(f"{session} {time.time() // NEW_QR_S}"), "image/png")


def log_out(request: Request, session: str) -> Answer:
    """The linked phone is forgotten, and the session starts from scratch."""
    check_key(request)
    if session != request.simulator.session.name:
        raise RefusedError(nest_error(404, "Session not found", "Not Found"))
    request.simulator.session.log_out()
    return as_json(201, session_body(request))


def overview(request: Request, session: str) -> Answer:
    """The chats, those with news first."""
    check_key(request)
    check_working(request, session)
    chats = request.simulator.chats()
    offset, limit = number_in(request, "offset", 0), number_in(request, "limit", 20)
    return as_json(200, chats[offset : offset + limit])


def watch(request: Request, session: str, chat: str) -> Answer:
    """From now on the desk is told when that person writes."""
    check_key(request)
    check_working(request, session)
    request.simulator.signs.watch(chat_id_of(chat) or "")
    return Answer(201)


def picture(seed: str) -> bytes:
    """Out: a PNG of random modules with the three corners of a QR code."""
    digest = b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(3))
    bits = [digest[n // 8] >> (n % 8) & 1 == 1 for n in range(MODULES * MODULES)]
    dark = [bits[n : n + MODULES] for n in range(0, MODULES * MODULES, MODULES)]
    for top, left in ((0, 0), (0, MODULES - 7), (MODULES - 7, 0)):
        for y in range(7):
            for x in range(7):
                ring = max(abs(y - 3), abs(x - 3))
                dark[top + y][left + x] = ring != 2
    quiet = 2
    rows = [[False] * (MODULES + 2 * quiet)] * quiet
    rows = [*rows, *([False] * quiet + row + [False] * quiet for row in dark), *rows]
    lines = [b"\0" + b"".join((b"\0" if one else b"\xff") * SCALE for one in row) for row in rows for _ in range(SCALE)]
    size = len(rows) * SCALE
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


ROUTES = [
    Route(method, re.compile(pattern), function)
    for method, pattern, function in (
        ("GET", r"/api/([^/]+)/auth/qr", qr_code),
        ("POST", r"/api/sessions/([^/]+)/logout", log_out),
        ("GET", r"/api/([^/]+)/chats/overview", overview),
        ("POST", r"/api/([^/]+)/presence/([^/]+)/subscribe", watch),
    )
]
