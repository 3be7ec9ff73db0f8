"""Meta's Cloud API, WhatsApp's official gateway: every fact is in docs/gateways.md, section 5."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from whatsapp import wire
from whatsapp.gateways import cloud_account, cloud_content, cloud_events, rules
from whatsapp.gateways import cloud_errors as errors
from whatsapp.gateways.base import (
    Ability,
    Fetched,
    Gateway,
    InvalidSignature,
    MediaLimit,
    NotConfigured,
    Outgoing,
    TemplateInfo,
)
from whatsapp.gateways.cloud_graph import Answer, Graph, is_id
from whatsapp.gateways.cloud_messages import bsuid, phone
from whatsapp.gateways.events import ConnectionChanged, Event, Media
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, Failure, Misconfigured, Refused, Result
from whatsapp.gateways.shape import at, sane_id, text_at

_SHORT_DEADLINE_S = 5.0
_TEMPLATE_PAGES, _TEMPLATE_PAGE_BYTES = 50, 4 * 2**20


class CloudApi(Gateway):
    """One phone number of one WhatsApp Business account. Values come from settings."""

    name = "cloud_api"
    title = "WhatsApp Cloud API"
    reaches: ClassVar[frozenset[str]] = frozenset({"phone", "bsuid"})
    can: ClassVar[frozenset[Ability]] = frozenset({"reference", "typing", "read_marks", "media", "templates"})
    typing_marks_read: ClassVar[bool] = True
    limits: ClassVar[Mapping[str, MediaLimit]] = cloud_content.LIMITS
    url_setting, secret_setting = "CLOUD_API_URL", "CLOUD_API_APP_SECRET"

    def __init__(self, graph: Graph, *, waba_id: str, app_secret: str, verify_token: str) -> None:
        self._graph = graph
        self._waba_id = waba_id
        self._app_secret = app_secret
        self._verify_token = verify_token

    def problems(self) -> list[Misconfigured]:
        """See `Gateway.problems`. Only templates need the account's id."""
        account = None
        if self._waba_id and not is_id(self._waba_id):
            todo = "Corrige CLOUD_API_WABA_ID en .env, o déjalo vacío si no usas plantillas"
            account = Misconfigured("CLOUD_API_WABA_ID", "debe ser el identificador de la cuenta: solo cifras", todo)
        app = "Pon CLOUD_API_APP_SECRET en .env: la clave secreta de la aplicación en Meta"
        verify = "Pon CLOUD_API_VERIFY_TOKEN en .env, y el mismo en Meta al dar de alta el webhook"
        return self._graph.problems() + rules.broken(
            account,
            rules.needed("CLOUD_API_APP_SECRET", self._app_secret, app),
            rules.needed("CLOUD_API_VERIFY_TOKEN", self._verify_token, verify),
        )

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        """See `Gateway.send`. An upload and the message have `timeout_s` each: the lease is longer than both."""
        to = cloud_content.recipient(address)
        if to is None:
            return Refused("La API de WhatsApp solo escribe a un teléfono o a un usuario que ella conozca", "direccion")
        media_id = ""
        if message.file:
            if problem := cloud_content.problem(message.file, message.text):
                return Refused(problem, "archivo")
            uploaded = self._graph.upload(message.file)
            if not isinstance(uploaded, str):
                return uploaded
            media_id = uploaded
        body = {"messaging_product": "whatsapp", "recipient_type": "individual", **to}
        if message.reference:
            body["biz_opaque_callback_data"] = message.reference
        body |= cloud_content.content(message, media_id)
        answer = self._graph.post(body, self._graph.timeout_s, before_first_byte)
        if not isinstance(answer, wire.Response):
            return answer
        return _accepted(answer) if answer.ok else errors.meaning(answer, self._graph.phone_id)

    def status(self) -> ConnectionChanged | Misconfigured:
        """See `Gateway.status`. Meta has no session: it is the number's state and health. At most 5 seconds."""
        path = f"{self._graph.phone_id}?fields=status,health_status"
        answer = self._graph.get(path, min(_SHORT_DEADLINE_S, self._graph.timeout_s))
        if not isinstance(answer, wire.Response):
            if isinstance(answer, Misconfigured):
                return answer
            return ConnectionChanged(False, f"Meta no contesta: {answer.detail}")
        if answer.ok:
            return cloud_account.connection(answer.json())
        meaning = errors.meaning(answer, self._graph.phone_id)
        if isinstance(meaning, Misconfigured):
            return meaning
        detail = meaning.detail if isinstance(meaning, Disconnected) else f"Meta contesta HTTP {answer.status}"
        return ConnectionChanged(False, detail)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """See `Gateway.verify`: the hex HMAC-SHA256 of the raw body with the app's secret."""
        if not self._app_secret:
            raise NotConfigured("CLOUD_API_APP_SECRET")
        signature = (headers.get("X-Hub-Signature-256") or "").strip()
        if not signature:
            raise InvalidSignature("CLOUD_API_APP_SECRET", "falta la cabecera X-Hub-Signature-256")
        expected = "sha256=" + hmac.new(self._app_secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise InvalidSignature("CLOUD_API_APP_SECRET", "la firma no corresponde al contenido")

    def handshake(self, query: Mapping[str, str]) -> str | None:
        """See `Gateway.handshake`: the challenge, for who knows our token. Without a token nobody does."""
        token = query.get("hub.verify_token") or ""
        known = hmac.compare_digest(self._verify_token.encode(), token.encode("utf-8", "replace"))
        if not self._verify_token or not known or query.get("hub.mode") != "subscribe":
            return None
        return query.get("hub.challenge") or None

    def external_id(self, body: bytes, payload: Any) -> str:
        """See `Gateway.external_id`: a batch has no id of its own, and its repeats have the same bytes."""
        return hashlib.sha256(body).hexdigest()

    def parts(self, payload: Any) -> list[Any]:
        """See `Gateway.parts`: one message or status each, or one that waits would make the others wait."""
        return cloud_events.parts(payload)

    def parse(self, payload: Any) -> list[Event]:
        """See `Gateway.parse`."""
        return cloud_events.parse(payload, self._graph.phone_id, self._waba_id)

    def typing(self, address: str, *, on: bool, message_id: str | None) -> None:
        """See `Gateway.typing`. It also marks as read, and ends by itself: with the answer, or after 25 s."""
        if on and message_id:
            self._mark(message_id, typing_indicator={"type": "text"})

    def mark_read(self, address: str, message_ids: list[str]) -> None:
        """See `Gateway.mark_read`. The mark of the newest is also that of all before it."""
        if message_ids:
            self._mark(message_ids[-1])

    def fetch(self, media: Media, max_bytes: int) -> Fetched | Failure:
        """See `Gateway.fetch`: the id gives an address that lives 5 minutes, so it is asked for every time."""
        path = f"{quote(media.ref, safe='')}?phone_number_id={self._graph.phone_id}"
        answer = self._graph.get(path, self._graph.timeout_s)
        if not isinstance(answer, wire.Response) or not answer.ok:
            return self._failure(answer, "Meta no entregó el archivo")
        told = answer.json()
        found = self._graph.download(text_at(told, "url"), max_bytes)
        if isinstance(found, Failure):
            return found
        return Fetched(found.body, media.mime or text_at(told, "mime_type"), media.name)

    def templates(self) -> list[TemplateInfo] | Failure | Misconfigured:
        """See `Gateway.templates`: page after page."""
        if not is_id(self._waba_id):
            return Misconfigured("CLOUD_API_WABA_ID", "sin él no se pueden leer las plantillas; solo lleva cifras")
        found: list[TemplateInfo] = []
        first = path = f"{self._waba_id}/message_templates?fields={cloud_content.TEMPLATE_FIELDS}&limit=100"
        for _ in range(_TEMPLATE_PAGES):
            answer = self._graph.get(path, self._graph.timeout_s, _TEMPLATE_PAGE_BYTES)
            if isinstance(answer, Misconfigured):
                return answer
            page = answer.json() if isinstance(answer, wire.Response) and answer.ok else None
            listed = at(page, "data")
            if not isinstance(listed, list):
                return self._no_templates(answer)
            found += [info for one in listed if (info := cloud_content.template(one))]
            after = text_at(page, "paging", "cursors", "after")
            if not after or not text_at(page, "paging", "next"):
                break
            path = f"{first}&after={quote(after, safe='')}"
        return found

    def _no_templates(self, answer: Answer) -> Failure | Misconfigured:
        if isinstance(answer, wire.Response) and not answer.ok:
            meaning = errors.meaning(answer, self._waba_id)
            if isinstance(meaning, Misconfigured):
                return Misconfigured("CLOUD_API_WABA_ID", meaning.detail) if meaning.key == errors.PHONE_ID else meaning
        return self._failure(answer, "Meta no entregó las plantillas")

    def _failure(self, answer: Answer, what: str) -> Failure:
        """Why a GET brought nothing; what Meta refuses by a code is not worth asking again."""
        if isinstance(answer, Misconfigured):
            return Failure(f"Revisa {answer.key}: {answer.detail}")
        if not isinstance(answer, wire.Response):
            return Failure(f"{what}: {answer.detail}")
        code = errors.shown_code(at(answer.json(), "error"))
        meaning = errors.meaning(answer, self._graph.phone_id)
        if isinstance(meaning, Misconfigured):
            return Failure(f"Revisa {meaning.key}: {meaning.detail}")
        detail = f"{what}: HTTP {answer.status}" + (f", código {code}" if code else "")
        return Failure(detail, again=not isinstance(meaning, Refused) or code == errors.NOT_YET_DOWNLOADED)

    def _mark(self, message_id: str, **more: Any) -> None:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id, **more}
        self._graph.post(body, min(_SHORT_DEADLINE_S, self._graph.timeout_s))


def _accepted(answer: wire.Response) -> Accepted | Ambiguous:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages"""
    body = answer.json()
    message_id, contact = _first(at(body, "messages")), _first(at(body, "contacts"))
    found = sane_id(at(message_id, "id"))
    if found is None:
        return Ambiguous(f"Meta contestó HTTP {answer.status} sin identificador del mensaje")
    return Accepted(found, phone(at(contact, "wa_id")) or bsuid(at(contact, "user_id")))


def _first(found: Any) -> Any:
    return found[0] if isinstance(found, list) and found else None
