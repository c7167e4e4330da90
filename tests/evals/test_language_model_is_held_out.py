"""The recogniser's language model contains no line of a simulated caller.

Lines of one or two words ("yes", "not yet") are left out: a model of English replies without them
cannot be made. Nothing longer is exempt.
"""

import json
from pathlib import Path

from service.measures.spoken_form import spoken_words
from service.voice.engines.caller_language import load_caller_language
from service.voice.engines.caller_model import SAMPLES_PER_TEMPLATE

CALLERS = Path(__file__).resolve().parents[2] / "data" / "callers" / "index.json"
UNAVOIDABLE_WORDS = 2


def test_no_caller_says_what_the_templates_generate() -> None:
    generated = {
        tuple(spoken_words(sentence))
        for sentence in load_caller_language().sentences(per_template=SAMPLES_PER_TEMPLATE)
    }
    lines = {tuple(spoken_words(entry["text"])) for entry in json.loads(CALLERS.read_text())}
    long_enough = {line for line in lines if len(line) > UNAVOIDABLE_WORDS}
    assert len(long_enough) > 20
    known = sorted(" ".join(line) for line in long_enough & generated)
    assert known == [], "reword these callers' lines, or the templates that generate them"
