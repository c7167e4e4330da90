"""A call ends well: failures, hang-ups, machines, goodbyes, lost marks and dead lines."""

import asyncio

import pytest

from service.domain.agent_config import Limits
from service.domain.conversation import (
    FirstToken,
    HangUp,
    Heard,
    Routed,
    Sentence,
)
from service.domain.errors import LanguageModelError, SpeechError
from service.domain.outcome import Outcome
from tests.service.voice.voice_doubles import (
    GOODBYE,
    LONG,
    LoudnessModels,
    PhoneCall,
    ScriptedDialogue,
    ScriptedSpeechToText,
    ScriptedTextToSpeech,
    agent_config,
    assert_ordered,
    in_virtual_time,
    phone,
    quiet_of,
    voice_of,
    wait_ms,
)


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
        await wait_ms(after_ms)
        call.media.hang_up()

    call, result = await phone(caller, dialogue=dialogue)
    assert result.outcome is Outcome.ABANDONED
    (turn,) = call.turns
    assert turn.interrupted
    assert LONG.startswith(turn.agent_heard)
    assert dialogue.heards == [(turn.agent_heard, True)]
    assert_ordered(turn.stamps)
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
        await wait_ms(950)
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
        await wait_ms(600)
        await call.conversation.machine_detected("machine_start")
        await wait_ms(5500)
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
        await wait_ms(100)
        await call.conversation.machine_detected("machine_start")

    call, _ = await phone(caller, dialogue=dialogue)
    assert 20_000 <= call.turns[1].stamps.first_sentence_ms <= 20_500


@in_virtual_time
async def test_end_speaks_the_goodbye_whole() -> None:
    dialogue = ScriptedDialogue(greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        await wait_ms(1500)
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
        await wait_ms(1500)
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
        await wait_ms(620)
        call.media._put = lambda event: None  # type: ignore[method-assign]
        await wait_ms(3000)
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
        await wait_ms(950)
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
        await wait_ms(2000)
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
