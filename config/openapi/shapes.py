"""The JSON of the API, described for readers: nothing here reads or writes any (the views answer plain dicts)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers as s

from chat.models import Attachment, Delivery, Role
from tickets.models import Priority, State

EXAMPLE_TIME = "2026-02-05T10:30:00"


def text(help_text: str = "", **options: Any) -> s.CharField:
    return s.CharField(help_text=help_text, **options)


def maybe(field: Callable[..., s.Field], help_text: str = "", **options: Any) -> s.Field:  # type: ignore[type-arg]
    """A field that may be null."""
    return field(help_text=help_text, allow_null=True, **options)


def local_time(help_text: str, **options: Any) -> s.CharField:
    return s.CharField(help_text=f"{help_text} Hora local, sin zona: `{EXAMPLE_TIME}`.", **options)


class Cita(s.Serializer[Any]):
    seq = s.IntegerField()
    role = s.ChoiceField(choices=Role.values)
    content = text("Sus primeros 200 caracteres; vacío si se eliminó.")


class Adjunto(s.Serializer[Any]):
    estado = s.ChoiceField(choices=Attachment.State.values)
    tipo = text("El tipo de su contenido; mientras está `pendiente`, lo que dijo quien lo mandó.")
    nombre = text()
    bytes = maybe(s.IntegerField)
    url = maybe(s.CharField, "Dónde está; `null` mientras no esté `listo`.")
    miniatura = maybe(s.CharField)
    en_linea = s.BooleanField(help_text="Si una página puede mostrarlo.")
    ancho = maybe(s.IntegerField)
    alto = maybe(s.IntegerField)
    problema = text("Por qué no se pudo descargar.")
    reintentable = s.BooleanField()


class Mensaje(s.Serializer[Any]):
    role = s.ChoiceField(choices=Role.values, help_text="Quién habla: la persona, el asistente o un técnico.")
    content = text("Lo último que dice.")
    timestamp = local_time("Cuándo.")
    seq = s.IntegerField(help_text="Su lugar en la conversación.")
    version = s.IntegerField(help_text="La versión en la que cambió por última vez.")
    estado = s.ChoiceField(choices=Delivery.values, help_text="Su entrega; `recibido` si es de la persona.")
    autor = maybe(s.CharField, "El técnico; `null` si se escribió en el teléfono de la mesa.")
    mio = s.BooleanField()
    tipo = text(
        "`text`, `image`, `video`, `audio`, `document`, `sticker`, `location`, `contact`, `system`, `nota`… "
        "Una `nota` es interna: la persona nunca la recibe."
    )
    motivo = text("Por qué espera o falló.")
    codigo = text("El código del gateway cuando falló.")
    reenvio_de = maybe(s.IntegerField, "El `seq` del mensaje que este repite.")
    clave = maybe(s.UUIDField)
    datos = s.DictField(help_text="De una ubicación, de contactos o de una nota (`menciones`); si no, vacío.")
    editado = maybe(s.CharField)
    original = text("Lo que decía antes de la primera edición.")
    eliminado = maybe(s.CharField)
    reaccion = text("El emoji de la persona.")
    reaccion_propia = text("El de nuestro teléfono.")
    recuperado = s.ListField(
        child=s.CharField(), allow_null=True, help_text="El corte, de cuándo a cuándo, tras el que se recuperó."
    )
    cita = Cita(allow_null=True)
    adjunto = Adjunto(allow_null=True)


class Tecnico(s.Serializer[Any]):
    id = s.IntegerField()
    nombre = text()
    yo = s.BooleanField()


class Participante(Tecnico):
    mencion = s.BooleanField(help_text="Si una nota que lo nombra sigue sin verse.")


class Ventana(s.Serializer[Any]):
    abierta = s.BooleanField()
    cierra = maybe(s.CharField, "`null` si la persona nunca ha escrito.")
    segundos = s.IntegerField()


class TicketAbierto(s.Serializer[Any]):
    id = s.IntegerField()
    nombre = text()
    telefono = maybe(s.CharField, "En E.164; `null` si WhatsApp no lo muestra.")
    telefono_legible = text()
    departamento = text()
    tipo_equipo = text()
    numero_activo = text()
    falla = text()
    categoria = text()
    estado = s.ChoiceField(choices=State.values)
    prioridad = s.ChoiceField(choices=Priority.values)
    tecnico = Tecnico(allow_null=True)
    participantes = Participante(many=True, help_text="Quiénes se unieron.")
    sin_leer = s.IntegerField()
    abierto = s.BooleanField()
    ventana = Ventana(allow_null=True, help_text="La de 24 horas de un gateway con plantillas; `null` con otro.")


class Archivos(s.Serializer[Any]):
    leyenda = s.IntegerField(help_text="Cuántos caracteres pueden ir con un archivo.")
    tipos = s.DictField(help_text="Por clase (`image`, `video`…): `bytes`, lo más grande, y `tipos`, los que acepta.")


class Conversacion(s.Serializer[Any]):
    historial = Mensaje(many=True)
    version = s.IntegerField(help_text="Para `?desde=` la próxima vez.")
    entero = s.BooleanField(help_text="Olvida lo que tenías: aquí está todo.")
    ticket = TicketAbierto()
    ventana = Ventana(allow_null=True)
    mas = s.BooleanField(help_text="Si hay más antes (`?antes=`).")
    archivos = Archivos(allow_null=True, help_text="`null` si el gateway no envía archivos.")


class FilaDeTicket(s.Serializer[Any]):
    id = s.IntegerField()
    telefono = maybe(s.CharField)
    nombre = text()
    departamento = text()
    tipo_equipo = text()
    numero_activo = text()
    falla = text()
    categoria = text()
    estado = s.ChoiceField(choices=State.values)
    prioridad = s.ChoiceField(choices=Priority.values)
    tecnico = maybe(s.CharField)
    ultima_actividad = local_time("Último mensaje o cambio.")
    sin_leer = s.IntegerField()


class PaginaDeTickets(s.Serializer[Any]):
    tickets = FilaDeTicket(many=True)
    siguiente = maybe(s.CharField, "La dirección de la página siguiente.")


class SoloTicket(s.Serializer[Any]):
    ticket = TicketAbierto()


class Enviado(s.Serializer[Any]):
    status = s.ChoiceField(choices=["enviado"])
    ticket_id = s.IntegerField()
    telefono = maybe(s.CharField)
    mensaje = text()
    seq = s.IntegerField()
    estado = s.ChoiceField(choices=["enviado", "entregado", "leido"])


class ArchivoDePredefinido(s.Serializer[Any]):
    nombre = text()
    tipo = text()
    bytes = s.IntegerField()
    url = text()
    miniatura = maybe(s.CharField)


class Respuesta(s.Serializer[Any]):
    id = s.IntegerField()
    titulo = text()
    atajo = text()
    texto = text("Con los datos de este ticket.")
    propia = s.BooleanField(help_text="Tuya; si no, de toda la mesa.")
    usos = s.IntegerField(help_text="Cuántas veces la enviaste.")
    adjunto = maybe(ArchivoDePredefinido)


class Respuestas(s.Serializer[Any]):
    respuestas = Respuesta(many=True)


class Predefinido(s.Serializer[Any]):
    id = s.IntegerField()
    titulo = text()
    texto = text("Con los datos de este ticket.")
    adjunto = maybe(ArchivoDePredefinido, "El archivo que va con él.")
    ya_enviado = maybe(s.CharField, "Cuándo salió por última vez en este ticket.")
    plantilla = maybe(s.CharField, "La plantilla que saldría en su lugar.")
    problema = text("Por qué no puede salir ahora.")


class Predefinidos(s.Serializer[Any]):
    mensajes = Predefinido(many=True)
    ticket = TicketAbierto()


class Plantilla(s.Serializer[Any]):
    id = s.IntegerField()
    nombre = text()
    idioma = text()
    categoria = text()
    encabezado = text()
    cuerpo = text()
    pie = text()
    valores_encabezado = s.ListField(child=s.CharField(allow_blank=True))
    valores = s.ListField(child=s.CharField(allow_blank=True), help_text="Lo que probablemente va en cada variable.")


class Plantillas(s.Serializer[Any]):
    plantillas = Plantilla(many=True)
    otras = s.IntegerField(help_text="Cuántas más hay que no se pueden enviar.")
    leidas = maybe(s.CharField, "Cuándo se leyó la lista de Meta.")
    sugerencias = s.ListField(child=s.CharField())


class Decidido(s.Serializer[Any]):
    status = s.ChoiceField(choices=Delivery.values)
    ticket_id = s.IntegerField()
    seq = s.IntegerField()


class NotaGuardada(s.Serializer[Any]):
    status = s.ChoiceField(choices=["interna"])
    ticket_id = s.IntegerField()
    seq = s.IntegerField()


class Reintento(s.Serializer[Any]):
    status = s.ChoiceField(choices=["pendiente"])
    ticket_id = s.IntegerField()
    seq = s.IntegerField()


class GastoDelAsistente(s.Serializer[Any]):
    tokens_hoy = s.IntegerField()
    presupuesto = maybe(s.IntegerField, "De un día; `null` es sin límite.")
    agotado = s.BooleanField()


class EstadoDeWhatsApp(s.Serializer[Any]):
    whatsapp = s.ChoiceField(choices=["conectado", "desconectado"])
    desde = s.DateTimeField(help_text="Con su zona.")
    detalle = text()
    pausa = maybe(s.DateTimeField, "Desde cuándo está en pausa el envío.")
    motivo_pausa = text()
    en_cola = s.IntegerField()
    asistente = GastoDelAsistente(required=False, help_text="Donde el asistente tiene un modelo.")


class Salud(s.Serializer[Any]):
    status = s.ChoiceField(choices=["ok", "degradado"])
    base_de_datos = s.ChoiceField(choices=["ok"])
    broker = s.ChoiceField(choices=["ok", "sin conexión", "no se usa"])
    worker = s.ChoiceField(choices=["ok", "sin señal"])
    whatsapp = s.ChoiceField(choices=["conectado", "desconectado"])


class SinSalud(s.Serializer[Any]):
    status = s.ChoiceField(choices=["error"])
    base_de_datos = text()


class Ficha(s.Serializer[Any]):
    token = text()
