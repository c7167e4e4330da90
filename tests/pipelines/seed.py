"""A small history of calls, written through the stores as the service writes it."""

import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from service.adapters.postgres.call_store import PostgresCallStore
from service.adapters.postgres.database import PostgresDatabase
from service.domain.call import Call, CallKind, CallStatus, Direction
from service.domain.conversation import ConversationResult
from service.domain.ids import new_id
from service.domain.money import LedgerLine, Meter
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.settings import Settings

FIRST_DAY = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
ENGINES = {"stt": "pocketsphinx:general", "llm": "ollama:llama3.1:8b", "tts": "piper:small"}


class SeededCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it was written."""

    call: Call
    turns: tuple[Turn, ...]
    lines: tuple[LedgerLine, ...]
    outcome: Outcome


def some_history() -> tuple[SeededCall, ...]:
    """Six live calls on both sides of a midnight, one synthetic and one of an experiment.

    The third live call holds an unpriced line, the fourth has no ledger at all.
    """
    kinds = [CallKind.LIVE] * 6 + [CallKind.SYNTHETIC, CallKind.EXPERIMENT]
    return tuple(_seeded(number, kind) for number, kind in enumerate(kinds))


def live(history: Iterable[SeededCall]) -> list[SeededCall]:
    return [seeded for seeded in history if seeded.call.kind is CallKind.LIVE]


async def write(database_url: str, history: Iterable[SeededCall]) -> None:
    async def store_all(store: PostgresCallStore) -> None:
        for seeded in history:
            await _write_one(store, seeded)

    await with_store(database_url, store_all)


async def with_store(
    database_url: str, act: Callable[[PostgresCallStore], Awaitable[None]]
) -> None:
    database = PostgresDatabase(Settings(database_url=database_url))
    await database.open()
    try:
        await act(PostgresCallStore(database))
    finally:
        await database.close()


async def _write_one(store: PostgresCallStore, seeded: SeededCall) -> None:
    call_id, at = seeded.call.call_id, seeded.call.created_at
    await store.create(seeded.call)
    await store.served_by(call_id, worker_id="w0", engines=ENGINES, at=at)
    for turn in seeded.turns:
        of_turn = [line for line in seeded.lines if line.component == "language_model"]
        await store.record_turn(turn, of_turn if turn.turn_index == 1 else ())
    await store.finish(
        call_id,
        result=ConversationResult(outcome=seeded.outcome),
        ledger=[line for line in seeded.lines if line.component == "telephony"],
        at=at + timedelta(seconds=30),
    )


def _seeded(number: int, kind: CallKind) -> SeededCall:
    call = Call(
        call_id=new_id(),
        direction=Direction.INBOUND if number % 3 == 0 else Direction.OUTBOUND,
        from_number="+15550000001",
        to_number="+15550000002",
        status=CallStatus.IN_PROGRESS,
        config_id="c0ffee",
        created_at=FIRST_DAY + timedelta(minutes=5 * number),
        kind=kind,
    )
    outcome = Outcome.QUALIFIED if number % 2 == 0 else Outcome.NOT_INTERESTED
    turns = tuple(turn(call.call_id, index, seed=number) for index in range(2 + number))
    return SeededCall(call=call, turns=turns, lines=_lines(number), outcome=outcome)


def _lines(number: int) -> tuple[LedgerLine, ...]:
    if number == 3:
        return ()
    model_cost = None if number == 2 else Decimal("0.000000000001") * (number + 1)
    return (
        _line("telephony", Decimal("0.014")),
        _line("language_model", model_cost),
    )


def _line(component: str, cost_usd: Decimal | None) -> LedgerLine:
    telephony = component == "telephony"
    return LedgerLine(
        component=component,
        meter=Meter.TELEPHONY_SECONDS if telephony else Meter.PROMPT_TOKENS,
        provider="twilio" if telephony else "ollama",
        model="outbound" if telephony else "llama3.1:8b",
        quantity=Decimal(1),
        unit="minute" if telephony else "token",
        rate_usd=cost_usd,
        cost_usd=cost_usd,
        price_book_id="book",
    )


def turn(call_id: UUID, index: int, *, seed: int) -> Turn:
    dice = random.Random(1000 * seed + index)
    names = TurnStamps.__struct_fields__
    times = sorted(dice.sample(range(10_000 * index, 10_000 * index + 4_000), len(names)))
    stamps = {
        # Turn 0 is the greeting; any inner stamp may be missing, as with fixed phrases.
        name: None if (index == 0 and position < 3) or dice.random() < 0.15 else at
        for position, (name, at) in enumerate(zip(names, times, strict=True))
    }
    return Turn(
        call_id=call_id,
        turn_index=index,
        caller_said="" if index == 0 else "three bedrooms",
        agent_said="Thank you.",
        agent_heard="Thank you.",
        agent="qualifier",
        interrupted=index == 1,
        stamps=TurnStamps(**stamps),
    )
