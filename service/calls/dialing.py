"""Dialing: the only place that dials, and only with a DialPermit."""

from uuid import UUID

import structlog

from service.calls.settlement import Settlement
from service.calls.urls import CallbackUrls
from service.compliance.permit import Compliance
from service.configs.registry import ConfigRegistry
from service.domain.call import Call, CallStatus, Direction
from service.domain.contact import Contact, parse_e164
from service.domain.errors import InvalidInput, NotFound, StorageUnavailable, TelephonyError
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.observability.tracing import following_call
from service.ports.call_store import CallStore, ContactStore
from service.ports.clock import Clock
from service.ports.telephony import OutboundLeg, Telephony

log = structlog.get_logger()


class Dialing:
    """Places outbound calls: permit, call row, then the telephone network, in this order."""

    def __init__(
        self,
        *,
        calls: CallStore,
        contacts: ContactStore,
        configs: ConfigRegistry,
        compliance: Compliance,
        telephony: Telephony,
        urls: CallbackUrls,
        from_numbers: list[str],
        settlement: Settlement,
        clock: Clock,
    ) -> None:
        self._calls = calls
        self._contacts = contacts
        self._configs = configs
        self._compliance = compliance
        self._telephony = telephony
        self._urls = urls
        self._from_numbers = from_numbers
        self._settlement = settlement
        self._clock = clock

    async def place(
        self,
        *,
        to_number: str | None = None,
        contact_id: UUID | None = None,
        config_id: str | None = None,
        campaign_id: UUID | None = None,
        from_number: str | None = None,
    ) -> Call:
        """Ring a contact, named by id or by number, and return the call as it was queued.

        Raises Refused (compliance), NotFound (contact, config), InvalidInput, TelephonyError (the
        call is then stored as failed).
        """
        contact = await self._contact(to_number=to_number, contact_id=contact_id)
        permit = await self._compliance.permit(contact)
        version = await (self._configs.get(config_id) if config_id else self._configs.current())
        call = await self._calls.create(
            Call(
                call_id=new_id(),
                direction=Direction.OUTBOUND,
                from_number=self._caller_id(from_number),
                to_number=permit.to_number,
                status=CallStatus.QUEUED,
                config_id=version.config_id,
                contact_id=permit.contact_id,
                campaign_id=campaign_id,
                created_at=self._clock.now(),
            )
        )
        with following_call(call.call_id):
            return await self._ring(call)

    async def _ring(self, call: Call) -> Call:
        leg = OutboundLeg(
            call_id=call.call_id,
            from_number=call.from_number,
            to_number=call.to_number,
            voice_url=self._urls.voice(call.call_id),
            status_url=self._urls.status(call.call_id),
            amd_url=self._urls.amd(call.call_id),
        )
        try:
            placed = await self._telephony.place(leg)
        except TelephonyError as error:
            # Without an answer the phone may ring all the same: then its callbacks tell.
            if error.code is not None or error.retryable:
                await self._settlement.give_up(call, Outcome.FAILED, why="the network refused it")
            raise
        log.info("call placed", twilio_sid=placed.twilio_sid)
        try:
            return await self._calls.placed(call.call_id, twilio_sid=placed.twilio_sid)
        except StorageUnavailable:
            # It rings: a callback will bring the sid again, and an error would make it ring twice.
            log.warning("the network's id could not be stored", twilio_sid=placed.twilio_sid)
            return call

    async def _contact(self, *, to_number: str | None, contact_id: UUID | None) -> Contact:
        if contact_id is not None:
            contact = await self._contacts.get(contact_id)
            if to_number is not None and parse_e164(to_number) != contact.phone:
                raise InvalidInput("`to` is not the number of the contact named by `contact_id`")
            return contact
        if to_number is None:
            raise InvalidInput("name whom to call: `to` or `contact_id`")
        found = await self._contacts.by_phone(parse_e164(to_number))
        if found is None:
            raise NotFound("no contact has this number: add the contact, with consent, first")
        return found

    def _caller_id(self, wanted: str | None) -> str:
        if wanted is None:
            return self._from_numbers[0]
        if wanted not in self._from_numbers:
            raise InvalidInput("`from_number` is not one of REAUTO_TWILIO__FROM_NUMBERS")
        return wanted
