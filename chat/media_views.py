"""The files of a conversation: shown or downloaded, fetched again. The rules are docs/delivery.md, "Hostile input"."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import default_storage
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.decorators import api_view, content_negotiation_class, parser_classes
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from chat import attachments, compose, media_ranges, media_uploads, views
from chat.errors import explained, refusal
from chat.media_store import StorageAway
from chat.media_types import INLINE, UNKNOWN, shown_name
from chat.media_uploads import streamed
from chat.models import Attachment
from tickets.access import get_ticket
from tickets.downloads import AnyType

State = Attachment.State
NO_FILE = "Este mensaje no tiene ese archivo."


def attachment_of(request: Request, ticket_id: int, seq: int) -> Attachment:
    """The file of a message of a ticket that `request` may see; Http404 for all else."""
    ticket = get_ticket(request.user, ticket_id)
    rows = Attachment.objects.select_related("message").filter(message__ticket=ticket, message__seq=seq)
    row = rows.first()
    if row is None:
        raise Http404(NO_FILE)
    return row


@api_view(["GET", "HEAD"])
@content_negotiation_class(AnyType)
def original(request: Request, ticket_id: int, seq: int) -> HttpResponseBase:
    """GET /ticket/{id}/mensaje/{seq}/archivo: in the page when its content is safe there, else as a download."""
    row = attachment_of(request, ticket_id, seq)
    if row.state != State.READY:
        raise Http404(NO_FILE)
    inline = row.mime in INLINE and "descargar" not in request.query_params
    name = shown_name(row.name, row.message.kind, row.mime, seq)
    return stored(request, str(row.file.name), row.mime if inline else UNKNOWN, name, inline=inline)


@api_view(["GET", "HEAD"])
@content_negotiation_class(AnyType)
def small(request: Request, ticket_id: int, seq: int) -> HttpResponseBase:
    """GET /ticket/{id}/mensaje/{seq}/miniatura: the picture's thumbnail, made by us."""
    row = attachment_of(request, ticket_id, seq)
    if row.state != State.READY or not row.thumbnail:
        raise Http404(NO_FILE)
    return stored(request, str(row.thumbnail.name), "image/webp", f"miniatura-{seq}.webp", inline=True)


def stored(request: Request, path: str, mime: str, name: str, *, inline: bool) -> HttpResponseBase:
    """A stored file under headers that leave a browser nothing to guess or to run."""
    try:
        file = default_storage.open(path, "rb")
        size = file.size
    except StorageAway:
        raise
    except OSError:
        raise Http404("El archivo ya no está en el servidor.") from None
    headers = {
        "Content-Type": mime,
        "Content-Disposition": content_disposition_header(not inline, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        # Asked again each time: whether this person may still see it, and whether the message still has this number.
        "Cache-Control": "private, no-cache",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    # The stored name is random and its content never changes.
    return media_ranges.answer(request._request, file, size, f'"{path.rpartition("/")[2][:32]}-{inline:d}"', headers)


@api_view(["POST"])
@explained
def fetch_again(request: Request, ticket_id: int, seq: int) -> Response:
    """POST /ticket/{id}/mensaje/{seq}/descargar: try again to fetch a file that could not be."""
    row = attachment_of(request, ticket_id, seq)
    if not attachments.fetch_again(row):
        return refusal(409, "ya_cambio", "Ese archivo ya no espera otro intento, o no se puede descargar.")
    return Response({"status": State.WAITING, "ticket_id": ticket_id, "seq": seq}, status=202)


@streamed
@api_view(["POST"])
@parser_classes([MultiPartParser])
@explained
def send_file(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/enviar-archivo, a form: archivo, mensaje?, clave?, visto_hasta?, forzar?, predefinido?."""
    ticket = get_ticket(request.user, ticket_id)
    try:
        form, files = request.data, request.FILES.getlist("archivo")
    except RequestDataTooBig:
        return refusal(413, "archivo_demasiado_grande", media_uploads.too_large())
    if len(files) != 1:
        raise compose.InvalidText("Envía un archivo, y solo uno, en «archivo».")
    caption = caption_of(form)
    draft = views.draft_of(draft_fields(form), caption)
    try:
        upload = media_uploads.take(files[0], caption)
    except media_uploads.RefusedFile as error:
        raise compose.InvalidText(str(error)) from None
    return views.send_with_file(ticket, views.person(request), draft, upload)


def caption_of(form: Any) -> str:
    """The words that go with a file, maybe none; raises InvalidText."""
    caption = form.get("mensaje", "").strip()
    if len(caption) > media_uploads.MAX_CAPTION:
        most = media_uploads.MAX_CAPTION
        raise compose.InvalidText(
            f"El texto tiene {len(caption)} caracteres; con un archivo WhatsApp acepta hasta {most}."
        )
    return compose.check_text(caption) if caption else ""


def draft_fields(form: Any) -> dict[str, Any]:
    """A form's fields as a JSON body would have them; what is malformed stays so, to be refused."""
    force = form.get("forzar", "false")
    return {
        "clave": form.get("clave"),
        "visto_hasta": number_of(form.get("visto_hasta")),
        "predefinido": number_of(form.get("predefinido")),
        "forzar": {"true": True, "false": False, "1": True, "0": False, "": False}.get(force, force),
    }


def number_of(value: str | None) -> int | str | None:
    return int(value) if value and value.isascii() and value.isdecimal() and len(value) < 19 else value or None
