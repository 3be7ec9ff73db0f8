from django.contrib.auth.views import LogoutView
from django.urls import path

from tickets import api, views

urlpatterns = [
    path("", views.table, name="tickets"),
    path("tickets", api.tickets, name="api-tickets"),
    path("ticket/<int:ticket_id>/evidencia", views.evidence, name="evidencia"),
    path("entrar", views.Enter.as_view(), name="entrar"),
    path("salir", LogoutView.as_view(), name="salir"),
]
