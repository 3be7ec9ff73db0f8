"""WAHA's own paths. Each checks what the real one checks, in its order; see waha.devlike.pro."""

import hmac
import re
from collections.abc import Callable
from dataclasses import replace

from . import faults, media, waha
from .phones import chat_id_of
from .wire import Answer, RefusedError, Request, Route, as_json, nest_error


def check_key(request: Request) -> None:
    """Refuses a request without the configured key."""
    key = request.simulator.options.api_key
    if key and not hmac.compare_digest(request.headers.get("x-api-key", "").encode(), key.encode()):
        raise RefusedError(as_json(401, {"statusCode": 401, "message": "Unauthorized"}))


def check_working(request: Request, session: object) -> None:
    """Refuses as WAHA does when that session cannot do anything."""
    ours = request.simulator.session
    if session != ours.name:
        raise RefusedError(as_json(404, waha.no_session(str(session))))
    status = ours.wait_until_working(request.simulator.options.refusal_delay)
    if status == waha.STOPPED:
        raise RefusedError(as_json(404, waha.no_session(ours.name)))
    if status != waha.WORKING:
        raise RefusedError(as_json(422, waha.not_expected_status(ours.name, status)))


def check_fields(request: Request, *names: str) -> None:
    """Refuses a body in which one of these is not a text, in the words of WAHA's validator."""
    wrong = [f"{name} must be a string" for name in names if not isinstance(request.body.get(name), str)]
    if "chatId" in names and not wrong and chat_id_of(request.body["chatId"]) is None:
        wrong.append("chatId must be a chat id such as 11111111111@c.us")
    if wrong:
        raise RefusedError(nest_error(400, wrong, "Bad Request"))


def ping(request: Request) -> Answer:
    """Whether the process answers; needs no key."""
    return as_json(200, {"message": "pong"})


def version(request: Request) -> Answer:
    """Which WAHA this pretends to be."""
    check_key(request)
    return as_json(200, {"version": waha.VERSION, "engine": waha.ENGINE, "tier": "CORE", "browser": None})


def send_text(request: Request) -> Answer:
    """The path that most messages take."""
    return send(request, request.body.get("text"))


def send(request: Request, text: object, keep: Callable[[], media.Extra] | None = None) -> Answer:
    """Sending, which every fault is about. `keep` stores the file that goes with it, once nothing refuses it."""
    check_key(request)
    fault = request.simulator.switches.fault_of_next_send(texto=text)
    if fault in (faults.HANG, faults.RESET_BEFORE):
        return Answer(0, fault=fault)
    if fault == faults.LIMIT:
        limited = nest_error(429, "Too many requests", "Too Many Requests")
        return replace(limited, headers={"Retry-After": "1"})
    if fault == faults.REFUSE:
        return nest_error(400, ["chatId must be a valid WhatsApp ID"], "Bad Request")
    if fault == faults.ERROR_BEFORE:
        return as_json(500, waha.server_error(request.path, request.body, "Evaluation failed before sending"))
    check_fields(request, "session", "chatId", *(() if keep else ("text",)))
    check_working(request, request.body["session"])
    chat_id, reply_to = chat_id_of(request.body["chatId"]) or "", request.body.get("reply_to")
    extra = keep() if keep else None
    message = request.simulator.accept(chat_id, str(text), reply_to if isinstance(reply_to, str) else None, extra)
    if fault == faults.ERROR_AFTER:
        return as_json(500, waha.server_error(request.path, request.body, "Failed after sending"))
    if fault == faults.NO_ID:
        return Answer(201)
    if fault == faults.GARBAGE:
        return Answer(201, b"\x1f\x8b<html>{", "text/html")
    if fault == faults.SLOW:
        request.simulator.stopping.wait(request.simulator.options.slow_answer)
    return as_json(201, message, fault=fault)


def show_typing(request: Request, verb: str) -> Answer:
    """startTyping, stopTyping."""
    chat_id = _chat_to_sign(request)
    request.simulator.switches.note("escribiendo", chat=chat_id, si=verb == "start")
    request.simulator.signs.desk_types(chat_id, on=verb == "start")
    return as_json(201, {"result": True})


def be_seen(request: Request) -> Answer:
    """The person's messages were read: those of `messageIds`, or all."""
    chat_id, ids = _chat_to_sign(request), request.body.get("messageIds")
    request.simulator.signs.desk_read(chat_id, ids if isinstance(ids, list) else None)
    return as_json(201, {"result": True})


