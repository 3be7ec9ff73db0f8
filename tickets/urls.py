from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from tickets import api, views

urlpatterns = [
    path("", views.table, name="tickets"),
    path("tickets", api.tickets, name="api-tickets"),
    path("ticket/<int:ticket_id>/evidencia", views.evidence, name="evidencia"),
    path("entrar", LoginView.as_view(redirect_authenticated_user=True), name="entrar"),
    path("salir", LogoutView.as_view(), name="salir"),
]
