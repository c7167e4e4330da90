"""HangUp: an operator's or the API's wish to end a call, brought to whoever runs it."""

from uuid import UUID

from service.domain.errors import Conflict
from service.domain.events import HangUpRequested
from service.ports.call_store import CallStore
from service.ports.sessions import Sessions
from service.ports.telephony import Telephony


class HangUp:
    """Ends a call politely when a conversation runs it, else at the network."""

    def __init__(self, *, calls: CallStore, sessions: Sessions, telephony: Telephony) -> None:
        self._calls = calls
        self._sessions = sessions
        self._telephony = telephony

    async def request(self, call_id: UUID, *, reason: str) -> None:
        """Ask for the end of a call. Raises NotFound, or Conflict when it is over already."""
        call = await self._calls.get(call_id)
        if call.outcome is not None or call.status.is_terminal:
            raise Conflict("the call is over already")
        live = await self._sessions.get(call_id)
        if live is not None:
            await self._sessions.tell(
                live.worker_id, HangUpRequested(call_id=call_id, reason=reason)
            )
        elif call.twilio_sid is None:
            raise Conflict("the network has not taken the call yet: try again in a moment")
        else:
            await self._telephony.hang_up(call.twilio_sid)
