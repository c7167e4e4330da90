"""What must hold of the marts: queries for the rows that break a rule, run on a built snapshot."""

from importlib import resources

import msgspec

from pipelines.lib.snapshot import SnapshotStore

_SHOWN = 5


class MartCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A rule about a mart, queried by `sql/checks/<name>.sql`; a blocking one stops publishing."""

    name: str
    mart: str
    blocking: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows break a check, and the first of them as text."""

    check: MartCheck
    offending_rows: int
    examples: tuple[str, ...]


CHECKS = (
    MartCheck(name="turn_indexes_contiguous", mart="turn_facts", blocking=True),
    MartCheck(name="no_unpriced_usage", mart="call_facts", blocking=False),
    MartCheck(name="stamps_in_order", mart="latency_waterfall", blocking=False),
)


def examine(store: SnapshotStore, snapshot_id: str) -> tuple[Finding, ...]:
    """Run every check on a built snapshot."""
    with store.reading(snapshot_id) as db:
        offending = [db.sql(_query(check.name)).fetchall() for check in CHECKS]
    return tuple(
        Finding(
            check=check,
            offending_rows=len(rows),
            examples=tuple(str(row) for row in rows[:_SHOWN]),
        )
        for check, rows in zip(CHECKS, offending, strict=True)
    )


def _query(name: str) -> str:
    path = resources.files("pipelines.lib") / "sql" / "checks" / f"{name}.sql"
    return path.read_text(encoding="utf-8")
