"""Page cursors: the last row's sort key, opaque to the client and bound to the list it is for."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from service.domain.errors import InvalidInput


def encode_cursor(kind: str, *, at: datetime, row_id: UUID) -> str:
    """Make the cursor that continues the list `kind` after the row (`at`, `row_id`)."""
    text = f"{kind}|{at.isoformat()}|{row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str) -> tuple[datetime, UUID]:
    """Read a cursor back. Raises InvalidInput when it was not made for the list `kind`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        made_for, at_text, row_text = text.split("|")
        at, row_id = datetime.fromisoformat(at_text), UUID(row_text)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("the cursor is not one of this list; start without a cursor") from error
    if made_for != kind or at.tzinfo is None:
        raise InvalidInput("the cursor is not one of this list; start without a cursor")
    return at, row_id
