"""The files of a conversation: shown or downloaded, fetched again. The rules are docs/delivery.md, "Hostile input"."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.decorators import api_view, content_negotiation_class
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chat import attachments, media_ranges
from chat.errors import explained, refusal
from chat.media_types import INLINE, UNKNOWN, shown_name
from chat.models import Attachment
from tickets.access import get_ticket

State = Attachment.State
NO_FILE = "Este mensaje no tiene ese archivo."


class AnyType(BaseContentNegotiation):
    """A picture is asked for as a picture, and its errors are JSON all the same."""

    def select_parser(self, request, parsers):  # type: ignore[no-untyped-def]
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):  # type: ignore[no-untyped-def]
        renderer: BaseRenderer = renderers[0]
        return renderer, renderer.media_type


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
        size = default_storage.size(path)
    except OSError:
        raise Http404("El archivo ya no está en el servidor.") from None
    headers = {
        "Content-Type": mime,
        "Content-Disposition": content_disposition_header(not inline, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=300",
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
