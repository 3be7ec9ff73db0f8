from django.urls import path

from whatsapp import views

urlpatterns = [
    path("webhooks/<slug:gateway>", views.webhook, name="webhook"),
]
