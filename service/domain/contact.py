"""A contact: a person with a phone number whom a campaign may call."""

import re
from datetime import datetime
from uuid import UUID

import msgspec

from service.domain.errors import InvalidPhoneNumber

_E164 = re.compile(r"^\+[1-9]\d{6,14}$")


def parse_e164(text: str) -> str:
    """Return `text` as an E.164 number, e.g. `+15551230001`, with spaces and punctuation removed.

    Raises InvalidPhoneNumber when it has no leading `+` or a wrong number of digits (ITU-T E.164:
    at most 15).
    """
    compact = re.sub(r"[\s().-]", "", text)
    if not _E164.match(compact):
        raise InvalidPhoneNumber(
            "a phone number must be in E.164 form, for example +15551230001: "
            "a plus sign, the country code, then the number, 7 to 15 digits in all"
        )
    return compact


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person we may call. `timezone` is an IANA name; `consent_source` says where consent is."""

    contact_id: UUID
    phone: str
    name: str
    created_at: datetime
    email: str | None = None
    timezone: str | None = None
    address: str | None = None
    lead_source: str | None = None
    consent_source: str | None = None
    notes: str | None = None
