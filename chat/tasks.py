"""What Celery carries: ids. A row that is gone means there is nothing to do."""

import logging

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from chat import delivery, media, media_store, push, push_devices, read_marks, runtime, times, typing_shown
from chat.audit_models import AuditEntry
from whatsapp import events, gateways, templates
from whatsapp.models import ConnectionChange, WebhookEvent

logger = logging.getLogger(__name__)


@shared_task(name="chat.drain")
def drain(conversation_id: int) -> None:
    delivery.drain(conversation_id)


@shared_task(name="chat.handle_event")
def handle_event(event_id: int) -> None:
    events.handle(event_id)


@shared_task(name="chat.think")
def think(ticket_id: int) -> None:
    from chat.llm import turns  # which wakes this task

    turns.think_aside(ticket_id)


@shared_task(name="chat.fetch_file")
def fetch_file(attachment_id: int) -> None:
    media.fetch(attachment_id)


@shared_task(name="chat.add_thumbnail")
def add_thumbnail(attachment_id: int) -> None:
    media.add_thumbnail(attachment_id)


@shared_task(name="chat.add_reply_thumbnail")
def add_reply_thumbnail(reply_id: int) -> None:
    media.add_reply_thumbnail(reply_id)


@shared_task(name="chat.watch_person")
def watch_person(ticket_id: int) -> None:
    runtime.courtesies.offer(typing_shown.watch, ticket_id, waiting=100)


@shared_task(name="chat.show_typing")
def show_typing(ticket_id: int, who: int) -> None:
    runtime.courtesies.offer(typing_shown.show, ticket_id, who)


@shared_task(name="chat.mark_read")
def mark_read(ticket_id: int, seq: int, count: int) -> None:
    runtime.courtesies.offer(read_marks.mark, ticket_id, seq, count, waiting=100)


@shared_task(name="chat.push_alert")
def push_alert(message_id: int) -> None:
    push.alert(message_id)


@shared_task(name="chat.push_mention")
def push_mention(message_id: int) -> None:
    push.mention(message_id)


@shared_task(name="chat.push_test")
def push_test(device_id: int) -> None:
    push.try_out(device_id)


@shared_task(name="chat.purge_devices")
def purge_devices() -> None:
    push_devices.purge()


@shared_task(name="chat.purge_events")
def purge_events() -> None:
    WebhookEvent.purge(settings.EVENTOS_DIAS)
    ConnectionChange.purge(settings.EVENTOS_DIAS)


@shared_task(name="chat.purge_audit")
def purge_audit() -> None:
    AuditEntry.purge(settings.AUDITORIA_DIAS)


@shared_task(name="chat.purge_sessions")
def purge_sessions() -> None:
    SessionStore.clear_expired()


@shared_task(name="chat.purge_files")
def purge_files() -> None:
    try:
        media_store.drop_orphans()
    except media_store.StorageAway as error:  # tomorrow, then
        logger.warning("No se buscaron archivos sobrantes: %s", error)


@shared_task(name="chat.refresh_templates")
def refresh_templates() -> None:
    if "templates" not in gateways.active().can:
        return
    told = templates.refresh()
    if not isinstance(told, templates.Refreshed):
        logger.warning("No se pudieron leer las plantillas: %s", templates.failure_words(told))


@shared_task(name="chat.refresh_times")
def refresh_times() -> None:
    if count := times.refresh():
        logger.info("Tiempos calculados de nuevo en %s tickets", count)


@shared_task(name="chat.wake_waiting")
def wake_waiting(waits_on: str) -> None:
    events.wake_waiting(waits_on)


BY_NAME = {
    task.name: task
    for task in (
        drain,
        handle_event,
        purge_events,
        purge_audit,
        purge_sessions,
        purge_files,
        purge_devices,
        refresh_templates,
        refresh_times,
        wake_waiting,
    )
}
