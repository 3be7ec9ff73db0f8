"""Web push: a person wrote, and the devices of those concerned are told with the desk closed (docs/notifications.md).

A courtesy, never a promise: what is not sent at once is not sent, and nothing waits for it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet

from chat import alerts, push_devices
from chat.alert_models import AlertSettings, PushDevice
from chat.models import FROM_PERSON, Message, Participant
from chat.push_keys import problem
from chat.runtime import Pool
from chat.thread import excerpt
from whatsapp import wire

logger = logging.getLogger(__name__)

DEADLINE_S = 5
# Who finds all threads busy for this long has no news any more.
STALE_S = 60
# How long a push service keeps it for a device that is off.
TTL_S = 4 * 3600
SIGNED_FOR_S = 12 * 3600
# Who writes again so soon, unread, was announced already.
BURST = timedelta(minutes=2)
MAX_ANSWER = 16 * 1024
GONE = (404, 410)

# Its own threads: a push service that hangs keeps no message waiting.
senders = Pool(4, "push")

Words = dict[str, str | bool]


def alert(message_id: int) -> None:
    """A person wrote this message: tell the devices of those it concerns, unless they know or want quiet."""
    if problem():
        return
    message = Message.objects.select_related("ticket__contact").filter(pk=message_id).first()
    if message is None or not message.ticket.unread or in_a_burst(message):
        return
    to = PushDevice.objects.filter(user__in=alerts.concerned(message.ticket_id, message.ticket.technician_id))
    tell(to, message, words)


def mention(message_id: int) -> None:
    """A colleague named some in this note, or gave them the ticket by this line: tell their devices."""
    message = None if problem() else Message.objects.select_related("author").filter(pk=message_id).first()
    if message:
        named = Participant.objects.filter(mention=message).values("user")
        tell(PushDevice.objects.filter(user__in=named), message, words_of_colleague)


def tell(devices: QuerySet[PushDevice], message: Message, say: Callable[..., Words]) -> None:
    """Send these devices what `say` makes of `message`, but where its owner wants quiet."""
    until = time.monotonic() + STALE_S
    for device in devices.select_related("user__alert_settings"):
        wishes = AlertSettings.of(device.user)
        if not wishes.quiet():
            senders.submit(deliver, device, say(message, text=wishes.text), until)


def try_out(device_id: int) -> None:
    """Tell this device something, whatever its owner's wishes: they pressed Probar."""
    device = PushDevice.objects.filter(pk=device_id).first()
    if device and not problem():
        said: Words = {"titulo": "Prueba de avisos", "cuerpo": "Así te avisará Chat en Vivo.", "etiqueta": "prueba"}
        senders.submit(deliver, device, {**said, "url": "/avisos", "siempre": True}, time.monotonic() + STALE_S)


def in_a_burst(message: Message) -> bool:
    """Whether the person wrote just before, and nobody has read that yet either."""
    if message.ticket.unread < 2:
        return False
    before = message.ticket.messages.filter(FROM_PERSON, seq__lt=message.seq).order_by("-seq").first()
    return before is not None and message.created - before.created < BURST


def words(message: Message, *, text: bool) -> Words:
    """What the service worker shows. The message's own words only with `text`."""
    ticket = message.ticket
    body = f"Ticket #{ticket.pk}"
    return {
        "titulo": f"{ticket.shown_name} escribió",
        "cuerpo": f"{excerpt(message.text)} · {body}" if text else body,
        "etiqueta": f"ticket-{ticket.pk}",
        "url": f"/?chat={ticket.pk}",
    }


def words_of_colleague(message: Message, *, text: bool) -> Words:
    """The same of a note or a transfer."""
    return {
        "titulo": alerts.told_by(message.kind, message.author, message.ticket_id),
        "cuerpo": excerpt(message.text) if text else f"Ticket #{message.ticket_id}",
        "etiqueta": f"ticket-{message.ticket_id}",
        "url": f"/?chat={message.ticket_id}",
    }


def deliver(device: PushDevice, said: Words, until: float) -> None:
    """Send it once, before `until` (monotonic), and note what became of it."""
    if time.monotonic() > until:
        logger.warning("Avisos push atrasados: uno no salió")
        return
    answer, row = send(device, said), (device.pk, device.endpoint)
    if isinstance(answer, wire.Response) and answer.ok:
        push_devices.reached(*row)
    elif isinstance(answer, wire.Response) and answer.status in GONE:
        logger.info("El dispositivo %s ya no recibe avisos push", device.pk)
        push_devices.gone(*row)
    else:
        why = f"respondió HTTP {answer.status}" if isinstance(answer, wire.Response) else "no contesta"
        # Never the library's words: they have the endpoint.
        logger.warning("El servicio de push %s %s", urlsplit(device.endpoint).hostname, why)
        push_devices.failed(*row, f"El servicio de push {why}.")


def send(device: PushDevice, said: Words) -> wire.Response | wire.Unreachable | wire.Ambiguous:
    """One POST to the device's push service: encrypted for the device (RFC 8291), signed by the desk (RFC 8292)."""
    from py_vapid import Vapid02
    from pywebpush import WebPusher

    url = urlsplit(device.endpoint)
    keys = {"endpoint": device.endpoint, "keys": {"p256dh": device.p256dh, "auth": device.auth}}
    claims = {
        "aud": f"{url.scheme}://{url.netloc}",
        "sub": settings.PUSH_CONTACTO,
        "exp": int(time.time()) + SIGNED_FOR_S,
    }
    try:
        body = WebPusher(keys).encode(json.dumps(said).encode())["body"]
    except ValueError:
        return wire.Unreachable("las llaves del dispositivo no sirven")  # 65 bytes, but no point of the curve
    headers = {
        **Vapid02.from_raw(settings.PUSH_CLAVE_PRIVADA.encode()).sign(claims),
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(TTL_S),
        "Topic": str(said["etiqueta"]),  # a newer one replaces what still waits for the device
        "Urgency": "high",
    }
    return wire.call(
        "POST",
        device.endpoint,
        content=body,
        headers=headers,
        deadline_s=DEADLINE_S,
        max_body=MAX_ANSWER,
        public=not settings.PUSH_LOCAL,
    )
