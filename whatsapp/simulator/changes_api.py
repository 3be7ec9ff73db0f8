"""The control interface for a person who edits, deletes, reacts to or answers a message."""

import re

from .changes import EVENTS
from .phones import Message, chat_id_of, new_bare_id
from .wire import Answer, RefusedError, Request, Route, as_json, detail

LONGEST_TEXT = 65_536


def change_message(request: Request) -> Answer:
    """{"id", "accion": editar | eliminar | reaccionar, "texto"?, "mesa"?: from the desk's own phone}."""
    action, text = request.body.get("accion"), request.body.get("texto", "")
    if action not in EVENTS:
        raise RefusedError(detail(400, f"accion debe ser una de: {', '.join(EVENTS)}."))
    if not isinstance(text, str) or len(text) > LONGEST_TEXT or (action == "editar" and not text.strip()):
        raise RefusedError(detail(400, "El texto no es válido."))
    changed = request.simulator.change(request.body.get("id"), action, text, own=request.body.get("mesa") is True)
    if changed is None:
        raise RefusedError(detail(404, "Ese mensaje no existe."))
    return as_json(200, changed)


def answer_message(request: Request) -> Answer:
    """A person answers a message: {"telefono", "texto", "responde_a"}; with "callado" the desk is never told of it."""
    chat_id, text, answered = chat_id_of(request.body.get("telefono")), request.body.get("texto"), None
    if chat_id is None or not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise RefusedError(detail(400, "Faltan el teléfono o el texto."))
    if "responde_a" in request.body:
        answered = request.simulator.find(request.body["responde_a"])
        if answered is None:
            raise RefusedError(detail(404, "Ese mensaje no existe."))
    message = Message(new_bare_id(), chat_id, text, from_me=False, reply_to=answered.bare_id if answered else None)
    request.simulator.take(message, told=request.body.get("callado") is not True)
    return as_json(201, message.accepted())


ROUTES = [
    Route("POST", re.compile("/simulador/cambio"), change_message),
    Route("POST", re.compile("/simulador/respuesta"), answer_message),
]
