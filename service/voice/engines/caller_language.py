"""The sentences that callers may say, sampled from slot templates.

The grammar of a template: words, `{slot}` for one of a slot's values, `(a|b|)` for one of several,
possibly nothing. Templates are read from `caller_language.yaml`.
"""

import random
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from service.domain.errors import InvalidInput

TEMPLATES = Path(__file__).with_name("caller_language.yaml")
_TOKEN = re.compile(r"\{\w+\}|[()|]|[^\s{}()|]+")
_OPENED_SHARE = 0.25


class Choice(NamedTuple):
    """One of several sequences of words and further choices."""

    options: tuple["Sequence", ...]


Sequence = tuple["str | Choice", ...]


class _TemplateFile(msgspec.Struct, forbid_unknown_fields=True):
    slots: dict[str, list[str]]
    openers: list[str]
    sentences: dict[str, list[str]]


class CallerLanguage:
    """Templates, parsed; raises InvalidInput for a template that breaks the grammar."""

    def __init__(
        self, *, slots: dict[str, list[str]], openers: list[str], templates: list[str]
    ) -> None:
        self._texts = slots
        self._slots: dict[str, Choice] = {}
        self._opener = Choice(tuple(self._parse(opener) for opener in openers))
        self._templates = [self._parse(template) for template in templates]

    def sentences(self, *, per_template: int, seed: int = 1) -> list[str]:
        """Sample sentences; the same arguments give the same list.

        Each template yields `per_template` samples, or as many as its longest choice has options;
        duplicates are dropped. A quarter of them get an opener ("well", "no") before them. What a
        template yields depends on itself and its slots only, not on the templates before it.
        """
        found: dict[str, None] = {}
        for template in self._templates:
            sampler = _Sampler(random.Random(f"{seed} {template}"))  # noqa: S311 - not a secret
            for _ in range(max(per_template, _widest(template))):
                words = sampler.words(template)
                found[" ".join(words)] = None
                if sampler.draw() < _OPENED_SHARE:
                    found[" ".join([*sampler.words((self._opener,)), *words])] = None
        return list(found)

    def words(self) -> set[str]:
        """Return every word of every template and slot."""
        return set(_words((self._opener, *self._slots.values(), Choice(tuple(self._templates)))))

    def yields(self, sentence: str) -> bool:
        """Say whether the templates can make this sentence: any choice, any opener."""
        return bool(self._pattern.fullmatch(f"{sentence} "))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        template = _expression(Choice(tuple(self._templates)))
        return re.compile(f"(?:{_expression(self._opener)})?{template}")

    def _parse(self, text: str) -> Sequence:
        tokens = iter([*_TOKEN.findall(text), ")"])
        options = self._options(tokens)
        if next(tokens, None) is not None:
            raise InvalidInput(f"unbalanced brackets in the template: {text}")
        return options[0] if len(options) == 1 else (Choice(options),)

    def _options(self, tokens: Iterator[str]) -> tuple[Sequence, ...]:
        options: list[list[str | Choice]] = [[]]
        for piece in tokens:
            if piece == ")":
                return tuple(tuple(option) for option in options)
            if piece == "|":
                options.append([])
            elif piece == "(":
                options[-1].append(Choice(self._options(tokens)))
            elif piece.startswith("{"):
                options[-1].append(self._slot(piece[1:-1]))
            else:
                options[-1].append(piece)
        raise InvalidInput("unbalanced brackets in a template")

    def _slot(self, name: str) -> Choice:
        if name not in self._texts:
            raise InvalidInput(f"a template names a slot that does not exist: {name}")
        if name not in self._slots:
            self._slots[name] = Choice(tuple(self._parse(value) for value in self._texts[name]))
        return self._slots[name]


class _Sampler:
    """Draws options in shuffled rounds, so that each is used before any is used again."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._rounds: dict[int, list[Sequence]] = {}

    def draw(self) -> float:
        return self._source.random()

    def words(self, sequence: Sequence) -> list[str]:
        words: list[str] = []
        for part in sequence:
            words += [part] if isinstance(part, str) else self.words(self._option(part))
        return words

    def _option(self, choice: Choice) -> Sequence:
        waiting = self._rounds.setdefault(id(choice), [])
        if not waiting:
            waiting.extend(choice.options)
            self._source.shuffle(waiting)
        return waiting.pop()


def load_caller_language(path: Path = TEMPLATES) -> CallerLanguage:
    """Read a template file. Raises InvalidInput saying what is wrong with it."""
    try:
        content = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), type=_TemplateFile)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} is not a template file: {error}") from error
    templates = [template for group in content.sentences.values() for template in group]
    return CallerLanguage(slots=content.slots, openers=content.openers, templates=templates)


def _words(sequence: Sequence) -> Iterator[str]:
    for part in sequence:
        if isinstance(part, str):
            yield part
        else:
            for option in part.options:
                yield from _words(option)


def _widest(sequence: Sequence) -> int:
    """Return the number of options of the longest choice at the top of a template."""
    return max((len(part.options) for part in sequence if isinstance(part, Choice)), default=1)


def _expression(part: "str | Choice") -> str:
    if isinstance(part, str):
        return re.escape(part) + " "
    options = ("".join(map(_expression, option)) for option in part.options)
    return f"(?:{'|'.join(options)})"
