from django.apps import AppConfig
from django.core import checks


class WhatsappConfig(AppConfig):
    name = "whatsapp"
    verbose_name = "WhatsApp"

    def ready(self) -> None:
        from whatsapp.checks import check_cloud_api, check_waha

        checks.register(check_waha)
        checks.register(check_cloud_api)
