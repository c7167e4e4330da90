"""AgentConfig: everything tuning may change, as one immutable bundle named by its content.

Its id is the sha256 of its canonical JSON (sorted keys, no spaces), so two equal configs are one.
"""

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.domain.errors import InvalidAgentConfig

Seconds = Annotated[float, Meta(ge=0.0, le=120.0)]
Milliseconds = Annotated[int, Meta(ge=0, le=60_000)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Text = Annotated[str, Meta(min_length=1, max_length=4_000)]


class LanguageModelChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model answers, and how. `max_tokens` bounds one reply."""

    model: Text = "llama3.1:8b"
    temperature: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.3
    context_tokens: Annotated[int, Meta(ge=512, le=131_072)] = 4096
    max_tokens: Annotated[int, Meta(ge=16, le=1024)] = 120
    keep_alive: Text = "30m"
    first_token_timeout_ms: Milliseconds = 4000
    reply_timeout_ms: Milliseconds = 12_000


class VoiceChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which voice speaks. `auto` is the best local voice there is; `length_scale` > 1 is slower."""

    name: Text = "auto"
    length_scale: Annotated[float, Meta(ge=0.5, le=2.0)] = 1.0


class TurnTaking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the caller has begun, paused, finished or fallen silent."""

    vad_threshold: Probability = 0.5
    speech_start_ms: Milliseconds = 160
    pause_ms: Milliseconds = 200
    turn_complete_threshold: Probability = 0.5
    max_pause_ms: Milliseconds = 1200
    barge_in_ms: Milliseconds = 240
    silence_timeout_ms: Milliseconds = 6000
    reprompts: Annotated[int, Meta(ge=0, le=5)] = 2


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One agent of the conversation: its instructions and the facts (slots) it must collect."""

    name: Text
    prompt: Text
    slots: tuple[str, ...] = ()


class Phrases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fixed phrases: spoken word for word. `{contact}`, `{agent}` and `{company}` are filled in."""

    greeting_outbound: Text
    greeting_inbound: Text
    reprompts: Annotated[tuple[Text, ...], Meta(min_length=1)]
    silent_goodbye: Text
    goodbye: Text
    opt_out: Text
    voicemail: Text
    apology: Text
    drain_goodbye: Text


class Persona(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the agent says it is."""

    agent_name: Text
    company: Text


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on one call."""

    max_call_s: Annotated[int, Meta(ge=30, le=7200)] = 600
    max_turns: Annotated[int, Meta(ge=2, le=200)] = 40


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole bundle. `agents` are in the order in which a conversation meets them."""

    name: Text
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en-US"
    persona: Persona
    phrases: Phrases
    agents: Annotated[tuple[AgentSpec, ...], Meta(min_length=1)]
    language_model: LanguageModelChoice = LanguageModelChoice()
    voice: VoiceChoice = VoiceChoice()
    turn_taking: TurnTaking = TurnTaking()
    limits: Limits = Limits()

    @property
    def config_id(self) -> str:
        """Lower-case hex sha256 of the canonical JSON."""
        return hashlib.sha256(canonical_json(self)).hexdigest()


def canonical_json(config: AgentConfig) -> bytes:
    """Encode with sorted keys and no spaces: equal configs give equal bytes."""
    return msgspec.json.encode(config, order="sorted")


def parse_agent_config(data: dict[str, Any] | bytes | str) -> AgentConfig:
    """Decode and check a config. Raises InvalidAgentConfig naming the field and what is wrong."""
    try:
        if isinstance(data, bytes | str):
            return msgspec.json.decode(data, type=AgentConfig)
        return msgspec.convert(data, type=AgentConfig)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidAgentConfig(f"the AgentConfig is not valid: {error}") from error
