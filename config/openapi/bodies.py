"""The JSON that the API takes, described for readers: the views judge it by themselves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from config.openapi.shapes import maybe, text
from tickets.models import State


class Credenciales(s.Serializer[Any]):
    username = text(max_length=150)
    password = text()


class Borrador(s.Serializer[Any]):
    """What every send takes besides its words."""

    clave = s.UUIDField(
        required=False, allow_null=True, help_text="Una por mensaje: repetir la petición ya no envía otra vez."
    )
    visto_hasta = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        help_text="El último `seq` que viste; si la persona escribió después, 409 en lugar de enviar.",
    )
    forzar = s.BooleanField(required=False, help_text="`true` envía de todos modos.")
    predefinido = s.IntegerField(
        required=False, allow_null=True, help_text="La respuesta rápida de la que salió el texto; sólo se cuenta."
    )


class EnviarMensaje(Borrador):
    mensaje = text("Cualquier Unicode menos NUL y medios caracteres.", min_length=1, max_length=4096)


class EnviarArchivo(Borrador):
    archivo = s.FileField()
    mensaje = text("Lo que va con el archivo.", required=False, max_length=1024)


class Notificar(s.Serializer[Any]):
    predefinido = s.IntegerField()
    clave = s.UUIDField(required=False, allow_null=True)
    forzar = s.BooleanField(required=False)
    plantilla = maybe(s.CharField, "La que mostró la vista previa; si ahora sería otra, 409.", required=False)


class EnviarPlantilla(Borrador):
    plantilla = s.IntegerField()
    variables = s.ListField(child=s.CharField(), required=False)
    encabezado = s.ListField(child=s.CharField(), required=False)


class Decision(s.Serializer[Any]):
    decision = s.ChoiceField(choices=["ya_llego", "reenviar", "descartar"])


class Leido(s.Serializer[Any]):
    hasta = s.IntegerField(min_value=0)


class CambioDeEstado(s.Serializer[Any]):
    estado = s.ChoiceField(choices=State.values)


class Nota(s.Serializer[Any]):
    texto = text("`@ana` avisa a esa persona.", min_length=1, max_length=4096)
    clave = s.UUIDField(required=False, allow_null=True)


class Transferir(s.Serializer[Any]):
    tecnico = s.IntegerField(min_value=1, help_text="El número de su cuenta.")
    nota = text("Para quien lo recibe; no sale a la persona.", required=False, max_length=4096)
