"""Settings name everything that is wrong at once, and never print a secret."""

import pytest

from service.domain.errors import InvalidSettings
from service.settings import load_settings, require_telephony

SECRET = "s3cr3t-do-not-print"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("REAUTO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(str(tmp_path))


def test_lists_and_nested_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAUTO_TWILIO__FROM_NUMBERS", "+15551230001, +15551230002")
    monkeypatch.setenv("REAUTO_API_KEYS", "one,two")
    monkeypatch.setenv("REAUTO_ENGINES__STT", "pocketsphinx")
    monkeypatch.setenv("REAUTO_PUBLIC_URL", "https://voice.example.com/")
    settings = load_settings()
    assert settings.twilio.from_numbers == ["+15551230001", "+15551230002"]
    assert [key.get_secret_value() for key in settings.api_keys] == ["one", "two"]
    assert settings.engines.stt == "pocketsphinx"
    assert settings.public_url == "https://voice.example.com"


def test_malformed_values_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAUTO_PORT", "many")
    monkeypatch.setenv("REAUTO_TWILIO__FROM_NUMBERS", "555")
    monkeypatch.setenv("REAUTO_PUBLIC_URL", "voice.example.com")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    text = str(caught.value)
    for name in ("REAUTO_PORT", "REAUTO_TWILIO__FROM_NUMBERS", "REAUTO_PUBLIC_URL"):
        assert name in text


def test_missing_values_are_named_together() -> None:
    with pytest.raises(InvalidSettings) as caught:
        require_telephony(load_settings())
    text = str(caught.value)
    for name in ("PUBLIC_URL", "TWILIO__ACCOUNT_SID", "TWILIO__AUTH_TOKEN", "API_KEYS"):
        assert f"REAUTO_{name}: is not set" in text


def test_missing_malformed_and_placeholder_values_are_named_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {
        "DATABASE_URL": "mysql://host/calls",
        "REDIS_URL": "localhost:6379",
        "TWILIO__ACCOUNT_SID": "AC123",
        "TWILIO__AUTH_TOKEN": "changeme",
        "TWILIO__API_KEY_SID": "SK" + "0" * 32,
        "ENGINES__STT_PROCESSES": "0",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(f"REAUTO_{name}", value)
    monkeypatch.setenv("REAUTO_DATABASE_READ_URL", "postgresql://host/replica")
    with pytest.raises(InvalidSettings) as caught:
        load_settings(needs_telephony=True, port=0)
    named = [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]]
    missing = ("PORT", "TWILIO__API_KEY_SECRET", "PUBLIC_URL", "TWILIO__FROM_NUMBERS", "API_KEYS")
    others = {*wrong} - {"TWILIO__API_KEY_SID"}
    assert sorted(named) == sorted(f"REAUTO_{name}" for name in (*others, *missing))


@pytest.mark.parametrize(("given", "missing"), [("SID", "SECRET"), ("SECRET", "SID")])
def test_half_an_api_key_is_named(
    monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    monkeypatch.setenv(f"REAUTO_TWILIO__API_KEY_{given}", "SK1")
    with pytest.raises(InvalidSettings, match=f"REAUTO_TWILIO__API_KEY_{missing}: is not set"):
        load_settings()


def test_words_inside_real_values_are_no_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAUTO_DATABASE_URL", "postgresql://todorov:xxxxy@db/replaced")
    monkeypatch.setenv("REAUTO_REDIS_URL", "rediss://cache")
    monkeypatch.setenv("REAUTO_PUBLIC_URL", "https://your-homes.example")
    monkeypatch.setenv("REAUTO_TWILIO__ACCOUNT_SID", "AC" + "0aF1" * 8)
    settings = load_settings()
    assert settings.public_url == "https://your-homes.example"
    assert settings.redis_url == "rediss://cache"


@pytest.mark.parametrize("value", ["changeme", "your_token_here", "<token>", "xxxxxxxx"])
def test_placeholders_are_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REAUTO_TWILIO__AUTH_TOKEN", value)
    monkeypatch.setenv("REAUTO_API_KEYS", f"good,{value}")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert "REAUTO_TWILIO__AUTH_TOKEN: still holds a placeholder" in str(caught.value)
    assert "REAUTO_API_KEYS" in str(caught.value)
    assert value not in str(caught.value)


def test_a_secret_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAUTO_TWILIO__AUTH_TOKEN", SECRET)
    monkeypatch.setenv("REAUTO_API_KEYS", SECRET)
    monkeypatch.setenv("REAUTO_PORT", SECRET)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert SECRET not in str(caught.value)
    monkeypatch.delenv("REAUTO_PORT")
    assert SECRET not in repr(load_settings())
