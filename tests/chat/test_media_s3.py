"""Files in a bucket: all that the desk does with them, against a server that speaks S3, and without one."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from moto.server import ThreadedMotoServer
from PIL import Image
from pytest_django import Settings

from chat import attachments, delivery, media, media_store, tasks
from chat.checks import check_media
from chat.media_s3 import S3Media
from chat.models import ArrivedFile, Attachment, Message
from tests.chat.test_attachments import MP4, arrived, body_of, picture, sent, url_of
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from whatsapp.gateways.base import Fetched
from whatsapp.gateways.events import Media

pytestmark = pytest.mark.django_db
BUCKET = "archivos"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A local S3; returns its address."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


def use(settings: Settings, endpoint: str) -> S3Media:
    """Keep files at `endpoint` from now on."""
    options = {"bucket_name": BUCKET, "endpoint_url": endpoint, "region_name": "us-east-1"}
    options |= {"access_key": "llave", "secret_key": "secreto"}
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "chat.media_s3.S3Media", "OPTIONS": options}}
    return S3Media(**options)


@pytest.fixture
def bucket(server: str, settings: Settings) -> Iterator[S3Media]:
    """An empty bucket where the desk keeps its files."""
    storage = use(settings, server)
    storage.connection.create_bucket(Bucket=BUCKET)
    yield storage
    storage.bucket.objects.all().delete()
    storage.bucket.delete()


@pytest.fixture
def dead(settings: Settings) -> None:
    """Nothing listens where the bucket should be."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    use(settings, f"http://127.0.0.1:{port}")


@pytest.fixture(autouse=True)
def no_pauses_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)


def kept(bucket: S3Media) -> list[str]:
    return sorted(key for folder in ("adjuntos", "miniaturas", "evidencia") for key, _ in bucket.listing(folder))


def upload(desk: Client, content: bytes = b"%PDF-1.7 hola", ticket: int | None = None) -> Any:
    file = SimpleUploadedFile("nota.pdf", content)
    return desk.post(f"/ticket/{ticket or make_ticket().pk}/enviar-archivo", {"archivo": file})


def test_a_picture_that_arrives_is_kept_in_the_bucket_with_its_thumbnail_and_shown_by_us(
    bucket: S3Media, gateway: FakeGateway, desk: Client
) -> None:
    row = arrived(gateway, picture())
    assert row.state == "listo" and kept(bucket) == [row.file.name, row.thumbnail.name]
    response = desk.get(url_of(row))
    assert (response["Content-Type"], body_of(response)) == ("image/jpeg", picture())
    small = body_of(desk.get(url_of(row).replace("archivo", "miniatura")))
    assert Image.open(io.BytesIO(small)).format == "WEBP"
    assert Client().get(url_of(row)).status_code == 401


def test_a_file_has_no_address_of_its_own(bucket: S3Media) -> None:
    with pytest.raises(ValueError, match="no tienen dirección propia"):
        default_storage.url("adjuntos/x")


