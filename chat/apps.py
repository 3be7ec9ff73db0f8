from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.core import checks


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chat import audit
        from chat.checks import check_media, check_model, check_push
        from chat.push_devices import forget_on_logout

        checks.register(check_push)
        checks.register(check_media)
        checks.register(check_model)
        user_logged_out.connect(forget_on_logout)
        audit.connect()
