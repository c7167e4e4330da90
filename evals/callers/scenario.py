"""Scenarios: who calls or is called, what they want, what they say, and how the call must end."""

from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, field

from evals.callers.person import Answering
from service.domain.call import Direction
from service.domain.errors import InvalidInput
from service.domain.outcome import Outcome

SCENARIOS_DIR = Path(__file__).resolve().parents[1] / "scenarios"

# What every conversation needs beside its own lines.
STANDING_LINES = ("yes", "again", "nudge", "bye")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class VoiceSpec(_Part, frozen=True, kw_only=True):
    """How the clips are rendered: a `flite` voice, its speed (> 1 is slower) and a pitch shift."""

    flite: str
    stretch: Annotated[float, Meta(ge=0.6, le=1.6)] = 1.0
    pitch_cents: Annotated[int, Meta(ge=-600, le=600)] = 0
    beep_after: bool = False


class Required(_Part, frozen=True, kw_only=True):
    """The end state: the outcome, and text that a fact of that name must contain."""

    outcome: Outcome
    also_accepted: tuple[Outcome, ...] = ()
    facts: dict[str, str] = {}


class Patience(_Part, frozen=True, kw_only=True):
    """When somebody gives up."""

    turns: int = 16
    nudge_after_ms: int = 8000
    nudges: int = 2


class Interruptions(_Part, frozen=True, kw_only=True):
    """Lines said into the agent's sentence, `after_ms` of its speech, one per second turn."""

    after_ms: int
    lines: tuple[str, ...]


class Cue(_Part, frozen=True, kw_only=True):
    """Hearing any of these phrases calls for these lines: one after the other, then the last."""

    any: tuple[str, ...]
    say: tuple[str, ...]


class Truth(_Part, frozen=True, kw_only=True):
    """A fact to defend: hearing a wrong phrase and no right one calls for the correction."""

    right: tuple[str, ...] = field(name="is")
    wrong: tuple[str, ...] = field(name="not")
    correct: str


class Scenario(_Part, frozen=True, kw_only=True):
    """One person and one call."""

    name: str
    direction: Direction
    phone: str
    contact: str
    answering: Answering = Answering.HUMAN
    voice: VoiceSpec
    goal: str
    expected: Required
    think_ms: tuple[int, int] = (480, 820)
    patience: Patience = Patience()
    opening: str | None = None
    script: tuple[str, ...] = ()
    interruptions: Interruptions | None = None
    cues: tuple[Cue, ...] = ()
    truths: tuple[Truth, ...] = ()
    lines: dict[str, str] = {}

    @property
    def expected_outcome(self) -> Outcome:
        """The outcome that the call must have."""
        return self.expected.outcome

    @property
    def expected_facts(self) -> dict[str, str]:
        """Fact name -> text that its value must contain."""
        return self.expected.facts

    def accepts(self, outcome: Outcome | None) -> bool:
        """True when a call that ended with `outcome` ended as it must."""
        return outcome == self.expected.outcome or outcome in self.expected.also_accepted

    @property
    def converses(self) -> bool:
        """True for a person who talks; a machine and a silent person do not."""
        return bool(self.cues or self.script)

    def mentioned_lines(self) -> set[str]:
        """Every line that its behaviour names."""
        named = {line for cue in self.cues for line in cue.say} | set(self.script)
        named |= {truth.correct for truth in self.truths}
        named |= set(self.interruptions.lines) if self.interruptions else set()
        named |= {self.opening} if self.opening else set()
        return named | (set(STANDING_LINES) if self.converses else set())


def parse_scenario(text: str) -> Scenario:
    """Decode YAML. Raises InvalidInput naming what is wrong, dangling line keys included."""
    try:
        scenario = msgspec.convert(yaml.safe_load(text), type=Scenario)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise InvalidInput(f"the scenario is not valid: {error}") from error
    if missing := scenario.mentioned_lines() - scenario.lines.keys():
        raise InvalidInput(f"{scenario.name}: no text for the lines {sorted(missing)}")
    return scenario


def load_scenario(name: str, *, folder: Path = SCENARIOS_DIR) -> Scenario:
    """Read one scenario by name. Raises InvalidInput when there is none or it is not valid."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise InvalidInput(f"there is no scenario {name!r} in {folder.name}/")
    return parse_scenario(path.read_text())


def load_all(*, folder: Path = SCENARIOS_DIR) -> tuple[Scenario, ...]:
    """Every scenario, by name."""
    return tuple(parse_scenario(path.read_text()) for path in sorted(folder.glob("*.yaml")))
