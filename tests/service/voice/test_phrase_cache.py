"""Fixed phrases: which they are, and that they are spoken once."""

from uuid import UUID

import msgspec

from service.domain.contact import Contact
from service.domain.ids import new_id
from service.domain.phrases import fill_phrase
from service.voice.phrase_cache import PhraseCache, fixed_phrases
from tests.service.voice.voice_doubles import (
    ScriptedTextToSpeech,
    agent_config,
    brief_for,
    in_virtual_time,
)


def _contact(name: str) -> Contact:
    contact_id: UUID = new_id()
    created_at = brief_for(agent_config()).call.created_at
    return Contact(contact_id=contact_id, phone="+15551230001", name=name, created_at=created_at)


def test_phrases_that_name_the_contact_are_not_fixed() -> None:
    phrases = fixed_phrases(agent_config())
    assert "Thanks for calling Acme Homes." in phrases
    assert not any("{" in phrase or "this is Ada" in phrase for phrase in phrases)
    assert len(phrases) == len(set(phrases)) == 8


def test_a_phrase_is_filled_with_the_names_of_the_call() -> None:
    persona = agent_config().persona
    phrase = "Bye {contact}, from {agent} of {company}!"
    unknown = fill_phrase(phrase, persona=persona, contact=None)
    assert unknown == "Bye there, from Ada of Acme Homes!"
    known = fill_phrase(phrase, persona=persona, contact=_contact("Jo Ann Smith"))
    assert known == "Bye Jo, from Ada of Acme Homes!"


@in_virtual_time
async def test_warming_twice_speaks_once_per_voice() -> None:
    tts, config = ScriptedTextToSpeech(), agent_config()
    cache = PhraseCache(tts)
    await cache.warm(config)
    await cache.warm(config)
    assert sorted(tts.spoken) == sorted(fixed_phrases(config))
    assert cache.get("Are you there?", config.voice)
    slower = msgspec.structs.replace(config.voice, length_scale=1.2)
    assert cache.get("Are you there?", slower) is None


@in_virtual_time
async def test_the_longest_unused_leave_when_it_is_full() -> None:
    tts, config = ScriptedTextToSpeech(), agent_config()
    longest = 8 * tts.ms_per_character * max(map(len, fixed_phrases(config)))
    cache = PhraseCache(tts, max_bytes=longest)
    await cache.warm(config)
    kept = [text for text in fixed_phrases(config) if cache.get(text, config.voice)]
    assert 0 < len(kept) < len(fixed_phrases(config))
    assert fixed_phrases(config)[-1] in kept
