"""X-Twilio-Signature: who really sent a webhook or asked for the media websocket."""

from collections.abc import Mapping, Sequence

from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from service.domain.errors import BadSignature


class _RepeatedKeys(dict[str, list[str]]):
    """A form as Twilio's validator reads it: several values under one key."""

    def getall(self, name: str) -> list[str]:
        """All values of a key."""
        return self[name]


def verify_signature(
    *,
    url: str,
    form: Mapping[str, list[str]],
    headers: Mapping[str, str],
    secrets: Sequence[str],
    body: str | None = None,
) -> None:
    """Check the signature by any of `secrets` (several while a token is rotated), constant time.

    PROTOCOLS 1.2: HMAC over the URL exactly as requested (tried with and without its port), then
    every form value by name; a websocket upgrade signs its ws(s) URL with an empty form; a JSON
    `body` is bound to the URL by its `bodySHA256`. Raises BadSignature.
    """
    names = {name.lower(): value for name, value in headers.items()}
    signature = names.get(SIGNATURE_HEADER.lower(), "")
    if not signature:
        raise BadSignature("the request carries no X-Twilio-Signature")
    algorithm = get_signature_algorithm(names.get(SIGNATURE_SETTINGS_HEADER.lower()))
    signed = body if body is not None else _RepeatedKeys(form)
    try:
        # An empty secret would let anybody sign.
        matches = [
            RequestValidator(secret).validate(url, signed, signature, algorithm)
            for secret in secrets
            if secret
        ]
    except ValueError as error:
        raise BadSignature("a URL or form that Twilio cannot have signed") from error
    if not any(matches):
        raise BadSignature("the X-Twilio-Signature does not match this URL and form")
