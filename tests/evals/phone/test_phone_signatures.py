"""The network signs as Twilio documents it."""

import json
from pathlib import Path

import pytest
from twilio.request_validator import RequestValidator

from evals.phone.signatures import sign

DOCUMENTED = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675309"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
}


def test_the_vector_of_twilios_documentation() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign("12345", url, DOCUMENTED) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_repeated_values_count_once_and_in_order() -> None:
    params = {"b": ["2", "1", "2"], "a": ["x"]}
    assert sign("t", "https://h/p", params) == sign("t", "https://h/paxb1b2")


def test_a_websocket_upgrade_is_signed_as_wss_without_parameters() -> None:
    assert sign("12345", "wss://voice.example.com/media") == "jFDHVhI8XO69C49uXR3xmdZPylY="


def test_every_published_vector(assets: Path) -> None:
    cases = json.loads((assets / "contracts" / "twilio_signature_vectors.json").read_text())
    for case in cases["cases"]:
        params = {name: [value] for name, value in case.get("params", {}).items()}
        assert sign(case["token"], case["url"], params) == case["HMAC_SHA1"], case["name"]


@pytest.mark.parametrize("url", ["https://h:8443/p", "http://h/p?a=1&b=%20"])
def test_the_url_is_signed_as_it_is(url: str) -> None:
    assert RequestValidator("t").validate(url, {}, sign("t", url))
