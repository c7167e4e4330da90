"""Identifiers: UUIDv7, so that ids sort by the time they were made."""

from uuid import UUID

import uuid_utils.compat as uuid7_source


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562)."""
    return uuid7_source.uuid7()
