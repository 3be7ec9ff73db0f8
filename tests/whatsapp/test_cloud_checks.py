"""What `manage.py check` says of the Cloud API's settings."""

from __future__ import annotations

import pytest
from django.core.checks.registry import registry
from pytest_django import Settings

from whatsapp.checks import check_cloud_api


@pytest.fixture(autouse=True)
def complete(settings: Settings) -> None:
    settings.WHATSAPP_GATEWAY = "cloud_api"
    settings.CLOUD_API_URL, settings.CLOUD_API_VERSION = "https://graph.facebook.com", "v25.0"
    settings.CLOUD_API_TOKEN, settings.CLOUD_API_PHONE_ID = "EAAG0", "106540352242922"
    settings.CLOUD_API_WABA_ID, settings.CLOUD_API_APP_SECRET = "", "secreto"
    settings.CLOUD_API_VERIFY_TOKEN = "otro secreto"


def test_complete_settings_pass_and_the_check_is_registered() -> None:
    assert check_cloud_api() == []
    assert check_cloud_api in registry.registered_checks


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("CLOUD_API_URL", "graph.facebook.com", "whatsapp.E011"),
        ("CLOUD_API_VERSION", "25", "whatsapp.E012"),
        ("CLOUD_API_TOKEN", "", "whatsapp.E013"),
        ("CLOUD_API_TOKEN", "EAAG0\n", "whatsapp.E014"),
        ("CLOUD_API_TOKEN", "ñandú", "whatsapp.E014"),
        ("CLOUD_API_PHONE_ID", "", "whatsapp.E015"),
        ("CLOUD_API_PHONE_ID", "+52 477 275 8198", "whatsapp.E015"),
        ("CLOUD_API_WABA_ID", "mi cuenta", "whatsapp.E016"),
        ("CLOUD_API_APP_SECRET", "", "whatsapp.E017"),
        ("CLOUD_API_VERIFY_TOKEN", "", "whatsapp.E018"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings: Settings, key: str, value: str, code: str) -> None:
    setattr(settings, key, value)
    assert [(found.id, key in str(found.hint)) for found in check_cloud_api()] == [(code, True)]


def test_with_another_gateway_nothing_of_it_is_needed(settings: Settings) -> None:
    settings.WHATSAPP_GATEWAY, settings.CLOUD_API_TOKEN = "waha", ""
    assert check_cloud_api() == []
