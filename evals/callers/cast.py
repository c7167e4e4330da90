"""Turns a scenario's name into the person who plays it."""

from evals.callers.clips import load_clips
from evals.callers.conversing import ConversingPerson
from evals.callers.listening import Ears
from evals.callers.person import Answering, Person
from evals.callers.scenario import load_scenario
from evals.callers.unresponsive import AnsweringMachine, SilentPerson


def cast(scenario_name: str, *, ears: Ears) -> Person:
    """Return a new person for one call. Raises InvalidInput when there is no such scenario."""
    scenario = load_scenario(scenario_name)
    clips = load_clips(scenario_name)
    if scenario.answering is Answering.MACHINE:
        return AnsweringMachine(clips["greeting"], ears=ears)
    if scenario.answering is Answering.SILENCE:
        return SilentPerson(ears=ears)
    return ConversingPerson(scenario, clips, ears=ears)
