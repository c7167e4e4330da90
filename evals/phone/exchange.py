"""The exchange: the account's numbers, who is at the other ends, and the calls between them."""

import asyncio
from collections.abc import Callable, Mapping

from evals.callers.cast import cast
from evals.callers.listening import Ears
from evals.callers.person import Person
from evals.callers.scenario import load_scenario
from evals.phone.calls import CallOrder, CallReport, PhoneCall
from evals.phone.flow import CallFlow, Line, Timing, Unanswered
from evals.phone.webhooks import Webhooks
from service.domain.errors import NotFound

Who = str | Callable[[], Person]
"""A scenario's name; `busy`, `no-answer` or `failed`; or what makes anybody else."""


class Exchange:
    """Connects calls. `credentials` are the sids and secrets that the REST API takes."""

    def __init__(
        self,
        *,
        account_sid: str,
        credentials: Mapping[str, str],
        timing: Timing,
        ears: Ears,
        webhooks: Webhooks,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.account_sid = account_sid
        self.credentials = credentials
        self.calls: dict[str, PhoneCall] = {}
        self.numbers: dict[str, CallOrder] = {}
        self._timing = timing
        self._ears = ears
        self._webhooks = webhooks
        self._tasks = tasks
        self._lines: dict[str, Who] = {}
        self._next_dial_at = 0.0

    def add_number(
        self, number: str, *, voice_url: str | None = None, status_url: str | None = None
    ) -> None:
        """Make `number` one of the account's: it may ring others, and be rung at its voice URL."""
        self.numbers[number] = CallOrder(url=voice_url, status_url=status_url)

    def put_line(self, number: str, who: Who) -> None:
        """Say who is at `number`. Raises InvalidInput when there is no such scenario."""
        self._line(who)
        self._lines[number] = who

    def dial(self, *, from_number: str, to_number: str, order: CallOrder) -> PhoneCall:
        """Queue an outbound call; one a second leaves the queue, unless the timing says more.

        A number at which nobody was put fails.
        """
        now = asyncio.get_running_loop().time()
        dial_at = max(now, self._next_dial_at)
        self._next_dial_at = dial_at + 1 / self._timing.calls_per_second
        who = self._lines.get(to_number, Unanswered.FAILED)
        call = PhoneCall(
            account_sid=self.account_sid,
            direction="outbound-api",
            from_number=from_number,
            to_number=to_number,
            order=order,
            scenario=who if isinstance(who, str) else None,
            queue_time_ms=round((dial_at - now) * 1000),
        )
        flow = self._begin(call, who)
        self._tasks.create_task(flow.outbound(queued_s=dial_at - now))
        return call

    def ring(self, *, from_number: str, to_number: str, who: Who) -> PhoneCall:
        """Let somebody dial one of the account's numbers.

        Raises NotFound when the number is not one of them, or has no voice URL; InvalidInput when
        there is no such scenario.
        """
        order = self.numbers.get(to_number)
        if order is None or order.url is None:
            raise NotFound(f"the number {to_number} has no voice URL here")
        call = PhoneCall(
            account_sid=self.account_sid,
            direction="inbound",
            from_number=from_number,
            to_number=to_number,
            order=order,
            scenario=who if isinstance(who, str) else None,
        )
        self._tasks.create_task(self._begin(call, who).inbound())
        return call

    def reports(self) -> list[CallReport]:
        """The far end's account of every call, oldest first."""
        return [call.report() for call in self.calls.values()]

    def end_all(self) -> None:
        """End every call."""
        for call in self.calls.values():
            call.end("network")

    def _begin(self, call: PhoneCall, who: Who) -> CallFlow:
        flow = CallFlow(
            call,
            line=self._line(who),
            webhooks=self._webhooks,
            auth_token=self.credentials[self.account_sid],
            timing=self._timing,
        )
        self.calls[call.sid] = call
        return flow

    def _line(self, who: Who) -> Line:
        if not isinstance(who, str):
            return who
        if who in set(Unanswered):
            return Unanswered(who)
        load_scenario(who)
        return lambda: cast(who, ears=self._ears)
