"""What agents typically say: the sentences from which the callers' ears learn what to expect.

`agent_language.txt` holds one template a line; `[a|b]` stands for any of its alternatives.
"""

import itertools
import re
from pathlib import Path
from random import Random

from evals.standins.dialogue_policy import sample_sentences

TEMPLATES = Path(__file__).with_name("agent_language.txt")
EXPANSIONS_PER_TEMPLATE = 12
_CHOICE = re.compile(r"\[([^\]]*)\]")


def typical_sentences(path: Path = TEMPLATES) -> tuple[str, ...]:
    """Return at most 12 expansions of every template, the same ones each time."""
    lines = path.read_text().splitlines()
    templates = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return tuple(itertools.chain.from_iterable(_expand(template) for template in templates))


def agent_sentences() -> tuple[str, ...]:
    """Everything the ears should expect: typical sentences and those of the stand-in's policy."""
    return (*typical_sentences(), *sample_sentences())


def _expand(template: str) -> list[str]:
    parts = _CHOICE.split(template)
    choices = [part.split("|") if odd % 2 else [part] for odd, part in enumerate(parts)]
    every = ["".join(words) for words in itertools.product(*choices)]
    if len(every) <= EXPANSIONS_PER_TEMPLATE:
        return every
    return Random(template).sample(every, EXPANSIONS_PER_TEMPLATE)  # noqa: S311
