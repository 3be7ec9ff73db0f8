"""Quick replies: what the composer offers, their files, and /respuestas, where technicians keep their own."""

from __future__ import annotations

import json

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.decorators import api_view, content_negotiation_class
from rest_framework.request import Request
from rest_framework.response import Response

from chat import audit, media_uploads, notices
from chat.audit_models import Act
from chat.media_types import INLINE, UNKNOWN
from chat.media_views import stored
from chat.models import PredefinedMessage
from chat.reply_forms import ReplyForm, imagined, preview_of, saved
from chat.views import person
from tickets.access import can_work, get_ticket
from tickets.downloads import AnyType

NO_REPLY = "Esa respuesta rápida no existe."


@api_view(["GET"])
def offer(request: Request, ticket_id: int) -> Response:
    """GET /ticket/{id}/respuestas: what the technician may pick while writing there, filled, most used first."""
    ticket = get_ticket(request.user, ticket_id)
    return Response({"respuestas": notices.replies(ticket, person(request))})


def file_of(request: Request, reply_id: int) -> PredefinedMessage:
    """The reply, which `request` may see and which has a file; Http404 for all else."""
    seen = PredefinedMessage.objects.seen_by(person(request)).exclude(file="").filter(pk=reply_id)
    reply = seen.first() if can_work(request.user) else None
    if reply is None:
        raise Http404(NO_REPLY)
    return reply


@api_view(["GET", "HEAD"])
@content_negotiation_class(AnyType)
def original(request: Request, reply_id: int) -> HttpResponseBase:
    """GET /respuestas/{id}/archivo, as the files of messages are given."""
    reply = file_of(request, reply_id)
    inline = reply.mime in INLINE
    return stored(request, str(reply.file.name), reply.mime if inline else UNKNOWN, reply.file_name, inline=inline)


@api_view(["GET", "HEAD"])
@content_negotiation_class(AnyType)
def small(request: Request, reply_id: int) -> HttpResponseBase:
    """GET /respuestas/{id}/miniatura."""
    reply = file_of(request, reply_id)
    if not reply.thumbnail:
        raise Http404(NO_REPLY)
    return stored(request, str(reply.thumbnail.name), "image/webp", f"respuesta-{reply.pk}.webp", inline=True)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """GET /respuestas: one's own, to change, and the shared ones, to know."""
    if not can_work(request.user):
        return render(request, "tickets/sin_acceso.html", status=404)
    technician = person(request)
    found = PredefinedMessage.objects.seen_by(technician).filter(active=True).most_used_first(technician)
    shown = [(reply, uses, preview_of(reply.text, technician), notices.file_entry(reply)) for reply, uses in found]
    context = {
        "propias": [one for one in shown if one[0].owner_id],
        "compartidas": [one for one in shown if not one[0].owner_id],
    }
    return render(request, "chat/respuestas.html", context)


def own(request: HttpRequest, reply_id: int) -> PredefinedMessage:
    """One of their own, or Http404."""
    found = PredefinedMessage.objects.filter(owner=person(request), pk=reply_id).first()
    if found is None or not can_work(request.user):
        raise Http404(NO_REPLY)
    return found


@csrf_exempt  # until the body goes to the disk: `edited` checks it
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, reply_id: int | None = None) -> HttpResponseBase:
    """GET and POST /respuestas/nueva and /respuestas/{id}: one of one's own."""
    fits = media_uploads.room_for(request)
    if not can_work(request.user):
        return render(request, "tickets/sin_acceso.html", status=404)
    reply = own(request, reply_id) if reply_id else PredefinedMessage(owner=person(request))
    if not fits:
        return form_page(request, ReplyForm(instance=reply), media_uploads.too_large(), status=413)
    return edited(request, reply)


@csrf_protect
def edited(request: HttpRequest, reply: PredefinedMessage) -> HttpResponseBase:
    if request.method != "POST":
        return form_page(request, ReplyForm(instance=reply))
    new = reply.pk is None
    form = ReplyForm(request.POST, request.FILES, instance=reply)
    if not form.is_valid():
        return form_page(request, form, status=400)
    form.save(commit=False)  # stores the file, which may take its time
    with transaction.atomic():
        reply.save()
        words = audit.told([{"values": audit.values_of(form)}])
        if new or words:
            audit.record(Act.ADDED if new else Act.CHANGED, person(request), reply, words)
        saved(reply)
    messages.success(request, f"Se guardó «{reply}».")
    return redirect("respuestas")


def form_page(request: HttpRequest, form: ReplyForm, problem: str = "", status: int = 200) -> HttpResponse:
    technician, reply = person(request), form.instance
    text = form["text"].value() or ""
    context = {
        "form": form,
        "respuesta": reply if reply.pk else None,
        "titulo": PredefinedMessage.objects.get(pk=reply.pk).title if reply.pk else "",
        "adjunto": notices.file_entry(reply),
        "problema": problem,
        "archivos": media_uploads.largest(),
        "variables": [f"{{{name}}}" for name in notices.VARIABLES],
        "valores": json.dumps(notices.values(imagined(), technician), ensure_ascii=False),
        "vista": preview_of(text, technician),
    }
    return render(request, "chat/respuesta.html", context, status=status)


@require_POST
def delete(request: HttpRequest, reply_id: int) -> HttpResponse:
    """POST /respuestas/{id}/borrar, which the page asks about first."""
    reply = own(request, reply_id)
    with transaction.atomic():
        audit.record(Act.DELETED, person(request), reply)
        reply.delete()
    messages.success(request, f"Se borró «{reply}».")
    return redirect("respuestas")
