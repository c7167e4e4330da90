"""The meter of a leg: what the telephone network counts of one call."""

import math
from decimal import Decimal

from service.domain.call import Call, Direction
from service.domain.money import Meter, Usage

TWILIO = "twilio"
AMD = "amd"


def leg_usage(call: Call, *, seconds: float | Decimal) -> tuple[Usage, ...]:
    """Return the usage of an answered leg that lasted `seconds`.

    Seconds are whole, and at least one: "completed sub-second calls bill as 1 s" (PROTOCOLS 1).
    An outbound leg always runs answering-machine detection, billed per call. A leg that nobody
    answered is free and has no usage.
    """
    whole_seconds = max(1, math.ceil(seconds))
    leg = Usage(
        meter=Meter.TELEPHONY_SECONDS,
        provider=TWILIO,
        model=call.direction.value,
        quantity=Decimal(whole_seconds),
    )
    if call.direction is Direction.INBOUND:
        return (leg,)
    detection = Usage(meter=Meter.AMD_CALLS, provider=TWILIO, model=AMD, quantity=Decimal(1))
    return (leg, detection)
