"""Domain values to table rows and back; the column names are those of `tables.py`."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import sqlalchemy as sa

from service.adapters.postgres.tables import campaign_attempts, campaigns, contacts
from service.domain.agent_config import parse_agent_config
from service.domain.call import Call
from service.domain.campaign import Attempt, Campaign
from service.domain.contact import Contact
from service.domain.conversation import ConversationResult, Fact
from service.domain.money import LedgerLine, Usage
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.ports.config_store import ConfigVersion, Slot

Row = sa.RowMapping
Value = TypeVar("Value", bound=msgspec.Struct)

CONTACT_COLUMNS = tuple(contacts.c[name] for name in Contact.__struct_fields__)
CAMPAIGN_COLUMNS = tuple(campaigns.c[name] for name in Campaign.__struct_fields__)
ATTEMPT_COLUMNS = tuple(campaign_attempts.c[name] for name in Attempt.__struct_fields__)


def call_row(call: Call) -> dict[str, Any]:
    """Columns of `calls`; the outcome lives in `conversations`."""
    row = msgspec.structs.asdict(call)
    del row["outcome"]
    return row


def call_from(row: Row) -> Call:
    """Read a row of `calls` joined with the outcome of its conversation."""
    return _read(Call, row)


def contact_from(row: Row) -> Contact:
    """Read the CONTACT_COLUMNS."""
    return _read(Contact, row)


def campaign_from(row: Row) -> Campaign:
    """Read the CAMPAIGN_COLUMNS."""
    return _read(Campaign, row)


def attempt_from(row: Row) -> Attempt:
    """Read the ATTEMPT_COLUMNS."""
    return _read(Attempt, row)


def turn_row(turn: Turn) -> dict[str, Any]:
    """Columns of `turns`: the stamps flat, the usage as JSON with quantities as text."""
    row = msgspec.structs.asdict(turn)
    row.update(msgspec.structs.asdict(row.pop("stamps")))
    row["usage"] = msgspec.to_builtins(turn.usage)
    return row


def turn_from(row: Row) -> Turn:
    """Read a row of `turns`."""
    fields = {name: row[name] for name in Turn.__struct_fields__ if name in row}
    fields["stamps"] = TurnStamps(**{name: row[name] for name in TurnStamps.__struct_fields__})
    fields["usage"] = msgspec.convert(row["usage"], tuple[Usage, ...])
    return Turn(**fields)


def ledger_rows(
    call_id: UUID, turn_index: int | None, lines: Sequence[LedgerLine]
) -> list[dict[str, Any]]:
    """Rows of `ledger_entries`; `turn_index` is None for the call's own lines."""
    return [
        {
            "call_id": call_id,
            "turn_index": turn_index,
            "line_index": line_index,
            **msgspec.structs.asdict(line),
        }
        for line_index, line in enumerate(lines)
    ]


def ledger_line_from(row: Row) -> LedgerLine:
    """Read a row of `ledger_entries`."""
    return _read(LedgerLine, row)


def result_row(result: ConversationResult) -> dict[str, Any]:
    """Columns of `conversations` that say what the conversation came to."""
    return {
        "outcome": result.outcome,
        "facts": msgspec.to_builtins(result.facts),
        "summary": result.summary,
    }


def result_from(row: Row) -> ConversationResult:
    """Read a row of `conversations`."""
    return ConversationResult(
        outcome=Outcome(row["outcome"]),
        facts=msgspec.convert(row["facts"], tuple[Fact, ...]),
        summary=row["summary"],
    )


def version_row(version: ConfigVersion) -> dict[str, Any]:
    """Columns of `agent_configs`."""
    return {
        **msgspec.structs.asdict(version),
        "config": msgspec.to_builtins(version.config),
    }


def version_from(row: Row) -> ConfigVersion:
    """Read a row of `agent_configs`. Raises InvalidAgentConfig for one this code cannot read."""
    return ConfigVersion(
        config_id=row["config_id"],
        config=parse_agent_config(row["config"]),
        created_at=row["created_at"],
        note=row["note"],
        parent_id=row["parent_id"],
    )


def slot_from(row: Row) -> Slot:
    """Read a row of `config_slots` or `config_audit`."""
    return _read(Slot, row)


def _read(kind: type[Value], row: Row) -> Value:
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)
