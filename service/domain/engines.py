"""Which engine serves a stage of the call, and why it was chosen."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from service.domain.errors import InvalidSettings

Stage = Literal["stt", "llm", "tts"]


class EngineOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that could serve a stage. `model` is None when it cannot; `note` says why."""

    name: str
    model: str | None
    note: str
    is_standin: bool = False


class EngineChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The engine that serves a stage. `better` names a command that would give a better one."""

    stage: Stage
    name: str
    model: str
    reason: str
    better: str = ""
    is_standin: bool = False


def choose_engine(
    stage: Stage, *, wanted: str, offers: Sequence[EngineOffer], better: str = ""
) -> EngineChoice:
    """Pick `wanted`, or for `auto` the first usable offer; offers come best first.

    Raises InvalidSettings when the wanted engine is unknown or not usable, or none is: it never
    falls back silently from a name.
    """
    variable = f"REAUTO_ENGINES__{stage.upper()}"
    if wanted != "auto":
        named = [offer for offer in offers if offer.name == wanted]
        if not named:
            names = ", ".join(offer.name for offer in offers)
            raise InvalidSettings(f"{variable}={wanted}: no such engine; there are: auto, {names}")
        if named[0].model is None:
            raise InvalidSettings(f"{variable}={wanted} cannot be used: {named[0].note}")
        return _choice(stage, named[0], reason=f"asked for by {variable}; {named[0].note}")
    passed_over = [offer for offer in offers if offer.model is None]
    for position, offer in enumerate(offers):
        if offer.model is not None:
            skipped = "; ".join(
                f"{o.name}: {o.note}" for o in passed_over if o in offers[:position]
            )
            reason = f"{offer.note} ({skipped})" if skipped else offer.note
            return _choice(stage, offer, reason=reason, better=better if position else "")
    notes = "; ".join(f"{offer.name}: {offer.note}" for offer in passed_over)
    raise InvalidSettings(f"no engine can serve {stage}: {notes}")


def _choice(stage: Stage, offer: EngineOffer, *, reason: str, better: str = "") -> EngineChoice:
    assert offer.model is not None
    return EngineChoice(
        stage=stage,
        name=offer.name,
        model=offer.model,
        reason=reason,
        better=better,
        is_standin=offer.is_standin,
    )
