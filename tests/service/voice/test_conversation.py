"""Whole conversations over a scripted phone line, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from service.domain.agent_config import Limits
from service.domain.conversation import (
    CallerTurn,
    DialogueEvent,
    FirstToken,
    HangUp,
    Heard,
    Routed,
    Sentence,
    Spent,
)
from service.domain.errors import LanguageModelError, SpeechError
from service.domain.ids import new_id
from service.domain.money import Meter, Usage
from service.domain.outcome import Outcome
from service.domain.turn import TurnStamps
from service.observability.tracing import current_trace_id, following_call
from tests.service.voice.voice_doubles import (
    LoudnessModels,
    PhoneCall,
    ScriptedDialogue,
    ScriptedSpeechToText,
    ScriptedTextToSpeech,
    agent_config,
    in_virtual_time,
    phone,
    quiet_of,
    voice_of,
)

GOODBYE = [Sentence("Goodbye then.", "closer"), HangUp(Outcome.QUALIFIED)]
LONG = "I can tell you all about the house on Maple Street and its very large garden today."


async def _wait_ms(duration_ms: int) -> None:
    await asyncio.sleep(duration_ms / 1000)


def _assert_ordered(stamps: TurnStamps) -> None:
    present = [getattr(stamps, name) for name in TurnStamps.__struct_fields__]
    present = [stamp for stamp in present if stamp is not None]
    assert present == sorted(present)


@in_virtual_time
async def test_a_whole_call_from_greeting_to_hang_up() -> None:
    usage = Usage(meter=Meter.PROMPT_TOKENS, provider="p", model="m", quantity=Decimal(7))
    reply = [
        Routed("qualifier", "wants to sell"),
        100,
        FirstToken(),
        Sentence("A house, good.", "qualifier"),
        Sentence("Where is it?", "qualifier"),
        Spent(usage),
    ]
    dialogue = ScriptedDialogue(reply, GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(quiet_of(300) + voice_of(800))
        await call.had(2)
        call.media.say(quiet_of(300) + voice_of(500))

    stt = ScriptedSpeechToText("I want to sell", "bye")
    call, result = await phone(caller, dialogue=dialogue, stt=stt)

    assert result.outcome is Outcome.QUALIFIED
    assert [turn.turn_index for turn in call.turns] == [0, 1, 2]
    greeting, answer, goodbye = call.turns
    assert (greeting.caller_said, greeting.agent_heard) == ("", "Hello there.")
    assert answer.caller_said == "I want to sell"
    assert answer.agent_said == answer.agent_heard == "A house, good. Where is it?"
    assert (answer.agent, answer.route_reason) == ("qualifier", "wants to sell")
    assert answer.stt_confidence == 0.9
    assert not any(turn.interrupted for turn in call.turns)
    assert dialogue.heards == [(turn.agent_heard, False) for turn in call.turns]
    assert goodbye.agent_heard == "Goodbye then."

    assert all(getattr(answer.stamps, name) is not None for name in TurnStamps.__struct_fields__)
    for turn in call.turns:
        _assert_ordered(turn.stamps)
    # 200 ms of silence in windows of 32, 100 to transcribe, 100 to think, 50 to speak, and the
    # far end's packets of 20 ms.
    assert 450 <= answer.stamps.response_latency_ms <= 560

    lines = {line.meter: line for line in answer.usage}
    assert lines[Meter.PROMPT_TOKENS] is usage
    assert lines[Meter.TTS_CHARACTERS].quantity == len("A house, good.Where is it?")
    assert lines[Meter.TTS_CHARACTERS].provider == "scripted_tts"
    assert lines[Meter.STT_AUDIO_SECONDS].provider == "scripted_stt"
    assert Decimal("1.0") < lines[Meter.STT_AUDIO_SECONDS].quantity < Decimal("1.6")


@in_virtual_time
async def test_the_dialogue_runs_in_the_trace_of_the_call() -> None:
    class Traced(ScriptedDialogue):
        def open(self) -> AsyncIterator[DialogueEvent]:
            traces.append(current_trace_id())
            return super().open()

        def reply(self, caller: CallerTurn) -> AsyncIterator[DialogueEvent]:
            traces.append(current_trace_id())
            return super().reply(caller)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))

    traces: list[str | None] = []
    call_id = new_id()
    with following_call(call_id):
        await phone(caller, dialogue=Traced(GOODBYE), stt=ScriptedSpeechToText("bye"))
    assert traces == [call_id.hex, call_id.hex]


@in_virtual_time
async def test_hang_up_waits_until_the_last_word_was_played() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))

    call, _ = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("bye"))
    sent = sum(len(message.mulaw) for message in call.sent("audio"))
    assert len(call.media.played) == sent
    assert dialogue.heards[-1] == ("Goodbye then.", False)


@in_virtual_time
async def test_barge_in_clears_cancels_and_keeps_only_heard_words() -> None:
    dialogue = ScriptedDialogue(
        [Sentence(LONG, "opener"), 20_000, Sentence("Never said.", "opener")], GOODBYE
    )

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        while len(call.media.played) < 8 * 2500:
            await _wait_ms(10)
        call.media.say(voice_of(900))

    stt = ScriptedSpeechToText("tell me", "wait")
    call, _ = await phone(caller, dialogue=dialogue, stt=stt)

    (clear,) = call.sent("clear")
    cut = call.turns[1]
    assert cut.interrupted
    assert dialogue.closed_early == 1
    assert dialogue.heards[1] == (cut.agent_heard, True)
    assert call.turns[2].caller_said == "wait"

    # The truth: the words of what was really played of the reply, by their share of letters.
    greeting_ms = len("Hello there.") * call.tts.ms_per_character
    played_ms = (clear.at_ms - cut.stamps.playback_started_ms) // 20 * 20
    letters = played_ms / call.tts.ms_per_character
    true_words = len(LONG[: round(letters)].split())
    assert abs(len(cut.agent_heard.split()) - true_words) <= 1
    assert LONG.startswith(cut.agent_heard)
    assert 0 < greeting_ms < played_ms < len(LONG) * call.tts.ms_per_character
    assert cut.stamps.playback_ended_ms == clear.at_ms


@in_virtual_time
async def test_barge_in_is_answered_within_a_few_windows_of_the_threshold() -> None:
    dialogue = ScriptedDialogue([Sentence(LONG, "opener")], GOODBYE)
    spoke_at_ms = []

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        while len(call.media.played) < 8 * 2500:
            await _wait_ms(10)
        spoke_at_ms.append(call.media.now_ms)
        call.media.say(voice_of(900))

    call, _ = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("tell me", "wait"))
    (clear,) = call.sent("clear")
    assert 240 <= clear.at_ms - spoke_at_ms[0] <= 320


@in_virtual_time
async def test_a_short_sound_while_the_agent_speaks_does_not_interrupt() -> None:
    dialogue = ScriptedDialogue([Sentence(LONG, "opener")], GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        while len(call.media.played) < 8 * 2500:
            await _wait_ms(10)
        call.media.say(voice_of(190))
        await call.had(2)
        call.media.say(voice_of(600))

    stt = ScriptedSpeechToText("tell me", "bye")
    call, _ = await phone(caller, dialogue=dialogue, stt=stt)
    assert call.sent("clear") == []
    assert call.turns[1].agent_heard == LONG
    assert [caller.text for caller in dialogue.callers] == ["tell me", "bye"]


@in_virtual_time
async def test_speech_before_the_answer_is_heard_takes_the_turn_back() -> None:
    dialogue = ScriptedDialogue([3000, Sentence("Too late.", "opener")], GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600) + quiet_of(900) + voice_of(700))

    stt = ScriptedSpeechToText("I want", "to sell")
    call, _ = await phone(caller, dialogue=dialogue, stt=stt)
    assert [(turn.caller_said, turn.agent_heard) for turn in call.turns[1:]] == [
        ("I want", ""),
        ("to sell", "Goodbye then."),
    ]
    assert dialogue.heards[1] == ("", True)
    assert call.sent("clear") == []


@in_virtual_time
async def test_speculation_is_thrown_away_when_the_caller_goes_on() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600) + quiet_of(300) + voice_of(600))

    stt = ScriptedSpeechToText("all of it", delay_ms=150)
    models = LoudnessModels(verdicts=(0.1, 0.9))
    call, _ = await phone(caller, dialogue=dialogue, stt=stt, models=models)
    assert [turn.caller_said for turn in call.turns[1:]] == ["all of it"]
    assert (stt.started, stt.cancelled) == (2, 1)
    assert models.judged[1] > models.judged[0] + 16 * 600
    lines = [line for line in call.turns[1].usage if line.meter is Meter.STT_AUDIO_SECONDS]
    assert len(lines) == 2, "thrown-away work was spent too"


@in_virtual_time
async def test_an_unfinished_sentence_is_waited_for() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))

    models = LoudnessModels(verdicts=(0.1,))
    call, _ = await phone(
        caller, dialogue=dialogue, stt=ScriptedSpeechToText("I want"), models=models
    )
    stamps = call.turns[1].stamps
    assert 1200 <= stamps.turn_ended_ms - stamps.speech_ended_ms <= 1280


@in_virtual_time
async def test_noise_without_words_is_no_turn_and_silence_is_reported() -> None:
    dialogue = ScriptedDialogue([Sentence("Are you there?", "opener")], GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(400))

    call, _ = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText(""))
    assert [turn.heard for turn in dialogue.callers] == [Heard.SILENCE, Heard.SILENCE]
    greeting, reprompt, _ = call.turns
    waited_ms = reprompt.stamps.first_sentence_ms - greeting.stamps.playback_ended_ms
    assert 6000 <= waited_ms <= 6300
    assert Meter.TTS_CHARACTERS not in {line.meter for line in reprompt.usage}, "it was cached"


@in_virtual_time
async def test_digits_arrive_together() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        for digit in "12#":
            call.media.press(digit)
            await _wait_ms(700)

    call, _ = await phone(caller, dialogue=dialogue)
    (turn,) = dialogue.callers
    assert (turn.heard, turn.text) == (Heard.DTMF, "12#")
    assert call.turns[1].caller_said == "12#"


@in_virtual_time
async def test_digits_during_speech_cut_it_off() -> None:
    dialogue = ScriptedDialogue(GOODBYE, greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        await _wait_ms(500)
        call.media.press("1")

    call, _ = await phone(caller, dialogue=dialogue)
    assert dialogue.heards[0][1]
    assert call.turns[0].interrupted
    assert len(call.sent("clear")) == 1


@in_virtual_time
async def test_a_failing_model_is_apologised_for_and_the_call_goes_on() -> None:
    dialogue = ScriptedDialogue([LanguageModelError("down")], GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        await call.had(2)
        call.media.say(quiet_of(200) + voice_of(600))

    stt = ScriptedSpeechToText("sell", "bye")
    call, result = await phone(caller, dialogue=dialogue, stt=stt)
    assert call.turns[1].agent_heard == "Sorry, say that again?"
    assert result.outcome is Outcome.QUALIFIED
    assert len(dialogue.heards) == 3


@in_virtual_time
async def test_a_failing_recogniser_is_apologised_for_without_the_dialogue() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        await call.had(2)
        call.media.say(quiet_of(200) + voice_of(600))

    stt = ScriptedSpeechToText(SpeechError("stalled"), "bye")
    call, result = await phone(caller, dialogue=dialogue, stt=stt)
    assert call.turns[1].agent_heard == "Sorry, say that again?"
    assert call.turns[1].caller_said == ""
    assert len(dialogue.callers) == 1
    assert result.outcome is Outcome.QUALIFIED


@in_virtual_time
async def test_a_failing_voice_is_apologised_for_from_the_cache() -> None:
    tts = ScriptedTextToSpeech()
    reply = [Sentence("One.", "opener"), Sentence("Two.", "opener")]
    dialogue = ScriptedDialogue(reply, GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        tts.failures.append(SpeechError("died"))
        call.media.say(voice_of(600))
        await call.had(2)
        call.media.say(quiet_of(200) + voice_of(600))

    stt = ScriptedSpeechToText("sell", "bye")
    call, result = await phone(caller, dialogue=dialogue, stt=stt, tts=tts)
    assert call.turns[1].agent_heard == "Sorry, say that again?"
    assert result.outcome is Outcome.QUALIFIED


@in_virtual_time
async def test_two_failures_in_a_row_end_the_call() -> None:
    dialogue = ScriptedDialogue([LanguageModelError("down")], [LanguageModelError("down")])

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        await call.had(2)
        call.media.say(quiet_of(200) + voice_of(600))

    call, result = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("sell", "what"))
    assert result.outcome is Outcome.ABANDONED
    assert [turn.agent_heard for turn in call.turns[1:]] == ["Sorry, say that again?"] * 2
    assert len(call.media.played) == sum(len(message.mulaw) for message in call.sent("audio"))


@in_virtual_time
async def test_a_voice_that_never_works_ends_the_call_too() -> None:
    tts = ScriptedTextToSpeech()
    tts.failures = [SpeechError("died")] * 20
    dialogue = ScriptedDialogue([Sentence("There?", "opener")])

    async def caller(call: PhoneCall) -> None:
        await asyncio.Event().wait()

    call, result = await phone(caller, dialogue=dialogue, tts=tts, warm=False)
    assert result.outcome is Outcome.ABANDONED
    assert [turn.agent_heard for turn in call.turns] == ["", ""]
    assert call.sent("audio") == []


@pytest.mark.parametrize("after_ms", [30, 400, 3000])
@in_virtual_time
async def test_the_caller_may_hang_up_at_any_time(after_ms: int) -> None:
    dialogue = ScriptedDialogue(greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        await _wait_ms(after_ms)
        call.media.hang_up()

    call, result = await phone(caller, dialogue=dialogue)
    assert result.outcome is Outcome.ABANDONED
    (turn,) = call.turns
    assert turn.interrupted
    assert LONG.startswith(turn.agent_heard)
    assert dialogue.heards == [(turn.agent_heard, True)]
    _assert_ordered(turn.stamps)
    if after_ms == 3000:
        true_words = len(LONG[: len(call.media.played) // 8 // 60].split())
        assert abs(len(turn.agent_heard.split()) - true_words) <= 1


@in_virtual_time
async def test_last_words_before_a_hang_up_reach_the_dialogue() -> None:
    reply = [
        Routed("opener", "asked not to be called"),
        Sentence("We will not.", "opener"),
        HangUp(Outcome.DO_NOT_CALL),
    ]
    dialogue = ScriptedDialogue([Sentence("Good.", "opener")], reply)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        await call.had(2)
        call.media.say(voice_of(900))
        await _wait_ms(950)
        call.media.hang_up()

    stt = ScriptedSpeechToText("yes", "stop calling")
    call, result = await phone(caller, dialogue=dialogue, stt=stt)
    assert result.outcome is Outcome.DO_NOT_CALL
    last = call.turns[-1]
    assert (last.caller_said, last.agent_said, last.interrupted) == ("stop calling", "", True)
    assert dialogue.heards[-1] == ("", True)


@in_virtual_time
async def test_a_machine_gets_the_message_once_it_is_quiet_and_cannot_interrupt() -> None:
    message = [Sentence("Please call us back.", "opener"), HangUp(Outcome.VOICEMAIL)]
    dialogue = ScriptedDialogue(message, greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        call.media.say(voice_of(200) + quiet_of(900) + voice_of(3000))
        await _wait_ms(600)
        await call.conversation.machine_detected("machine_start")
        await _wait_ms(5500)
        call.media.say(voice_of(3000))

    call, result = await phone(caller, dialogue=dialogue)
    assert result.outcome is Outcome.VOICEMAIL
    assert [turn.heard for turn in dialogue.callers] == [Heard.MACHINE]
    assert [turn.interrupted for turn in call.turns] == [True, False]
    assert call.turns[1].agent_heard == "Please call us back."
    assert 5100 <= call.turns[1].stamps.first_sentence_ms <= 5500


@in_virtual_time
async def test_a_verdict_before_the_first_word_skips_the_greeting() -> None:
    dialogue = ScriptedDialogue(
        [Sentence("Please call us back.", "opener"), HangUp(Outcome.VOICEMAIL)], greeting=LONG
    )
    config = agent_config()

    async def caller(call: PhoneCall) -> None:
        await call.conversation.machine_detected("machine_end_beep")

    call, _ = await phone(caller, dialogue=dialogue, config=config)
    assert call.turns[-1].agent_heard == "Please call us back."
    assert dialogue.heards[0][0] == "" or len(dialogue.heards) == 1


@in_virtual_time
async def test_a_talkative_machine_is_waited_for_twenty_seconds_at_most() -> None:
    message = [Sentence("Please call us back.", "opener"), HangUp(Outcome.VOICEMAIL)]
    dialogue = ScriptedDialogue(message)

    async def caller(call: PhoneCall) -> None:
        call.media.say(voice_of(60_000))
        await _wait_ms(100)
        await call.conversation.machine_detected("machine_start")

    call, _ = await phone(caller, dialogue=dialogue)
    assert 20_000 <= call.turns[1].stamps.first_sentence_ms <= 20_500


@in_virtual_time
async def test_end_speaks_the_goodbye_whole() -> None:
    dialogue = ScriptedDialogue(greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        await _wait_ms(1500)
        call.media.say(voice_of(5000))
        await call.conversation.end(spoken_goodbye="We must stop here.")
        await call.conversation.end(spoken_goodbye="Only once.")

    call, _ = await phone(caller, dialogue=dialogue)
    assert [turn.agent_said for turn in call.turns] == [LONG, "We must stop here."]
    assert [turn.interrupted for turn in call.turns] == [True, False]
    assert call.turns[1].agent_heard == "We must stop here."
    assert len(dialogue.heards) == 1, "the dialogue does not know of the goodbye"
    assert len(call.sent("clear")) == 1


@in_virtual_time
async def test_end_without_a_goodbye_ends_at_once() -> None:
    dialogue = ScriptedDialogue(greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        await _wait_ms(1500)
        await call.conversation.end(spoken_goodbye=None)

    call, _ = await phone(caller, dialogue=dialogue)
    assert call.media.now_ms < 1700
    assert call.turns[0].interrupted


@in_virtual_time
async def test_the_longest_call_ends_with_the_goodbye() -> None:
    limits = Limits(max_call_s=30)
    dialogue = ScriptedDialogue(*[[Sentence("There?", "opener")]] * 20)

    async def caller(call: PhoneCall) -> None:
        await asyncio.Event().wait()

    config = agent_config(limits=limits)
    call, _ = await phone(caller, dialogue=dialogue, config=config)
    assert call.turns[-1].agent_heard == "Thank you and goodbye."
    assert 30_000 <= call.media.now_ms <= 33_000


@in_virtual_time
async def test_lost_marks_do_not_hold_the_call() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        async def lose(name: str) -> None:
            return None

        await call.had(1)
        call.media.send_mark = lose  # type: ignore[method-assign]
        call.media.say(voice_of(600))

    call, result = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("bye"))
    assert result.outcome is Outcome.QUALIFIED
    assert call.turns[-1].agent_heard == "", "nothing proves that it was heard"
    assert not call.turns[-1].interrupted


@in_virtual_time
async def test_a_line_that_goes_dead_counts_as_silence() -> None:
    dialogue = ScriptedDialogue(GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600))
        await _wait_ms(620)
        call.media._put = lambda event: None  # type: ignore[method-assign]
        await _wait_ms(3000)
        await call.conversation.end(spoken_goodbye=None)

    await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("sell"))
    assert [turn.text for turn in dialogue.callers] == ["sell"]


@in_virtual_time
async def test_a_bug_in_the_dialogue_is_not_swallowed() -> None:
    class Broken(ScriptedDialogue):
        async def heard(self, *, agent_heard: str, interrupted: bool) -> None:
            raise KeyError("bug")

    async def caller(call: PhoneCall) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await phone(caller, dialogue=Broken())
    assert raised.group_contains(KeyError)


@in_virtual_time
async def test_a_cached_greeting_leaves_without_waiting_for_the_voice() -> None:
    dialogue = ScriptedDialogue(greeting="Thanks for calling Acme Homes.")

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.hang_up()

    call, _ = await phone(caller, dialogue=dialogue, tts=ScriptedTextToSpeech(delay_ms=500))
    assert call.turns[0].stamps.first_audio_sent_ms == 0
    assert call.turns[0].usage == ()


@in_virtual_time
async def test_nobody_interrupts_the_last_sentence() -> None:
    last = [Sentence(LONG, "closer"), HangUp(Outcome.NOT_INTERESTED)]
    dialogue = ScriptedDialogue(last)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600) + quiet_of(1500) + voice_of(2000))

    call, _ = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("no"))
    assert call.sent("clear") == []
    assert call.turns[1].agent_heard == LONG


@in_virtual_time
async def test_last_words_are_not_answered_at_length() -> None:
    reply = [Routed("opener", "missing"), FirstToken(), 30_000, Sentence("Never said.", "opener")]
    dialogue = ScriptedDialogue(reply)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(900))
        await _wait_ms(950)
        call.media.hang_up()

    call, result = await phone(caller, dialogue=dialogue, stt=ScriptedSpeechToText("well"))
    assert result.outcome is Outcome.ABANDONED
    assert call.turns[-1].caller_said == "well"
    assert dialogue.closed_early == 1
    assert asyncio.get_running_loop().time() < 10


@in_virtual_time
async def test_a_slow_close_of_a_cut_reply_does_not_confuse_the_next_one() -> None:
    class Slow(ScriptedDialogue):
        async def heard(self, *, agent_heard: str, interrupted: bool) -> None:
            await asyncio.sleep(1.0 if interrupted else 0.0)
            await super().heard(agent_heard=agent_heard, interrupted=interrupted)

    dialogue = Slow([Sentence(LONG, "opener")], [Sentence(LONG, "opener")], GOODBYE)

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600) + quiet_of(1500) + voice_of(300) + quiet_of(2500))
        await call.had(2)
        await _wait_ms(2000)
        call.media.say(voice_of(600))

    stt = ScriptedSpeechToText("one", "two", "three")
    call, _ = await phone(caller, dialogue=dialogue, stt=stt)
    assert [turn.interrupted for turn in call.turns] == [False, True, True, False]
    assert len(call.sent("clear")) == 2


@in_virtual_time
async def test_dropped_noise_is_not_part_of_the_next_utterance() -> None:
    dialogue = ScriptedDialogue(GOODBYE)
    models = LoudnessModels()

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(voice_of(600) + quiet_of(2000) + voice_of(600))

    stt = ScriptedSpeechToText("", "sell")
    await phone(caller, dialogue=dialogue, stt=stt, models=models)
    assert models.judged[1] == pytest.approx(models.judged[0], abs=16 * 64)
    pre_roll_and_pause_ms = 300 + 224
    assert models.judged[1] == pytest.approx(16 * (600 + pre_roll_and_pause_ms), abs=16 * 64)
