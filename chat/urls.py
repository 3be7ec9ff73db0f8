from django.urls import path

from chat import health, media_views, metrics, presence_views, streaming, templates_views, views

urlpatterns = [
    path("ticket/<int:ticket_id>/enviar-mensaje", views.send_message, name="enviar-mensaje"),
    path("ticket/<int:ticket_id>/enviar-plantilla", templates_views.send_template, name="enviar-plantilla"),
    path("ticket/<int:ticket_id>/enviar-archivo", media_views.send_file, name="enviar-archivo"),
    path("ticket/<int:ticket_id>/conversacion", views.conversation, name="conversacion"),
    path("ticket/<int:ticket_id>/notificar", views.notify, name="notificar"),
    path("ticket/<int:ticket_id>/log", views.log, name="log"),
    path("ticket/<int:ticket_id>/mensaje/<int:seq>/resolver", views.decide, name="resolver"),
    path("ticket/<int:ticket_id>/mensaje/<int:seq>/archivo", media_views.original, name="archivo"),
    path("ticket/<int:ticket_id>/mensaje/<int:seq>/miniatura", media_views.small, name="miniatura"),
    path("ticket/<int:ticket_id>/mensaje/<int:seq>/descargar", media_views.fetch_again, name="descargar"),
    path("ticket/<int:ticket_id>/leido", views.mark_read, name="leido"),
    path("ticket/<int:ticket_id>/presencia", presence_views.present, name="presencia"),
    path("ticket/<int:ticket_id>/tomar", views.take, name="tomar"),
    path("ticket/<int:ticket_id>/estado", views.change_state, name="cambiar-estado"),
    path("eventos", streaming.events, name="eventos"),
    path("estado", health.estado, name="estado"),
    path("salud", health.salud, name="salud"),
    path("metricas", metrics.metrics, name="metricas"),
]
