"""Who may be dialled: the only place that makes a DialPermit, and it fails closed."""

from uuid import UUID

import phonenumbers

from service.domain.contact import Contact, parse_e164
from service.domain.errors import Refused
from service.ports.call_store import ContactStore

_PREMIUM = {
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
}
_MAKER = object()


class DialPermit:
    """Leave to dial one number for one contact, now. Only `Compliance` can make one."""

    def __init__(self, *, contact_id: UUID, to_number: str, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("a DialPermit is made by Compliance.permit only")
        self.contact_id = contact_id
        self.to_number = to_number


class Compliance:
    """Decides whether a contact may be dialled."""

    def __init__(self, contacts: ContactStore) -> None:
        self._contacts = contacts

    async def permit(self, contact: Contact) -> DialPermit:
        """Return a permit, or raise Refused with the rule that forbids the call.

        A store that cannot be reached raises StorageUnavailable: nobody is dialled unchecked.
        """
        number = parse_e164(contact.phone)
        _refuse_undiallable(number)
        if not contact.consent_source:
            raise Refused("no consent is on file for this contact: record where it was given")
        if await self._contacts.is_suppressed(number):
            raise Refused("this number is suppressed: its owner asked not to be called")
        return DialPermit(contact_id=contact.contact_id, to_number=number, maker=_MAKER)


def _refuse_undiallable(number: str) -> None:
    parsed = phonenumbers.parse(number)
    if not phonenumbers.is_possible_number(parsed):
        raise Refused("this number has a wrong length for its country")
    if phonenumbers.number_type(parsed) in _PREMIUM:
        raise Refused("this is a premium-rate number")
