"""How the network's signals change a call, whatever the order in which they arrive."""

from datetime import datetime

from msgspec.structs import replace

from service.domain.call import Call, CallStatus
from service.ports.call_store import StatusReport


def merge_report(call: Call, report: StatusReport) -> Call:
    """Return `call` with what `report` adds.

    Callbacks come duplicated, late and out of order (PROTOCOLS 1.1): the status only moves forward,
    the first terminal status stays, and what a late report knows is still kept.
    """
    moves = call.status.may_become(report.status)
    answered_at, ended_at = call.answered_at, call.ended_at
    if report.status is CallStatus.IN_PROGRESS:
        answered_at = min(answered_at or report.at, report.at)
    if moves and report.status.is_terminal:
        ended_at = report.at
    return replace(
        call,
        status=report.status if moves else call.status,
        answered_at=answered_at,
        ended_at=ended_at,
        duration_s=report.duration_s if call.duration_s is None else call.duration_s,
        error_code=report.error_code if call.error_code is None else call.error_code,
    )


def mark_served(call: Call, at: datetime) -> Call:
    """A media stream proves that the call was answered, even before the network reports it."""
    moves = call.status.may_become(CallStatus.IN_PROGRESS)
    return replace(
        call,
        status=CallStatus.IN_PROGRESS if moves else call.status,
        answered_at=min(call.answered_at or at, at),
    )