def _chat_to_sign(request: Request) -> str:
    check_key(request)
    check_fields(request, "session", "chatId")
    check_working(request, request.body["session"])
    return chat_id_of(request.body["chatId"]) or ""


def check_exists(request: Request) -> Answer:
    """Here every well-formed number is on WhatsApp."""
    check_key(request)
    check_working(request, request.query.get("session"))
    chat_id = chat_id_of(request.query.get("phone", ""))
    return as_json(200, {"numberExists": True, "chatId": chat_id} if chat_id else {"numberExists": False})


def list_sessions(request: Request) -> Answer:
    """A stopped session is listed only with `?all=true`."""
    check_key(request)
    shown = request.query.get("all") == "true" or request.simulator.session.status != waha.STOPPED
    return as_json(200, [session_body(request)] if shown else [])


def one_session(request: Request, name: str) -> Answer:
    """The status call."""
    _check_session_name(request, name)
    request.simulator.switches.note("estado")
    return as_json(200, session_body(request))


def own_account(request: Request, name: str) -> Answer:
    """Empty while down, as observed."""
    _check_session_name(request, name)
    return as_json(200, waha.ME) if request.simulator.session.status == waha.WORKING else Answer(200)


def change_session(request: Request, name: str, verb: str) -> Answer:
    """start, stop, restart."""
    _check_session_name(request, name)
    session = request.simulator.session
    if verb in ("stop", "restart"):
        session.stop()
    if verb in ("start", "restart"):
        session.start()
    return as_json(201, session_body(request))


def list_messages(request: Request, session: str, chat: str) -> Answer:
    """A conversation read back, newest first unless `sortOrder=asc`."""
    check_key(request)
    request.simulator.switches.note("lectura", chat=chat)
    check_working(request, session)
    found = request.simulator.chat(chat_id_of(chat) or "")
    since, until = request.query.get("filter.timestamp.gte", ""), request.query.get("filter.timestamp.lte", "")
    mine = request.query.get("filter.fromMe")
    found = [
        item
        for item in found
        if (not since.isdecimal() or item["timestamp"] >= int(since))
        and (not until.isdecimal() or item["timestamp"] <= int(until))
        and (mine is None or item["fromMe"] == (mine == "true"))
    ]
    if request.query.get("sortOrder") != "asc":
        found.reverse()
    offset, limit = (number_in(request, "offset", 0), number_in(request, "limit", 10))
    return as_json(200, found[offset : offset + limit])


def one_message(request: Request, session: str, chat: str, message_id: str) -> Answer:
    """One message with its present ack, by its serialized or its bare id."""
    check_key(request)
    check_working(request, session)
    for item in request.simulator.chat(chat_id_of(chat) or ""):
        if message_id in (item["id"], item["id"].split("_")[2]):
            return as_json(200, item)
    return nest_error(404, "Message not found", "Not Found")


def _check_session_name(request: Request, name: str) -> None:
    check_key(request)
    if name != request.simulator.session.name:
        raise RefusedError(nest_error(404, "Session not found", "Not Found"))


def session_body(request: Request) -> waha.Body:
    simulator = request.simulator
    return waha.session_info(simulator.session.name, simulator.session.status, simulator.options.webhook_url)


def number_in(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() else default


_CHATS = r"/api/([^/]+)/chats/([^/]+)/messages"
ROUTES = [
    Route(method, re.compile(pattern), function)
    for method, pattern, function in (
        ("GET", r"/ping", ping),
        ("GET", r"/api/(?:server/)?version", version),
        ("POST", r"/api/sendText", send_text),
        ("POST", r"/api/sendSeen", be_seen),
        ("POST", r"/api/(start|stop)Typing", show_typing),
        ("GET", r"/api/contacts/check-exists", check_exists),
        ("GET", r"/api/sessions/?", list_sessions),
        ("GET", r"/api/sessions/([^/]+)", one_session),
        ("GET", r"/api/sessions/([^/]+)/me", own_account),
        ("POST", r"/api/sessions/([^/]+)/(start|stop|restart)", change_session),
        ("GET", _CHATS, list_messages),
        ("GET", _CHATS + r"/([^/]+)", one_message),
    )
]
