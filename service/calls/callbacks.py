"""Callbacks: what the telephone network reports about a call, in any order, any number of times."""

from uuid import UUID

from service.calls.settlement import Settlement
from service.domain.call import CallStatus
from service.domain.events import LegEnded, MachineDetected
from service.domain.outcome import Outcome
from service.ports.call_store import CallStore, StatusReport
from service.ports.sessions import Sessions

_OUTCOME_WITHOUT_A_WORD = {
    CallStatus.BUSY: Outcome.BUSY,
    CallStatus.NO_ANSWER: Outcome.NO_ANSWER,
    CallStatus.CANCELED: Outcome.CANCELED,
    CallStatus.FAILED: Outcome.FAILED,
    CallStatus.COMPLETED: Outcome.ABANDONED,
}


class Callbacks:
    """Applies status and answering-machine callbacks."""

    def __init__(self, *, calls: CallStore, sessions: Sessions, settlement: Settlement) -> None:
        self._calls = calls
        self._sessions = sessions
        self._settlement = settlement

    async def status(self, report: StatusReport, *, call_id: UUID | None = None) -> None:
        """Apply a status report. Raises NotFound for a call that we do not know."""
        if call_id is not None:
            await self._calls.placed(call_id, twilio_sid=report.twilio_sid)
        call = await self._calls.report(report)
        if not call.status.is_terminal or call.outcome is not None:
            return
        if call.worker_id is None:
            await self._settlement.give_up(call, _OUTCOME_WITHOUT_A_WORD[call.status])
        else:
            event = LegEnded(call_id=call.call_id, status=call.status.value)
            await self._sessions.tell(call.worker_id, event)

    async def machine_verdict(
        self, twilio_sid: str, answered_by: str, *, call_id: UUID | None = None
    ) -> None:
        """Keep the verdict; a machine is told to the conversation. Raises NotFound."""
        if call_id is not None:
            call = await self._calls.placed(call_id, twilio_sid=twilio_sid)
        else:
            call = await self._calls.by_sid(twilio_sid)
        call = await self._calls.answered_by(call.call_id, answered_by)
        verdict = call.answered_by or answered_by
        if verdict.startswith("machine") and call.worker_id is not None:
            event = MachineDetected(call_id=call.call_id, answered_by=verdict)
            await self._sessions.tell(call.worker_id, event)
