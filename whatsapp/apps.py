from django.apps import AppConfig
from django.core import checks


class WhatsappConfig(AppConfig):
    name = "whatsapp"
    verbose_name = "WhatsApp"

    def ready(self) -> None:
        from whatsapp.checks import check_cloud_api, check_evolution, check_puente, check_waha

        checks.register(check_waha)
        checks.register(check_cloud_api)
        checks.register(check_evolution)
        checks.register(check_puente)
