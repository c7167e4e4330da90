"""Whole conversations over a scripted phone line, in virtual time."""

from collections.abc import AsyncIterator
from decimal import Decimal

from service.domain.conversation import (
    CallerTurn,
    DialogueEvent,
    FirstToken,
    Heard,
    Routed,
    Sentence,
    Spent,
)
from service.domain.ids import new_id
from service.domain.money import Meter, Usage
from service.domain.outcome import Outcome
from service.domain.turn import TurnStamps
from service.observability.tracing import current_trace_id, following_call
from tests.service.voice.voice_doubles import (
    GOODBYE,
    LONG,
    LoudnessModels,
    PhoneCall,
    ScriptedDialogue,
    ScriptedSpeechToText,
    assert_ordered,
    in_virtual_time,
    phone,
    quiet_of,
    voice_of,
    wait_ms,
)


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
        assert_ordered(turn.stamps)
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
            await wait_ms(10)
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
            await wait_ms(10)
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
            await wait_ms(10)
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
            await wait_ms(700)

    call, _ = await phone(caller, dialogue=dialogue)
    (turn,) = dialogue.callers
    assert (turn.heard, turn.text) == (Heard.DTMF, "12#")
    assert call.turns[1].caller_said == "12#"


@in_virtual_time
async def test_digits_during_speech_cut_it_off() -> None:
    dialogue = ScriptedDialogue(GOODBYE, greeting=LONG)

    async def caller(call: PhoneCall) -> None:
        await wait_ms(500)
        call.media.press("1")

    call, _ = await phone(caller, dialogue=dialogue)
    assert dialogue.heards[0][1]
    assert call.turns[0].interrupted
    assert len(call.sent("clear")) == 1
