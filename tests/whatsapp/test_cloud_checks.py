"""What `manage.py check` says of the Cloud API's settings."""

from __future__ import annotations

import pytest
from django.core.checks.registry import registry
from pytest_django import Settings

from whatsapp.checks import check_gateway


@pytest.fixture(autouse=True)
def complete(settings: Settings) -> None:
    settings.WHATSAPP_GATEWAY = "cloud_api"
    settings.CLOUD_API_URL, settings.CLOUD_API_VERSION = "https://graph.facebook.com", "v25.0"
    settings.CLOUD_API_TOKEN, settings.CLOUD_API_PHONE_ID = "EAAG0", "106540352242922"
    settings.CLOUD_API_WABA_ID, settings.CLOUD_API_APP_SECRET = "", "secreto"
    settings.CLOUD_API_VERIFY_TOKEN = "otro secreto"


def test_complete_settings_pass_and_the_check_is_registered() -> None:
    assert check_gateway() == []
    assert check_gateway in registry.registered_checks


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CLOUD_API_URL", "graph.facebook.com"),
        ("CLOUD_API_VERSION", "25"),
        ("CLOUD_API_TOKEN", ""),
        ("CLOUD_API_TOKEN", "EAAG0\n"),
        ("CLOUD_API_TOKEN", "ñandú"),
        ("CLOUD_API_PHONE_ID", ""),
        ("CLOUD_API_PHONE_ID", "+52 477 275 8198"),
        ("CLOUD_API_WABA_ID", "mi cuenta"),
        ("CLOUD_API_APP_SECRET", ""),
        ("CLOUD_API_VERIFY_TOKEN", ""),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings: Settings, key: str, value: str) -> None:
    setattr(settings, key, value)
    assert [key in found.msg and key in str(found.hint) for found in check_gateway()] == [True]


def test_with_another_gateway_nothing_of_it_is_needed(settings: Settings) -> None:
    settings.WHATSAPP_GATEWAY, settings.CLOUD_API_TOKEN = "waha", ""
    assert check_gateway() == []
