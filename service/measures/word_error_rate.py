"""Word error rate: the least number of word edits that turn what was recognised into what was said.

WER = (substitutions + insertions + deletions) / words said, over a whole corpus as a ratio of sums,
after both texts are brought to their spoken form. It can exceed 1; None when nothing was said.
"""

from collections.abc import Iterable, Sequence

import msgspec

from service.measures.spoken_form import spoken_words


class WordErrors(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of word edits against `reference_words` words that were really said."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    reference_words: int = 0

    @property
    def errors(self) -> int:
        """All edits together."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float | None:
        """Errors per word said; None when no word was said."""
        return self.errors / self.reference_words if self.reference_words else None


class AlignedWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word said beside the word recognised; None on a side that has no word there."""

    said: str | None
    recognised: str | None


def align(said: Sequence[str], recognised: Sequence[str]) -> tuple[AlignedWord, ...]:
    """Align two word sequences at the least number of edits (Levenshtein; ties match first)."""
    costs = _edit_costs(said, recognised)
    row, column = len(said), len(recognised)
    backwards: list[AlignedWord] = []
    while row or column:
        here = costs[row][column]
        if row and column:
            same = said[row - 1] == recognised[column - 1]
            if here == costs[row - 1][column - 1] + (not same):
                row, column = row - 1, column - 1
                backwards.append(AlignedWord(said=said[row], recognised=recognised[column]))
                continue
        if row and here == costs[row - 1][column] + 1:
            row -= 1
            backwards.append(AlignedWord(said=said[row], recognised=None))
        else:
            column -= 1
            backwards.append(AlignedWord(said=None, recognised=recognised[column]))
    return tuple(reversed(backwards))


def word_errors(said: str, recognised: str) -> WordErrors:
    """Count the word edits between two texts, after bringing both to their spoken form."""
    reference = spoken_words(said)
    pairs = align(reference, spoken_words(recognised))
    insertions = sum(pair.said is None for pair in pairs)
    deletions = sum(pair.recognised is None for pair in pairs)
    differing = sum(pair.said != pair.recognised for pair in pairs)
    return WordErrors(
        substitutions=differing - insertions - deletions,
        insertions=insertions,
        deletions=deletions,
        reference_words=len(reference),
    )


def total_word_errors(parts: Iterable[WordErrors]) -> WordErrors:
    """Add counts up: the rate of the sum is the corpus word error rate."""
    counted = tuple(parts)
    return WordErrors(
        substitutions=sum(part.substitutions for part in counted),
        insertions=sum(part.insertions for part in counted),
        deletions=sum(part.deletions for part in counted),
        reference_words=sum(part.reference_words for part in counted),
    )


def corpus_word_errors(pairs: Iterable[tuple[str, str]]) -> WordErrors:
    """Count the word edits of many (said, recognised) pairs as one corpus."""
    return total_word_errors(word_errors(said, recognised) for said, recognised in pairs)


def _edit_costs(said: Sequence[str], recognised: Sequence[str]) -> list[list[int]]:
    costs = [list(range(len(recognised) + 1))]
    for row, word in enumerate(said, start=1):
        above, line = costs[-1], [row]
        for column, other in enumerate(recognised, start=1):
            edit = min(above[column], line[column - 1]) + 1
            line.append(min(edit, above[column - 1] + (word != other)))
        costs.append(line)
    return costs
