"""Signs webhooks and websocket upgrades as Twilio does.

Written from Twilio's security documentation, apart from the service's own verification, so that the
two check each other.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

NO_PARAMS: Mapping[str, Sequence[str]] = {}


def sign(auth_token: str, url: str, params: Mapping[str, Sequence[str]] = NO_PARAMS) -> str:
    """Return the X-Twilio-Signature of a request: base64 of HMAC-SHA1.

    `url` is signed as requested (scheme, host, port, path, query); after it comes every form
    parameter by sorted name with its distinct values sorted, name and value joined by nothing.
    Websocket upgrades and GET requests have no parameters: their `ws(s)://` or `http(s)://` URL is
    signed alone.
    """
    text = url + "".join(
        f"{name}{value}" for name in sorted(params) for value in sorted(set(params[name]))
    )
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
