"""The demo's campaign: contacts in, six calls out, two calls in, over the service's own API."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from cli.demo.cast import Role
from cli.demo.stage import OUR_NUMBERS, Stage
from evals.callers.scenario import load_all
from service.domain.call import Direction
from service.domain.errors import ReautoError
from service.web.schemas import Transcript

CONTACTS = Path(__file__).resolve().parents[2] / "data" / "contacts" / "sample.csv"
AT_A_TIME = 4
INBOUND_AFTER_S = 5.0
POLL_S = 0.5


@dataclass
class Progress:
    """What is known of the calls so far; `skipped` are contacts that were not dialled, and why."""

    network: list[dict[str, Any]] = field(default_factory=list)
    live: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    is_over: bool = False


class Campaign:
    """Runs the scenarios; `run` yields progress until every call is over."""

    def __init__(self, stage: Stage, roles: tuple[Role, ...]) -> None:
        self._roles = roles
        self._network = httpx.Client(base_url=stage.network_url, timeout=10)
        self._service = httpx.Client(
            base_url=stage.service_url,
            timeout=30,
            headers={"Authorization": f"Bearer {stage.api_key}"},
        )
        self._voice_url = f"{stage.service_url}/twilio/voice"
        self._status_url = f"{stage.service_url}/twilio/status"

    def run(
        self, *, timeout_s: float, now: Callable[[], float] = time.monotonic
    ) -> Iterator[Progress]:
        """Start everything and yield twice a second. Raises ReautoError after `timeout_s`."""
        progress = Progress()
        self._connect_lines()
        campaign_id = self._start(progress)
        began = now()
        waiting = [
            (began + INBOUND_AFTER_S * (number + 1), role)
            for number, role in enumerate(self._of(Direction.INBOUND))
        ]
        while not progress.is_over:
            while waiting and now() >= waiting[0][0]:
                self._ring(waiting.pop(0)[1])
            self._look(progress, campaign_id, all_rung=not waiting)
            yield progress
            if now() - began > timeout_s:
                raise ReautoError(f"the calls were not over after {timeout_s:.0f} s")
            time.sleep(POLL_S)

    def transcript(self, call_id: str) -> Transcript:
        """A call's turns, facts and outcome as the API gives them."""
        answer = _json(self._service.get(f"/api/calls/{call_id}/transcript"))
        return msgspec.convert(answer, Transcript)

    def readiness(self) -> dict[str, Any]:
        """The first worker's /health/ready."""
        return dict(self._service.get("/health/ready").json())

    def close(self) -> None:
        """Close the connections."""
        self._network.close()
        self._service.close()

    def _of(self, direction: Direction) -> list[Role]:
        return [role for role in self._roles if role.scenario.direction is direction]

    def _connect_lines(self) -> None:
        for number in OUR_NUMBERS:
            body = {
                "number": number,
                "voice_url": self._voice_url,
                "status_url": self._status_url,
            }
            _json(self._network.post("/control/numbers", json=body))
        for role in self._of(Direction.OUTBOUND):
            body = {"number": role.phone, "scenario": role.scenario.name}
            _json(self._network.post("/control/lines", json=body))

    def _start(self, progress: Progress) -> str:
        report = _json(
            self._service.post(
                "/api/contacts/import",
                content=CONTACTS.read_bytes(),
                headers={"Content-Type": "text/csv"},
            )
        )
        progress.rejected_rows = list(report["rejected"])
        wanted = {role.phone for role in self._of(Direction.OUTBOUND)}
        for role in self._of(Direction.OUTBOUND):
            if role.is_copy:
                _json(self._service.post("/api/contacts", json=role.contact()))
        contacts = _json(self._service.get("/api/contacts", params={"limit": 200}))["items"]
        absent = {scenario.phone for scenario in load_all()} - wanted
        contact_ids = [item["contact_id"] for item in contacts if item["phone"] not in absent]
        if not wanted <= {item["phone"] for item in contacts}:
            raise ReautoError(f"{CONTACTS} lacks contacts that the scenarios need")
        body = {
            "name": "demo",
            "max_concurrent_calls": AT_A_TIME,
            "contact_ids": contact_ids,
        }
        created = _json(self._service.post("/api/campaigns", json=body))
        return str(created.get("campaign", created)["campaign_id"])

    def _ring(self, role: Role) -> None:
        body = {"from": role.phone, "to": OUR_NUMBERS[0], "scenario": role.scenario.name}
        _json(self._network.post("/control/ring", json=body))

    def _look(self, progress: Progress, campaign_id: str, *, all_rung: bool) -> None:
        progress.network = list(_items(_json(self._network.get("/control/calls"))))
        progress.live = list(_json(self._service.get("/api/calls/live"))["items"])
        progress.calls = list(
            _json(self._service.get("/api/calls", params={"limit": 100}))["items"]
        )
        view = _json(self._service.get(f"/api/campaigns/{campaign_id}"))
        progress.skipped = [a["reason"] for a in view["attempts"] if a["status"] == "skipped"]
        settled = all(call["outcome"] is not None for call in progress.calls)
        progress.is_over = (
            all_rung
            and view["campaign"]["status"] == "finished"
            and settled
            and len(progress.calls) >= len(self._roles)
            and all(call["status"] in ENDED for call in progress.network)
        )


ENDED = ("completed", "busy", "failed", "no-answer", "canceled")


def _items(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else answer["calls"]


def _json(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise ReautoError(f"{answer.request.method} {answer.request.url}: {answer.text[:500]}")
    return answer.json() if answer.content else None
