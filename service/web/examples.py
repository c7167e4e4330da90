"""Values shown in the OpenAPI document: one call to one fictional contact, from all sides."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from service.domain.agent_config import AgentConfig, AgentSpec, Persona, Phrases
from service.domain.call import Call, CallStatus, Direction
from service.domain.campaign import Attempt, AttemptStatus, Campaign, CampaignStatus
from service.domain.contact import Contact
from service.domain.conversation import Fact
from service.domain.engines import EngineChoice
from service.domain.money import LedgerLine, Meter, Receipt, Usage
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.observability.readiness import ProbeResult, ProbeState, ReadinessReport
from service.ports.config_store import ConfigVersion, Slot
from service.ports.sessions import LiveCall

AT = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)
CALL_ID = UUID("0199d2a4-5c1e-7b3a-9f00-2f6d1c9b7a10")
CONTACT_ID = UUID("0199d2a4-1111-7b3a-9f00-2f6d1c9b7a10")
CAMPAIGN_ID = UUID("0199d2a4-2222-7b3a-9f00-2f6d1c9b7a10")
PHONE = "+15555550123"
OUR_NUMBER = "+15555550100"
CURSOR = "eyJhdCI6IjIwMjYtMTEtMjMifQ"
TWILIO_SID = "CA0123456789abcdef0123456789abcdef"

CONFIG = AgentConfig(
    name="example",
    persona=Persona(agent_name="Robin", company="Example Realty"),
    phrases=Phrases(
        greeting_outbound="Hello {contact}, this is {agent}, an AI assistant of {company}.",
        greeting_inbound="Hello, this is {agent}, an AI assistant of {company}.",
        reprompts=("Are you still there?",),
        silent_goodbye="I cannot hear you. Goodbye.",
        goodbye="Thank you. Goodbye.",
        opt_out="I will not call again. Goodbye.",
        voicemail="This is {agent} of {company}. Please call us back.",
        apology="Sorry, could you say that again?",
        drain_goodbye="I have to go now. We will call you back. Goodbye.",
    ),
    agents=(AgentSpec(name="qualifier", prompt="Find out what they want.", slots=("intent",)),),
)
CONFIG_ID = CONFIG.config_id
VERSION = ConfigVersion(config_id=CONFIG_ID, config=CONFIG, created_at=AT, note="first version")
SLOT = Slot(
    active_id=CONFIG_ID, previous_id="5" * 64, generation=2, changed_at=AT, reason="calmer voice"
)

CALL = Call(
    call_id=CALL_ID,
    direction=Direction.OUTBOUND,
    from_number=OUR_NUMBER,
    to_number=PHONE,
    status=CallStatus.COMPLETED,
    config_id=CONFIG_ID,
    created_at=AT,
    contact_id=CONTACT_ID,
    campaign_id=CAMPAIGN_ID,
    twilio_sid=TWILIO_SID,
    answered_at=AT,
    ended_at=AT,
    duration_s=42,
    answered_by="human",
    outcome=Outcome.QUALIFIED,
    engines={"stt": "pocketsphinx:en-us", "llm": "ollama:llama3.1:8b", "tts": "piper:en_US"},
    worker_id="w0",
)
CONTACT = Contact(
    contact_id=CONTACT_ID,
    phone=PHONE,
    name="Dana Example",
    created_at=AT,
    email="dana@example.com",
    timezone="America/New_York",
    lead_source="website",
    consent_source="web form, 2026-11-01",
)
CAMPAIGN = Campaign(
    campaign_id=CAMPAIGN_ID,
    name="November sellers",
    from_number=OUR_NUMBER,
    max_concurrent_calls=4,
    status=CampaignStatus.RUNNING,
    created_at=AT,
)
ATTEMPT = Attempt(
    attempt_id=UUID("0199d2a4-3333-7b3a-9f00-2f6d1c9b7a10"),
    campaign_id=CAMPAIGN_ID,
    contact_id=CONTACT_ID,
    status=AttemptStatus.DIALLED,
    call_id=CALL_ID,
)
LIVE_CALL = LiveCall(
    call_id=CALL_ID,
    worker_id="w0",
    state="qualifier",
    started_at=1795446245.0,
    heartbeat_at=1795446250.0,
    contact_name="Dana Example",
    last_words="When would you like to sell?",
    turns=3,
)
TURN = Turn(
    call_id=CALL_ID,
    turn_index=1,
    caller_said="I want to sell my house",
    agent_said="When would you like to sell?",
    agent_heard="When would you like to sell?",
    agent="qualifier",
    stt_confidence=0.87,
    route_reason="intent is known",
    stamps=TurnStamps(speech_started_ms=4_000, speech_ended_ms=5_400, playback_started_ms=6_200),
    usage=(
        Usage(meter=Meter.TTS_CHARACTERS, provider="piper", model="en_US", quantity=Decimal("28")),
    ),
)
FACT = Fact(name="intent", value="sell", confidence=0.9, turn_index=1)
RECEIPT = Receipt(
    lines=(
        LedgerLine(
            component="telephony",
            meter=Meter.TELEPHONY_SECONDS,
            provider="twilio",
            model="outbound",
            quantity=Decimal("1"),
            unit="minute",
            rate_usd=Decimal("0.0140"),
            cost_usd=Decimal("0.0140"),
            price_book_id="5f1c2a9e",
        ),
    ),
    total_usd=Decimal("0.0140"),
    unpriced_lines=0,
)
ENGINE = EngineChoice(
    stage="llm", name="ollama", model="llama3.1:8b", reason="an Ollama server has the model"
)
READINESS = ReadinessReport(
    state=ProbeState.OK,
    probes=(
        ProbeResult(
            name="postgres",
            required=True,
            state=ProbeState.OK,
            detail="PostgreSQL 18.4",
            latency_ms=2,
            last_success_at=AT,
        ),
    ),
    checked_at=AT,
)
TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
    '<Stream url="wss://voice.example.com/twilio/media"/></Connect></Response>'
)
CSV = f"phone,name,timezone,consent_source\n{PHONE},Dana Example,America/New_York,web form\n"
