"""The control interface, for the page and for tests, and the page's own files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import faults, media
from .phones import chat_id_of
from .simulator import Simulator
from .wire import Answer, RefusedError, Request, Route, as_json, detail

STATIC = Path(__file__).parent / "static"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/simulador.css": ("simulador.css", "text/css; charset=utf-8"),
    "/simulador.js": ("simulador.js", "text/javascript; charset=utf-8"),
    "/adjuntos.js": ("adjuntos.js", "text/javascript; charset=utf-8"),
    "/telefonos.js": ("telefonos.js", "text/javascript; charset=utf-8"),
    "/dom.js": ("dom.js", "text/javascript; charset=utf-8"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}
# Nothing inline and nothing from elsewhere: what people write can then never run, whatever the page does wrong.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CONNECTIONS = ("conectado", "desconectado")
LONGEST_TEXT = 65_536


def page_file(request: Request) -> Answer:
    """The page and what it needs; read each time, so that editing it needs no restart."""
    name, content_type = FILES[request.path]
    return Answer(200, (STATIC / name).read_bytes(), content_type, PAGE_HEADERS)


def get_state(request: Request) -> Answer:
    """The switches, and what each can be set to."""
    choices = {key: {"nombre": fault.label, "explica": fault.explains} for key, fault in faults.FAULTS.items()}
    told = {"fallas": choices, "tipos_de_avisos": faults.NOTICES, "fallas_de_archivos": media.FAULTS}
    return as_json(200, {**request.simulator.settings(), **told})


def set_state(request: Request) -> Answer:
    """Any of the switches; all are checked before the first is moved."""
    apply(request.simulator, request.body)
    return as_json(200, request.simulator.settings())


def apply(simulator: Simulator, body: dict[str, Any]) -> None:
    """What a POST /simulador/estado with this body does; raises RefusedError."""
    _check_choice(body, "conexion", CONNECTIONS)
    _check_choice(body, "falla", faults.FAULTS)
    _check_choice(body, "avisos", faults.NOTICES)
    _check_choice(body, "falla_archivos", media.FAULTS)
    if not isinstance(body.get("leer_solo", True), bool):
        raise RefusedError(detail(400, "leer_solo debe ser true o false."))
    rates = _rates(body, simulator.switches.rates)
    known = {"conexion", "falla", "falla_archivos", "avisos", "leer_solo", "tasas", "tasas_avisos", "semilla"}
    unknown = sorted(set(body) - known)
    if unknown:
        raise RefusedError(detail(400, f"No se conoce: {', '.join(unknown)}."))
    simulator.configure(
        body.get("falla"), body.get("avisos"), body.get("leer_solo"), rates, media_fault=body.get("falla_archivos")
    )
    if "conexion" in body:
        simulator.session.set_connection(body["conexion"] == "conectado")


def write_message(request: Request) -> Answer:
    """A person writes to the desk."""
    chat_id, text, name = chat_id_in(request), request.body.get("texto"), name_in(request)
    if not isinstance(text, str) or not text.strip():
        raise RefusedError(detail(400, "Falta el texto."))
    if len(text) > LONGEST_TEXT:
        raise RefusedError(detail(400, f"El texto pasa de {LONGEST_TEXT} caracteres."))
    message = request.simulator.write(chat_id, text, name)
    return as_json(201, message.accepted())


def type_message(request: Request) -> Answer:
    """A person presses keys, or has stopped."""
    on = request.body.get("escribiendo", True)
    if not isinstance(on, bool):
        raise RefusedError(detail(400, "escribiendo debe ser true o false."))
    request.simulator.signs.person_types(chat_id_in(request), on=on)
    return Answer(204)


def mark_read(request: Request) -> Answer:
    """A person opens the conversation."""
    request.simulator.mark_read(chat_id_in(request))
    return Answer(204)


def get_accepted(request: Request) -> Answer:
    """Everything that was ever taken from the desk, in order."""
    return as_json(200, {"aceptados": request.simulator.accepted()})


def get_phones(request: Request) -> Answer:
    """The whole screen; 304 while nothing changed."""
    tag = request.simulator.tag()
    if request.headers.get("if-none-match") == tag:
        return Answer(304, headers={"ETag": tag})
    return as_json(200, request.simulator.screen(), headers={"ETag": tag, "Cache-Control": "no-cache"})


def add_phone(request: Request) -> Answer:
    """One more phone in the row, or a new name for one that is there."""
    return as_json(201, request.simulator.add_phone(chat_id_in(request), name_in(request)))


def _rates(body: dict[str, Any], now: faults.Rates) -> faults.Rates | None:
    """Out: the rates the body asks for; None when it says nothing of them. What is not named stays as it is."""
    if not {"tasas", "tasas_avisos", "semilla"} & set(body):
        return None
    sends, notices = body.get("tasas", now.sends), body.get("tasas_avisos", now.notices)
    for key, given, names in (("tasas", sends, faults.FAULTS), ("tasas_avisos", notices, faults.NOTICE_RATES)):
        if not isinstance(given, Mapping) or not all(name in names and _is_rate(rate) for name, rate in given.items()):
            raise RefusedError(detail(400, f"{key} es un objeto de números de 0 a 1; se conocen: {', '.join(names)}."))
    if sum(sends.values()) > 1:
        raise RefusedError(detail(400, "tasas suma más de 1."))
    seed = body.get("semilla", now.seed)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise RefusedError(detail(400, "semilla debe ser un número entero."))
    return faults.Rates(seed, dict(sends), dict(notices))


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _check_choice(body: dict[str, Any], key: str, choices: Any) -> None:
    if key in body and (not isinstance(body[key], str) or body[key] not in choices):
        raise RefusedError(detail(400, f"{key} debe ser uno de: {', '.join(choices)}."))


def chat_id_in(request: Request) -> str:
    """Out: whose phone the body names; raises RefusedError."""
    chat_id = chat_id_of(request.body.get("telefono"))
    if chat_id is None:
        raise RefusedError(detail(400, "El teléfono no es válido: de 8 a 15 dígitos, por ejemplo +5214772758198."))
    return chat_id


def name_in(request: Request) -> str:
    """Out: what the person calls themselves, maybe nothing; raises RefusedError."""
    name = request.body.get("nombre", "")
    if not isinstance(name, str) or len(name) > 200:
        raise RefusedError(detail(400, "El nombre debe ser un texto de hasta 200 caracteres."))
    return name.strip()


ROUTES = [
    Route(method, re.compile(pattern), function)
    for method, pattern, function in (
        *(("GET", re.escape(path), page_file) for path in FILES),
        ("GET", "/simulador/estado", get_state),
        ("POST", "/simulador/estado", set_state),
        ("POST", "/simulador/mensaje", write_message),
        ("POST", "/simulador/escribe", type_message),
        ("POST", "/simulador/leido", mark_read),
        ("GET", "/simulador/aceptados", get_accepted),
        ("GET", "/simulador/telefonos", get_phones),
        ("POST", "/simulador/telefonos", add_phone),
    )
]
