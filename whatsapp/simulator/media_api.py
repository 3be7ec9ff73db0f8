"""The paths of files: WAHA's own, which send and serve them, and the page's, on which people send them."""

import re

from . import media, waha_api
from .control import chat_id_in, name_in
from .wire import Answer, RefusedError, Request, Route, as_json, detail, nest_error

KINDS = {"Image": "image", "Video": "video", "Voice": "audio", "File": "document"}


def send_file(request: Request, what: str) -> Answer:
    """sendImage, sendVideo, sendVoice and sendFile: the same faults as for a text."""
    caption = request.body.get("caption")
    text = caption if isinstance(caption, str) else ""

    def keep() -> media.Extra:
        file = request.body.get("file")
        file = file if isinstance(file, dict) else {}
        mime, name = file.get("mimetype"), file.get("filename")
        try:
            if not isinstance(mime, str):
                raise media.BadFile("file.mimetype must be a string")
            return request.simulator.files.keep(KINDS[what], mime, str(name or ""), file.get("data"))
        except media.BadFile as wrong:
            raise RefusedError(nest_error(400, [str(wrong)], "Bad Request")) from None

    return waha_api.send(request, text, keep)


def get_file(request: Request, session: str, name: str) -> Answer:
    """A file as the desk fetches it."""
    waha_api.check_key(request)
    fault = request.simulator.switches.media_fault
    request.simulator.switches.note("archivo", falla=fault)
    content = request.simulator.files.read(name)
    if content is None or session != request.simulator.session.name or fault == "no_existe":
        return as_json(404, {"error": {"code": 404, "key": "FILE_NOT_FOUND", "message": "File not found"}})
    if fault == "lento":
        request.simulator.stopping.wait(media.SLOW_S)
    status, body = media.served_wrongly(fault, content)
    return Answer(status, body, "application/octet-stream")


def show_file(request: Request, name: str) -> Answer:
    """A file on the page: only what a browser shows safely is shown."""
    content = request.simulator.files.read(name)
    if content is None:
        return detail(404, "Ese archivo no existe.")
    mime = request.simulator.type_of_file(name)
    shown = media.SHOWN.fullmatch(mime)
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=3600"}
    if not shown:
        headers["Content-Disposition"] = "attachment"
    return Answer(200, content, mime if shown else "application/octet-stream", headers)


def write_file(request: Request) -> Answer:
    """A person sends a file: {"telefono", "archivo": {"nombre", "tipo", "base64"}, "texto"?, "nombre"?}."""
    file, text = request.body.get("archivo"), request.body.get("texto", "")
    if not isinstance(file, dict) or not isinstance(text, str):
        raise RefusedError(detail(400, "Falta el archivo."))
    mime = str(file.get("tipo") or "application/octet-stream")
    kind = str(file.get("clase") or media.kind_of(mime))
    if kind not in ("image", "video", "audio", "document", "sticker"):
        raise RefusedError(detail(400, "clase debe ser image, video, audio, document o sticker."))
    try:
        extra = request.simulator.files.keep(kind, mime, str(file.get("nombre") or ""), file.get("base64"))
    except media.BadFile as wrong:
        raise RefusedError(detail(400, str(wrong))) from None
    return written(request, text, extra)


def write_place(request: Request) -> Answer:
    """A person sends where they are: {"telefono", "latitud", "longitud", "lugar"?}."""
    body = request.body
    try:
        extra = media.place(body.get("latitud"), body.get("longitud"), body.get("lugar"))
    except media.BadFile as wrong:
        raise RefusedError(detail(400, str(wrong))) from None
    return written(request, "", extra)


def write_contact(request: Request) -> Answer:
    """A person shares a contact: {"telefono", "contacto", "numero"}."""
    try:
        extra = media.contact(request.body.get("contacto"), request.body.get("numero"))
    except media.BadFile as wrong:
        raise RefusedError(detail(400, str(wrong))) from None
    return written(request, "", extra)


def written(request: Request, text: str, extra: media.Extra) -> Answer:
    """What every kind answers."""
    return as_json(201, request.simulator.write(chat_id_in(request), text, name_in(request), extra).accepted())


ROUTES = [
    Route(method, re.compile(pattern), function)
    for method, pattern, function in (
        ("POST", r"/api/send(Image|Video|Voice|File)", send_file),
        ("GET", r"/api/files/([^/]+)/([^/]+)", get_file),
        ("GET", r"/simulador/archivos/([^/]+)", show_file),
        ("POST", r"/simulador/archivo", write_file),
        ("POST", r"/simulador/ubicacion", write_place),
        ("POST", r"/simulador/contacto", write_contact),
    )
]
