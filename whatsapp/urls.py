from django.urls import path

from whatsapp import views

urlpatterns = [
    path("webhooks/<slug:gateway>", views.webhook, name="webhook"),
    # Evolution's `byEvents` appends /messages-upsert and so on.
    path("webhooks/evolution/<slug:topic>", views.webhook, {"gateway": "evolution"}, name="webhook-topic"),
    # What the bridge calls of itself: its address has no other part.
    path("webhook", views.webhook, {"gateway": "puente"}, name="webhook-puente"),
]