def test_a_range_fetches_from_its_first_byte_on_and_no_more_than_is_read(
    bucket: S3Media, gateway: FakeGateway, desk: Client
) -> None:
    row = arrived(gateway, MP4 + bytes(range(256)) * 8000, mimetype="video/mp4")
    asked: list[str] = []
    heard = default_storage.connection.meta.client.meta.events
    heard.register("before-send.s3.GetObject", lambda request, **_: asked.append(request.headers["Range"].decode()))
    whole = body_of(desk.get(url_of(row)))
    for header, first, last in (("bytes=10-19", 10, 19), ("bytes=-5", len(whole) - 5, len(whole) - 1)):
        response = desk.get(url_of(row), headers={"Range": header})
        assert (response.status_code, body_of(response)) == (206, whole[first : last + 1])
        assert response["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert asked == ["bytes=0-", "bytes=10-", f"bytes={len(whole) - 5}-"]
    assert desk.get(url_of(row), headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert len(asked) == 3


def test_a_browser_that_has_it_costs_no_download(bucket: S3Media, gateway: FakeGateway, desk: Client) -> None:
    row = arrived(gateway, picture())
    tag = desk.get(url_of(row))["ETag"]
    assert desk.get(url_of(row), headers={"If-None-Match": tag}).status_code == 304


def test_a_technician_s_file_goes_through_the_bucket_to_the_gateway(
    bucket: S3Media, gateway: FakeGateway, desk: Client, inline: None
) -> None:
    assert upload(desk).status_code == 200
    (file,) = [one.file for one in gateway.sent if one.file]
    assert file.read() == b"%PDF-1.7 hola"
    assert len(kept(bucket)) == 1


def test_a_refused_file_leaves_nothing_in_the_bucket(bucket: S3Media, gateway: FakeGateway, desk: Client) -> None:
    assert upload(desk, ticket=None, content=b"").status_code == 400
    ticket = make_ticket().pk
    form = {"archivo": SimpleUploadedFile("a.pdf", b"%PDF-1.7"), "mensaje": "x", "clave": "no es uuid"}
    assert desk.post(f"/ticket/{ticket}/enviar-archivo", form).status_code == 400
    assert kept(bucket) == []


def test_a_large_file_goes_up_in_parts_and_comes_back_whole(bucket: S3Media, gateway: FakeGateway) -> None:
    content = b"%PDF-1.7" + bytes(range(256)) * 40_000
    path = default_storage.save("adjuntos/2026/01/x", ContentFile(content))
    with default_storage.open(path) as file:
        assert (file.size, file.read(8)) == (len(content), b"%PDF-1.7")
        file.seek(-4, io.SEEK_END)
        assert file.read() == content[-4:]
        file.seek(0)
        assert file.read() == content


def test_the_evidence_picture_is_kept_there_shown_replaced_and_deleted(bucket: S3Media, desk: Client) -> None:
    ticket = make_ticket()
    ticket.evidence.save("foto.jpg", ContentFile(picture()))
    response = desk.get(f"/ticket/{ticket.pk}/evidencia")
    assert (response["Content-Type"], body_of(response)) == ("image/jpeg", picture())
    assert response["Content-Length"] == str(len(picture()))
    ticket.evidence.delete()
    assert kept(bucket) == []
    assert desk.get(f"/ticket/{ticket.pk}/evidencia").status_code == 404


def test_a_file_that_is_gone_from_the_bucket_is_a_404(bucket: S3Media, gateway: FakeGateway, desk: Client) -> None:
    row = arrived(gateway, picture())
    default_storage.delete(str(row.file.name))
    response = desk.get(url_of(row))
    assert (response.status_code, response.json()["status"]) == (404, "no_encontrado")


def test_files_without_a_row_are_deleted_once_they_are_old(
    bucket: S3Media, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = arrived(gateway, picture())
    for name in ("adjuntos/2026/01/a", "miniaturas/2026/01/b", "evidencia/2026/01/c"):
        default_storage.save(name, ContentFile(b"nadie"))
    tasks.purge_files.run()
    assert len(kept(bucket)) == 5
    monkeypatch.setattr(media_store, "OLD", timedelta(days=-1))
    tasks.purge_files.run()
    assert kept(bucket) == sorted([row.file.name, row.thumbnail.name, "evidencia/2026/01/c"])


# Without the server


def test_a_person_s_file_waits_for_the_bucket_however_long_that_takes_and_its_bubble_says_so(
    dead: None, gateway: FakeGateway, desk: Client, settings: Settings, server: str
) -> None:
    row = sent(caption="Mira")
    version = row.message.conversation.version
    for _ in range(media.TRIES + 2):
        gateway.files.append(Fetched(picture()))
        media.fetch_one(row.pk)
        Attachment.objects.update(due=timezone.now())
    row.refresh_from_db()
    assert (row.state, row.attempts, row.problem) == ("pendiente", 0, media_store.AWAY)
    body = desk.get(f"/ticket/{row.message.ticket_id}/conversacion?desde={version}").json()
    (entry,) = body["historial"]
    assert (entry["content"], entry["adjunto"]["problema"]) == ("📷 Imagen: Mira", media_store.AWAY)
    storage = use(settings, server)
    storage.connection.create_bucket(Bucket=BUCKET)
    gateway.files.append(Fetched(picture()))
    media.fetch_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.problem) == ("listo", "")
    storage.bucket.objects.all().delete()
    storage.bucket.delete()


def test_a_file_inside_a_webhook_is_a_message_at_once_and_waits_in_the_database(
    dead: None, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, settings: Settings, server: str
) -> None:
    content = picture()
    monkeypatch.setattr("chat.inbound.attach", lambda message, _: attachments.attach(message, Media(content=content)))
    row = sent()
    media.fetch_one(row.pk)
    assert Message.objects.filter(role="user").count() == 1
    assert bytes(ArrivedFile.objects.get().content) == content
    storage = use(settings, server)
    storage.connection.create_bucket(Bucket=BUCKET)
    Attachment.objects.update(due=timezone.now())
    media.fetch_one(row.pk)
    row.refresh_from_db()
    assert row.state == "listo" and default_storage.open(row.file.name).read() == content
    assert gateway.fetched == [] and not ArrivedFile.objects.exists()
    storage.bucket.objects.all().delete()
    storage.bucket.delete()


def test_a_technician_is_told_that_the_file_was_not_saved(dead: None, gateway: FakeGateway, desk: Client) -> None:
    response = upload(desk)
    assert (response.status_code, response.json()["status"]) == (503, "sin_almacen")
    assert "almacén de archivos no responde" in response.json()["detail"]
    assert not Message.objects.exists()


def test_a_queued_file_waits_for_the_bucket_and_goes_out_when_it_is_back(
    bucket: S3Media, gateway: FakeGateway, desk: Client, nobody_sends: None, settings: Settings, server: str
) -> None:
    settings.ENVIO_ESPERA_S = 0
    assert upload(desk).status_code == 503
    message = Message.objects.get()
    use(settings, "http://127.0.0.1:9")
    for _ in range(6):  # more than a bug of ours is tried
        Message.objects.update(due=None)
        delivery.drain(message.conversation_id)
    message.refresh_from_db()
    assert (message.state, message.reason, message.attempts) == ("en_cola", media_store.AWAY, 0)
    assert message.due and message.due > timezone.now() and not gateway.sent
    entry = desk.get(f"/ticket/{message.ticket_id}/conversacion").json()["historial"][0]
    assert (entry["estado"], entry["motivo"]) == ("en_cola", media_store.AWAY)
    use(settings, server)
    Message.objects.update(due=None)
    delivery.drain(message.conversation_id)
    message.refresh_from_db()
    assert message.state == "enviado" and len(gateway.sent) == 1


@pytest.mark.parametrize("path", ["archivo", "miniatura"])
def test_a_file_that_cannot_be_read_now_is_a_503_and_no_404(
    bucket: S3Media, gateway: FakeGateway, desk: Client, settings: Settings, path: str
) -> None:
    row = arrived(gateway, picture())
    use(settings, "http://127.0.0.1:9")
    response = desk.get(url_of(row).replace("archivo", path))
    assert (response.status_code, response.json()["status"]) == (503, "sin_almacen")


def test_the_evidence_that_cannot_be_read_now_is_a_503(bucket: S3Media, desk: Client, settings: Settings) -> None:
    ticket = make_ticket()
    ticket.evidence.save("foto.jpg", ContentFile(picture()))
    use(settings, "http://127.0.0.1:9")
    assert desk.get(f"/ticket/{ticket.pk}/evidencia").json()["status"] == "sin_almacen"


def test_the_daily_look_through_the_files_survives_a_dead_bucket(
    bucket: S3Media, gateway: FakeGateway, settings: Settings
) -> None:
    arrived(gateway, picture())
    use(settings, "http://127.0.0.1:9")
    tasks.purge_files.run()


def test_no_transaction_is_open_while_a_file_is_stored_or_read(
    gateway: FakeGateway, desk: Client, monkeypatch: pytest.MonkeyPatch, inline: None, bucket: S3Media, tecnica: User
) -> None:
    """Django's tests wrap each in one: nothing of ours may be inside of another."""
    depths: list[int] = []
    for name in ("_save", "_open", "exists", "delete", "size"):
        real = getattr(S3Media, name)

        def noted(*args: Any, real: Any = real, **more: Any) -> Any:
            depths.append(len(connection.savepoint_ids))
            return real(*args, **more)

        monkeypatch.setattr(S3Media, name, noted)
    content = picture()
    with monkeypatch.context() as patched:
        patched.setattr("chat.inbound.attach", lambda message, _: attachments.attach(message, Media(content=content)))
        row = sent()
    media.fetch_one(row.pk)
    arrived(gateway, picture())
    upload(desk)
    assert depths and set(depths) == {0}


# Set up


def problems(settings: Settings, **given: str) -> list[str]:
    for name in ("BUCKET", "ENDPOINT", "REGION", "KEY", "SECRET"):
        setattr(settings, f"MEDIA_S3_{name}", given.get(name, ""))
    return [found.msg for found in check_media()]


def test_a_whole_configuration_or_none_is_fine(settings: Settings) -> None:
    assert problems(settings) == []
    assert problems(settings, BUCKET="x") == []
    assert problems(settings, BUCKET="x", ENDPOINT="http://minio:9000", REGION="x", KEY="a", SECRET="b") == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"KEY": "a", "SECRET": "b"}, "MEDIA_S3_BUCKET"),
        ({"BUCKET": "x", "KEY": "a"}, "van juntas"),
        ({"BUCKET": "x", "SECRET": "a"}, "van juntas"),
        ({"BUCKET": "x", "ENDPOINT": "minio:9000"}, "MEDIA_S3_ENDPOINT"),
    ],
)
def test_half_a_configuration_is_an_error_that_names_the_key(
    settings: Settings, given: dict[str, str], word: str
) -> None:
    (found,) = problems(settings, **given)
    assert word in found


def test_a_missing_extra_is_an_error_that_says_how_to_install_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.checks.find_spec", lambda name: None)
    problems(settings, BUCKET="x")
    assert "requirements-s3.txt" in str(check_media()[0].hint)
