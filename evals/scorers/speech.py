"""How well the caller was understood: word error rate of what was recognised in a whole call.

The caller's lines are joined, and so is what the turns hold, before they are aligned: where one
line became two turns, or two lines one turn, only words count.
"""

from collections.abc import Sequence

import msgspec

from evals.scorers.score import Score
from service.domain.turn import Turn
from service.measures.word_error_rate import WordErrors, word_errors

NAME = "word_error_rate"
VERSION = 1


def recognition_errors(caller_lines: Sequence[str], turns: Sequence[Turn]) -> WordErrors:
    """Count the word edits between the lines that were spoken and the turns that were recognised.

    `total_word_errors` adds the counts of several calls up to those of the corpus.
    """
    in_order = sorted(turns, key=lambda turn: turn.turn_index)
    return word_errors(" ".join(caller_lines), " ".join(turn.caller_said for turn in in_order))


def score_speech(caller_lines: Sequence[str], turns: Sequence[Turn]) -> Score:
    """Return the call's word error rate; None when the caller said nothing."""
    errors = recognition_errors(caller_lines, turns)
    return Score(name=NAME, version=VERSION, value=errors.rate, detail=msgspec.to_builtins(errors))
