"""Whether Meta lets the account send: it has no session, so this is what it says of the number and its owner.

docs/gateways.md, section 5.3. Pages: …/whatsapp/webhooks/reference/account_update and …/whatsapp/support/health-status
under https://developers.facebook.com/documentation/business-messaging
"""

from __future__ import annotations

from typing import Any

from whatsapp.gateways import cloud_errors as errors
from whatsapp.gateways.events import ConnectionChanged, Event, Ignored
from whatsapp.gateways.shape import at, one_line, text_at

CONNECTED = "WhatsApp conectado"

# Whether messages can leave after an update, and why. The others change nothing here.
_UPDATES: dict[str, tuple[bool, str]] = {
    "ACCOUNT_DELETED": (False, "La cuenta de WhatsApp fue eliminada en Meta"),
    "ACCOUNT_OFFBOARDED": (False, "El número de la mesa salió de la API de WhatsApp"),
    "ACCOUNT_RECONNECTED": (True, CONNECTED),
    "PARTNER_APP_UNINSTALLED": (False, "La aplicación ya no tiene permiso sobre la cuenta de WhatsApp"),
    "PARTNER_REMOVED": (False, "La cuenta de WhatsApp ya no está compartida con esta aplicación"),
}
_BAN_STATES = {
    "DISABLE": (False, "Meta desactivó la cuenta de WhatsApp"),
    "REINSTATE": (True, "Meta reactivó la cuenta de WhatsApp"),
}
# Of all restrictions the one that keeps us from answering; starting a conversation is what templates may lose.
_NO_ANSWERS = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
_CANNOT_SEND = frozenset({0, 190}) | errors.DOWN.keys()

# A number's `status`: all but the first are warnings. With any other it cannot send.
_STATES = {
    "CONNECTED": CONNECTED,
    "FLAGGED": "WhatsApp conectado; Meta advierte de la baja calidad del número",
    "RATE_LIMITED": "WhatsApp conectado; Meta limita los envíos del número",
    "RESTRICTED": "WhatsApp conectado; Meta limita las conversaciones nuevas del número",
}
# No way of paying: Meta calls the account BLOCKED, and yet answers within 24 hours are free and leave.
_NO_PAYMENT = 141006


def connection(number: Any) -> ConnectionChanged:
    """What a number's `status` and `health_status` mean; what we do not know cannot send."""
    health = at(number, "health_status")
    blockers = [one for one in _items(health, "entities") if text_at(one, "can_send_message") == "BLOCKED"]
    problems = [error for one in blockers for error in _items(one, "errors")]
    serious = [error for error in problems if at(error, "error_code") != _NO_PAYMENT]
    if text_at(health, "can_send_message") == "BLOCKED" and (serious or not problems):
        why = one_line(at(next(iter(serious), None), "error_description"))
        return ConnectionChanged(False, f"Meta no deja enviar a este número{f': {why}' if why else ''}")
    status = one_line(at(number, "status"), 40)
    if status in _STATES:
        unpaid = ": falta una forma de pago, solo salen respuestas" if problems else ""
        return ConnectionChanged(True, _STATES[status] + unpaid)
    return ConnectionChanged(False, f"El número de la mesa no está conectado en Meta: {status or 'sin estado'}")


def update(value: Any, entry_id: Any, waba_id: str) -> Event:
    """An `account_update` of the account `waba_id` (of any, when we do not know ours)."""
    event = text_at(value, "event")
    account = text_at(value, "waba_info", "waba_id") or entry_id  # a PARTNER_ event's entry is the partner's
    if waba_id and account != waba_id:
        return Ignored(f"Evento de otra cuenta de Meta: {one_line(account, 40)}")
    change = _UPDATES.get(event)
    if event == "DISABLED_UPDATE":
        state = at(value, "ban_info", "waba_ban_state")  # a text; Meta's older example shows a list
        states = state if isinstance(state, list) else [state]
        change = next((_BAN_STATES[one] for one in states if isinstance(one, str) and one in _BAN_STATES), None)
    elif event == "ACCOUNT_RESTRICTION":
        kinds = [text_at(one, "restriction_type") for one in _items(value, "restriction_info")]
        change = (False, "Meta no deja a la cuenta contestar mensajes") if _NO_ANSWERS in kinds else None
    return ConnectionChanged(*change) if change else Ignored(f"Aviso de la cuenta de Meta: {one_line(event, 60)}")


def system_error(error: Any) -> Event:
    """Beside a message it says that Meta could not read it; only those that name the account concern the session."""
    if errors.code_of(error) in _CANNOT_SEND:
        return ConnectionChanged(False, f"{errors.explain(error)} (código {errors.shown_code(error)})")
    return Ignored(f"Error de Meta {errors.shown_code(error)}: {errors.details_of(error)}")


def _items(value: Any, key: str) -> list[Any]:
    found = at(value, key)
    return found if isinstance(found, list) else []
