"""What Meta's error codes mean to us: docs/gateways.md, section 5.4.

Built on `code` and `details`, as Meta asks, never on the HTTP status, the title or the subcode
(https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes). The same codes come
in answers, in `failed` statuses and beside messages that Meta could not read.
"""

from __future__ import annotations

from typing import Any

from whatsapp.gateways.results import Ambiguous, Disconnected, Misconfigured, RateLimited, Refused, Result
from whatsapp.gateways.shape import at, one_line, text_at
from whatsapp.wire import Response

TOKEN = "CLOUD_API_TOKEN"  # noqa: S105  (the setting's name)
PHONE_ID = "CLOUD_API_PHONE_ID"

_BAD_TOKEN = frozenset({0, 190})
_NO_PERMISSION = frozenset({3, 10, 131005, *range(200, 300)})
_NO_NUMBER = frozenset({33})

# The account cannot send to anybody until somebody mends it, or Meta does.
DOWN = {
    368: "Meta restringió la cuenta de WhatsApp por incumplir sus políticas",
    131031: "Meta bloqueó la cuenta de WhatsApp",
    131042: "La cuenta de WhatsApp tiene un problema de pago en Meta",
    131045: "El número de la mesa no está bien registrado en Meta (certificado)",
    131057: "La cuenta de WhatsApp está en mantenimiento en Meta",
    133010: "El número de la mesa no está registrado en la API de WhatsApp",
}

# 4 and 80007 count calls, 130429 messages; 131048 is lifted by Meta after hours, and asking again makes it worse.
_SESSION_LIMITS = {
    4: "La aplicación llegó al límite de llamadas de Meta",
    80007: "La cuenta llegó al límite de llamadas de Meta",
    130429: "El número llegó a su límite de mensajes por segundo",
    131048: "Meta limita los envíos de este número porque muchas personas lo bloquearon o reportaron",
}
_SPAM_LIMIT, _SPAM_PAUSE_S = 131048, 3600.0
_PAIR_LIMIT = 131056
# A person's file that Meta does not have (yet): worth asking again.
NOT_YET_DOWNLOADED = "131052"

_NEVER = {
    100: "Meta no acepta un dato del mensaje",
    130497: "Meta no deja a esta cuenta escribir a personas de ese país",
    130472: "El número de la persona participa en un experimento de WhatsApp y no recibe este tipo de mensajes",
    131008: "Falta un dato que Meta exige",
    131009: "Meta no acepta un dato del mensaje",
    131021: "Es el número de la propia mesa: WhatsApp no deja escribirse a sí mismo",
    131026: "WhatsApp no pudo entregarlo: el número no tiene WhatsApp, usa una versión muy antigua o no ha aceptado "
    "las condiciones nuevas",
    131030: "Es un número de prueba de Meta y la persona no está en su lista: agrégala en developers.facebook.com "
    "(WhatsApp, Configuración de la API). A los números 521… de México y 549… de Argentina la lista no los "
    "reconoce: para ellos usa un número de producción",
    131047: "Pasaron más de 24 horas desde el último mensaje de la persona: envíale una plantilla",
    131049: "WhatsApp decidió no entregarlo para no cansar a la persona con mensajes de empresas; no lo reenvíes hoy",
    131051: "WhatsApp no admite este tipo de mensaje",
    131052: "Meta no pudo descargar el archivo que envió la persona",
    131053: "WhatsApp no pudo usar el archivo: revisa su tipo y su tamaño",
    131062: "WhatsApp exige un número de teléfono para este mensaje, y de esta persona solo se conoce su usuario",
    131064: "Meta no dejó salir este mensaje: la cuenta llegó a un límite por mal uso",
    132000: "Faltan o sobran datos de la plantilla",
    132001: "La plantilla no existe en ese idioma o Meta no la ha aprobado",
    132005: "La plantilla queda demasiado larga con esos datos",
    132007: "La plantilla incumple las políticas de WhatsApp",
    132008: "Un dato de la plantilla no tiene el formato que pide",
    132012: "Un dato de la plantilla no tiene el formato que pide",
    132015: "Meta pausó esta plantilla por su baja calidad: usa otra",
    132016: "Meta desactivó esta plantilla: usa otra",
}
# Their details name what is wrong; those of the others say less than our own words.
_WITH_DETAILS = frozenset({100, 131008, 131009, 131051, 131053, 132000, 132008, 132012})

# After a POST nobody knows whether these left: they are named here only for `failed` statuses.
_TROUBLE = dict.fromkeys((1, 2, 131000, 131016, 135000), "WhatsApp tuvo un problema interno y no lo entregó")
_REASONS = {
    **dict.fromkeys(_BAD_TOKEN, "Meta no acepta el token, o caducó"),
    **_NEVER,
    **DOWN,
    **_SESSION_LIMITS,
    **_TROUBLE,
    _PAIR_LIMIT: "Demasiados mensajes seguidos a esta persona",
}


def code_of(error: Any) -> int | None:
    code = at(error, "code")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def details_of(error: Any) -> str:
    """Meta's own words; `error_data` is an object, and has been seen as a text."""
    data = at(error, "error_data")
    words = data if isinstance(data, str) else text_at(data, "details")
    return one_line(words or text_at(error, "message") or text_at(error, "title"))


def explain(error: Any) -> str:
    """Why, in Spanish, for the technician."""
    code, details = code_of(error), details_of(error)
    if code is None or code not in _REASONS:
        return f"WhatsApp no lo aceptó: {details}" if details else "WhatsApp no lo aceptó."
    reason = _REASONS[code]
    return f"{reason}: {details}" if code in _WITH_DETAILS and details else f"{reason}."


def shown_code(error: Any) -> str:
    code = code_of(error)
    return "" if code is None else str(code)[:40]


def meaning(answer: Response, phone_id: str) -> Result:
    """What an error answer to a request about `phone_id` means; what nobody documents as "not sent" proves nothing."""
    error = at(answer.json(), "error")
    code, details = code_of(error), details_of(error)
    if code in _BAD_TOKEN:
        return Misconfigured(TOKEN, f"{_REASONS[code]} (código {code})")
    if code in _NO_PERMISSION:
        return Misconfigured(TOKEN, f"al token le falta un permiso (código {code}): {details}")
    if code in _NO_NUMBER or (code == 100 and f"Object with ID '{phone_id}'" in text_at(error, "message")):
        return Misconfigured(PHONE_ID, f"Meta no tiene ese número, o el token no llega a él (código {code})")
    if code in DOWN:
        return Disconnected(f"{DOWN[code]} (código {code})")
    if code == _PAIR_LIMIT:
        return RateLimited("recipient", answer.retry_after)
    if code == _SPAM_LIMIT:
        return RateLimited("session", answer.retry_after or _SPAM_PAUSE_S)
    if code in _NEVER:
        return Refused(explain(error), str(code))
    if code in _SESSION_LIMITS or answer.status == 429:
        return RateLimited("session", answer.retry_after)
    return Ambiguous(f"Meta contestó HTTP {answer.status}, código {shown_code(error) or 'desconocido'}: {details}")
