"""TwilioTelephony: calls placed and ended over Twilio's REST API, webhooks trusted by signature."""

from collections.abc import Mapping

from twilio.rest import Client

from service.adapters.twilio import media, twiml
from service.adapters.twilio.errors import translated
from service.adapters.twilio.http import DeadlineHttpClient
from service.adapters.twilio.signatures import verify_signature
from service.domain.call import CallStatus
from service.domain.errors import TelephonyError
from service.ports.media import TextSocket
from service.ports.telephony import OpenedStream, OutboundLeg, PlacedLeg, StreamInstruction
from service.settings import TwilioSettings

CALL_NOT_IN_PROGRESS = 21220
NO_SUCH_CALL = (404, 20404)
STATUS_EVENTS = ["initiated", "ringing", "answered", "completed"]


class TwilioTelephony:
    """Twilio's network. Every request ends within `deadline_s`; nothing is retried here.

    REST authenticates with the API key when there is one, else with the auth token; webhooks are
    always signed with the auth token. Two tokens, comma-separated, are both trusted while one
    replaces the other; REST uses the first.
    """

    def __init__(self, settings: TwilioSettings, *, deadline_s: float = 10.0) -> None:
        tokens = settings.auth_token.get_secret_value().split(",")
        self._secrets = tuple(token.strip() for token in tokens)
        self._account_sid = settings.account_sid
        self._http = DeadlineHttpClient(deadline_s=deadline_s)
        client = Client(
            settings.api_key_sid or settings.account_sid,
            settings.api_key_secret.get_secret_value()
            if settings.api_key_sid
            else self._secrets[0],
            settings.account_sid,
            http_client=self._http,
            # Not ours: TWILIO_EDGE and TWILIO_REGION would change the host behind our back.
            environment={"TWILIO_EDGE": ""},
        )
        client.api.base_url = settings.api_base_url
        # Touched here, because the SDK imports 0.4 s worth of modules at the first touch.
        self._calls = client.calls
        self._api = client.api.v2010

    async def place(self, leg: OutboundLeg) -> PlacedLeg:
        """Ring, with answering-machine detection beside the conversation (PROTOCOLS 1.3)."""
        with translated("the call was not placed", repeatable=False):
            call = await self._calls.create_async(
                to=leg.to_number,
                from_=leg.from_number,
                url=leg.voice_url,
                method="POST",
                status_callback=leg.status_url,
                status_callback_event=STATUS_EVENTS,
                status_callback_method="POST",
                timeout=leg.ring_timeout_s,
                machine_detection="Enable",
                async_amd="true",
                async_amd_status_callback=leg.amd_url,
                async_amd_status_callback_method="POST",
            )
            return PlacedLeg(twilio_sid=str(call.sid), status=CallStatus(call.status))

    async def hang_up(self, twilio_sid: str) -> None:
        """End a call: `completed` ends it queued, ringing or in progress (PROTOCOLS 1)."""
        try:
            with translated("the call was not ended", repeatable=True):
                await self._calls(twilio_sid).update_async(status=CallStatus.COMPLETED.value)
        except TelephonyError as error:
            if error.code not in (CALL_NOT_IN_PROGRESS, *NO_SUCH_CALL):
                raise

    def verify_webhook(
        self, *, url: str, form: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> None:
        """Check X-Twilio-Signature (PROTOCOLS 1.2)."""
        verify_signature(url=url, form=form, headers=headers, secrets=self._secrets)

    async def open_stream(self, socket: TextSocket) -> OpenedStream:
        """Read up to the start message of a media stream (PROTOCOLS 2.1)."""
        return await media.open_stream(socket)

    def connect_stream(self, instruction: StreamInstruction) -> str:
        """Return TwiML that connects a call to our media socket."""
        return twiml.connect_stream(instruction)

    def say_and_hang_up(self, text: str) -> str:
        """Return TwiML that speaks one sentence and ends the call."""
        return twiml.say_and_hang_up(text)

    async def probe(self) -> str:
        """Read one call of the account, the least that a standard API key may. TelephonyError."""
        with translated("Twilio was probed", repeatable=True):
            await self._api.fetch_async(
                "GET", f"/Accounts/{self._account_sid}/Calls.json", params={"PageSize": "1"}
            )
        return f"account {self._account_sid[:4]}…{self._account_sid[-4:]} answers"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
