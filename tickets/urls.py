from django.contrib.auth.views import LogoutView
from django.urls import path

from tickets import api, statistics_views, views

urlpatterns = [
    path("", views.table, name="tickets"),
    path("tickets", api.tickets, name="api-tickets"),
    path("ticket/<int:ticket_id>/evidencia", views.evidence, name="evidencia"),
    path("estadisticas", statistics_views.page, name="estadisticas"),
    path("estadisticas/tickets", statistics_views.tickets, name="estadisticas-tickets"),
    path("estadisticas/csv", statistics_views.table, name="estadisticas-csv"),
    path("entrar", views.Enter.as_view(), name="entrar"),
    path("salir", LogoutView.as_view(), name="salir"),
]
