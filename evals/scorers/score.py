"""One value that a scorer found for one call, with the scorer's name and version beside it."""

from decimal import Decimal
from typing import Any

import msgspec


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A value of one call: None when the call does not show it, which is not 0.

    `version` grows whenever the same call may get another value; `detail` is JSON-ready evidence.
    """

    name: str
    version: int
    value: bool | float | Decimal | None
    detail: dict[str, Any] = {}
