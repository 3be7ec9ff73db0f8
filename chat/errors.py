"""What an endpoint says when it refuses: `detail` in Spanish and a `status` word that programs can rely on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from rest_framework.request import Request
from rest_framework.response import Response

from chat import compose, decisions, history, templates_use, window
from chat.models import Message


def refusal(status: int, word: str, detail: str, **more: object) -> Response:
    return Response({"detail": detail, "status": word, **more}, status=status)


def conflict(error: Exception, request: Request) -> Response:
    """The 409 or 422 of a refused write; raises `error` again when it is not one of ours."""
    if isinstance(error, compose.KeyReused):
        detail = "Esa clave ya se usó con otro texto; tu mensaje no se guardó. Envíalo de nuevo."
        return refusal(409, "clave_con_otro_texto", detail)
    if isinstance(error, compose.NewMessages):
        news = Message.objects.filter(pk__in=[message.pk for message in error.messages])
        detail = "La persona escribió mientras redactabas. Lee lo nuevo y confirma el envío; aún no se guardó."
        return refusal(409, "hay_mensajes_nuevos", detail, nuevos=history.entries(news, request.user))  # type: ignore[arg-type]
    if isinstance(error, compose.SomebodyWrites):
        are = "está" if len(error.names) == 1 else "están"
        detail = f"{' y '.join(error.names)} {are} escribiendo en este ticket. Confirma el envío; aún no se guardó."
        return refusal(409, "alguien_escribe", detail, quien=error.names)
    if isinstance(error, compose.OtherTicketOpen):
        detail = f"Esta persona ya tiene abierto el ticket #{error.ticket.pk}: continúa ahí."
        return refusal(409, "otro_ticket_abierto", detail, otro=error.ticket.pk)
    if isinstance(error, compose.AlreadyNotified):
        detail = "Este aviso ya se envió en este ticket. Confirma si quieres enviarlo otra vez."
        return refusal(409, "ya_notificado", detail, ya_enviado=history.local(error.message.created))
    if isinstance(error, window.WindowClosed):
        return refusal(422, "ventana_cerrada", window.CLOSED, ventana=history.window_entry(error.window))
    if isinstance(error, templates_use.NotSendable):
        return refusal(422, "plantilla_no_disponible", str(error))
    if isinstance(error, window.WindowChanged):
        detail = "La ventana de 24 horas cambió mientras mirabas: revisa cómo quedaría y envíalo de nuevo."
        return refusal(409, "ventana_cambio", detail)
    if isinstance(error, decisions.TooLate):
        return refusal(409, "ya_cambio", "El mensaje cambió de estado mientras decidías; revisa cómo quedó.")
    raise error


def explained(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer a view's own refusals: 400 for invalid input, 409 for a conflict."""

    @wraps(view)
    def wrapped(request: Request, *args: object, **kwargs: object) -> Response:
        try:
            return view(request, *args, **kwargs)
        except compose.InvalidText as error:
            return refusal(400, "datos_no_validos", str(error))
        except (*compose.EXPECTED, decisions.TooLate, window.WindowChanged, templates_use.NotSendable) as error:
            return conflict(error, request)

    return wrapped
