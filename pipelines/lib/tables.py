"""The raw tables: which analytics view each one copies, with which columns, in which types.

The views are made by the database migrations and are the contract; names here are theirs. Ids are
text, money is an exact decimal, times are UTC in microseconds. No phone number, no name is pulled.
"""

import msgspec
import pyarrow as pa

_TEXT = pa.string()
_TIME = pa.timestamp("us", tz="UTC")
_COUNT = pa.int32()
_QUANTITY = pa.decimal128(26, 6)
_USD = pa.decimal128(26, 12)

_STAMPS = (
    "speech_started_ms",
    "speech_ended_ms",
    "turn_ended_ms",
    "transcript_ready_ms",
    "first_token_ms",
    "first_sentence_ms",
    "first_audio_made_ms",
    "first_audio_sent_ms",
    "playback_started_ms",
    "playback_ended_ms",
)


class RawTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the raw store. `day_of` is a time, fixed at insert, whose UTC day a row has."""

    name: str
    view: str
    key: tuple[str, ...]
    day_of: str
    schema: pa.Schema

    @property
    def select_list(self) -> str:
        """The columns as SQL; what ADBC has no exact type for travels as text, to be cast."""
        return ", ".join(
            f"{field.name}::text AS {field.name}" if _travels_as_text(field) else field.name
            for field in self.schema
        )


def _travels_as_text(field: pa.Field) -> bool:
    kind = field.type
    return bool(pa.types.is_string(kind) or pa.types.is_decimal(kind) or field.name == "row_xid")


RAW_CALLS = RawTable(
    name="raw_calls",
    view="analytics.calls",
    key=("call_id",),
    day_of="created_at",
    schema=pa.schema(
        [
            ("call_id", _TEXT),
            ("kind", _TEXT),
            ("direction", _TEXT),
            ("status", _TEXT),
            ("outcome", _TEXT),
            ("config_id", _TEXT),
            ("contact_id", _TEXT),
            ("campaign_id", _TEXT),
            ("worker_id", _TEXT),
            ("stt_engine", _TEXT),
            ("llm_engine", _TEXT),
            ("tts_engine", _TEXT),
            ("answered_by", _TEXT),
            ("error_code", _TEXT),
            ("created_at", _TIME),
            ("answered_at", _TIME),
            ("ended_at", _TIME),
            ("finished_at", _TIME),
            ("duration_s", _COUNT),
            ("row_xid", pa.int64()),
        ]
    ),
)

RAW_TURNS = RawTable(
    name="raw_turns",
    view="analytics.turns",
    key=("call_id", "turn_index"),
    day_of="call_created_at",
    schema=pa.schema(
        [
            ("call_id", _TEXT),
            ("turn_index", _COUNT),
            ("call_created_at", _TIME),
            ("agent", _TEXT),
            ("route_reason", _TEXT),
            ("caller_said", _TEXT),
            ("agent_said", _TEXT),
            ("agent_heard", _TEXT),
            ("interrupted", pa.bool_()),
            ("stt_confidence", pa.float64()),
            *((stamp, _COUNT) for stamp in _STAMPS),
            ("row_xid", pa.int64()),
        ]
    ),
)

RAW_LEDGER = RawTable(
    name="raw_ledger",
    view="analytics.ledger",
    key=("entry_id",),
    day_of="call_created_at",
    schema=pa.schema(
        [
            ("entry_id", pa.int64()),
            ("call_id", _TEXT),
            ("turn_index", _COUNT),
            ("line_index", _COUNT),
            ("call_created_at", _TIME),
            ("component", _TEXT),
            ("meter", _TEXT),
            ("provider", _TEXT),
            ("model", _TEXT),
            ("quantity", _QUANTITY),
            ("unit", _TEXT),
            ("rate_usd", _USD),
            ("cost_usd", _USD),
            ("price_book_id", _TEXT),
            ("row_xid", pa.int64()),
        ]
    ),
)

RAW_TABLES = (RAW_CALLS, RAW_TURNS, RAW_LEDGER)
"""In the order in which they are pulled: a call that is over is never stored without its turns."""
