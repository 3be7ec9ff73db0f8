"""The registry: what a new gateway adds."""

from __future__ import annotations

from django.conf import settings

from whatsapp import gateways


def test_the_settings_choose_among_the_gateways_of_the_registry() -> None:
    assert set(settings.WHATSAPP_GATEWAYS) == set(gateways.GATEWAYS)


def test_each_is_registered_under_its_own_name_and_tells_its_settings() -> None:
    for name, make in gateways.GATEWAYS.items():
        gateway = make()
        assert gateway.name == name and gateway.title
        assert hasattr(settings, gateway.url_setting) and hasattr(settings, gateway.secret_setting)
