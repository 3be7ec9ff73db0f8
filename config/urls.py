from django.contrib import admin
from django.urls import include, path

from config.openapi.views import docs as api_docs
from config.openapi.views import schema as api_schema
from config.views import token

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/token", token, name="token"),
    path("api/esquema", api_schema, name="api-esquema"),
    path("api/docs", api_docs, name="api-docs"),
    path("", include("tickets.urls")),
    path("", include("chat.urls")),
    path("", include("whatsapp.urls")),
]

handler500 = "config.errors.server_error"
