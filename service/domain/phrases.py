"""Fixed phrases with names put in, one way for the agents that say them and the voice."""

import re

from service.domain.agent_config import Persona
from service.domain.contact import Contact

_FIRST_NAME = re.compile(r"[^\W\d_][\w'-]*")


def fill_persona(phrase: str, persona: Persona) -> str:
    """Put in `{agent}` and `{company}`; `{contact}` stays."""
    return phrase.replace("{agent}", persona.agent_name).replace("{company}", persona.company)


def fill_phrase(phrase: str, *, persona: Persona, contact: Contact | None) -> str:
    """Put in every name; a contact without a usable first name is greeted as "there"."""
    first_name = _FIRST_NAME.match(contact.name.strip()) if contact else None
    name = first_name[0] if first_name else "there"
    return fill_persona(phrase, persona).replace("{contact}", name)
