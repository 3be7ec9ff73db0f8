from django.contrib import admin
from django.urls import include, path

from config.views import token

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/token", token, name="token"),
    path("", include("tickets.urls")),
    path("", include("chat.urls")),
    path("", include("whatsapp.urls")),
]

handler500 = "config.errors.server_error"
