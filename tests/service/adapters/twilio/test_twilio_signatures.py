"""X-Twilio-Signature against the documentation's vector and the shared ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from service.adapters.twilio.signatures import verify_signature
from service.domain.errors import BadSignature

DOC_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
DOC_FORM = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675309"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
}
DOC_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
SHARED_KEY = "X-Twilio-Webhooks-Signature-Settings"


def verify(*, url=DOC_URL, form=DOC_FORM, signature=DOC_SIGNATURE, secrets=("12345",), **extra):
    headers = {"X-Twilio-Signature": signature, **extra.pop("headers", {})}
    verify_signature(url=url, form=form, headers=headers, secrets=secrets, **extra)


def test_documentation_vector_verifies():
    verify()


@pytest.mark.parametrize(
    "change",
    [
        {"url": DOC_URL + "&x=1"},
        {"url": DOC_URL.replace("https", "http")},
        {"form": {**DOC_FORM, "Digits": ["1235"]}},
        {"form": {**DOC_FORM, "Extra": ["1"]}},
        {"form": {}},
        {"signature": DOC_SIGNATURE[:-2] + "9="},
        {"signature": "ÿ" * 28},
        {"signature": ""},
        {"secrets": ("54321",)},
        {"secrets": ()},
        {"secrets": ("",)},
        {"url": "https://mycompany.com:port/"},
        {"url": "https://mycompany.com/\ud800"},
        {"headers": {SHARED_KEY: "key=k,algorithm=HMAC_SHA256"}},
        {"headers": {SHARED_KEY: "key=k,algorithm=HMAC_MD5"}},
    ],
)
def test_anything_else_does_not(change):
    with pytest.raises(BadSignature):
        verify(**change)


def test_no_signature_at_all_is_refused():
    with pytest.raises(BadSignature, match="no X-Twilio-Signature"):
        verify_signature(url=DOC_URL, form=DOC_FORM, headers={}, secrets=("12345",))


def test_header_name_may_be_in_any_case():
    verify_signature(
        url=DOC_URL,
        form=DOC_FORM,
        headers={"x-TWILIO-signature": DOC_SIGNATURE},
        secrets=("12345",),
    )


def test_any_of_several_tokens_is_accepted_while_one_is_rotated():
    verify(secrets=("new-token", "12345"))


def test_port_may_be_in_the_url_and_not_in_the_signature_or_the_reverse():
    url = DOC_URL.replace("mycompany.com", "mycompany.com:443")
    verify(url=url)
    signature = RequestValidator("12345").compute_signature(url, {})
    verify(form={}, signature=signature)


def test_values_of_a_repeated_key_are_signed_sorted_and_once():
    signed = RequestValidator("t").compute_signature("https://h/pA1A2B", {})
    verify(
        url="https://h/p", form={"B": [""], "A": ["2", "1", "2"]}, signature=signed, secrets=("t",)
    )


def test_json_body_is_bound_to_the_url_by_its_hash():
    body = '{"CallSid":"CA1","x":1}'
    digest = RequestValidator("12345").compute_hash(body)
    url = f"https://voice.example.com/json?bodySHA256={digest}"
    signature = RequestValidator("12345").compute_signature(url, {})
    verify(url=url, form={}, signature=signature, body=body)
    with pytest.raises(BadSignature):
        verify(url=url, form={}, signature=signature, body=body + " ")


def test_shared_vectors(assets: Path):
    path = assets / "contracts" / "twilio_signature_vectors.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    assert len(cases) >= 7
    for case in cases:
        form = {name: [value] for name, value in case.get("params", {}).items()}
        known = {"url": case["url"], "form": form, "secrets": (case["token"],)}
        known["body"] = case.get("raw_body")
        verify(signature=case["HMAC_SHA1"], **known)
        if "HMAC_SHA256" in case:
            settings = {SHARED_KEY: "key=k,algorithm=HMAC_SHA256"}
            verify(signature=case["HMAC_SHA256"], headers=settings, **known)


def test_websocket_upgrade_is_signed_with_its_own_scheme():
    url = "wss://voice.example.com/media"
    verify(url=url, form={}, signature="jFDHVhI8XO69C49uXR3xmdZPylY=")
    with pytest.raises(BadSignature):
        verify(url=url, form={}, signature="2A768no+sGy6/ZLDxHITQfda/E8=")


@given(
    url=st.text(max_size=60),
    form=st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=3)),
    signature=st.text(min_size=1, max_size=30),
)
def test_whatever_is_sent_it_is_refused_and_nothing_breaks(url, form, signature):
    with pytest.raises(BadSignature):
        verify(url=url, form=form, signature=signature)
