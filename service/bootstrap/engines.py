"""Which engine serves each stage here: looked up, chosen with a reason, never downloaded."""

from dataclasses import dataclass

from service.adapters.ollama.language_model import OllamaLanguageModel
from service.agents.dialogue import check_agents
from service.domain.agent_config import AgentConfig
from service.domain.engines import EngineChoice, EngineOffer, choose_engine
from service.domain.errors import InvalidAgentConfig, LanguageModelError, SpeechError
from service.ports.language import LanguageModel
from service.ports.speech import SpeechToText, TextToSpeech
from service.settings import Settings
from service.voice.engines.faster_whisper import FasterWhisperSpeechToText, find_whisper_model
from service.voice.engines.piper import PiperTextToSpeech, find_voice
from service.voice.engines.pocketsphinx import PocketsphinxSpeechToText

STANDIN_MARK = "stand-in"
"""A stand-in server says so in the version it reports."""


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The engines that all calls of a worker share, and why these."""

    stt: SpeechToText
    llm: LanguageModel
    tts: TextToSpeech
    choices: tuple[EngineChoice, ...]

    @property
    def labels(self) -> dict[str, str]:
        """Stage -> `engine:model`, as stored with every call."""
        return {choice.stage: f"{choice.name}:{choice.model}" for choice in self.choices}


def check_config(settings: Settings, config: AgentConfig) -> None:
    """Raise InvalidAgentConfig for slots that nobody can fill or a voice that is not here."""
    check_agents(config)
    try:
        find_voice(
            name=config.voice.name,
            models_dir=settings.models_dir,
            voices_dir=settings.voices_dir,
        )
    except SpeechError as error:
        raise InvalidAgentConfig(str(error)) from error


async def choose_engines(settings: Settings, config: AgentConfig) -> Engines:
    """Choose and make the engines for `config`. Raises InvalidSettings when a stage has none."""
    stt, stt_choice = _speech_to_text(settings)
    tts, tts_choice = _text_to_speech(settings, config)
    llm, llm_choice = await _language_model(settings, config)
    return Engines(stt=stt, llm=llm, tts=tts, choices=(stt_choice, llm_choice, tts_choice))


def _speech_to_text(settings: Settings) -> tuple[SpeechToText, EngineChoice]:
    model_dir = find_whisper_model(settings.models_dir, device=settings.engines.device)
    whisper = EngineOffer(
        name="faster_whisper",
        model=model_dir.name if model_dir else None,
        note=f"model found in {model_dir}"
        if model_dir
        else f"no model under {settings.models_dir / 'whisper'}",
    )
    sphinx = EngineOffer(
        name="pocketsphinx",
        model=PocketsphinxSpeechToText.model,
        note="carries its English model; its language model is generated from templates",
    )
    choice = choose_engine(
        "stt",
        wanted=settings.engines.stt,
        offers=(whisper, sphinx),
        better="reauto models pull base.en",
    )
    if choice.name == "faster_whisper":
        assert model_dir is not None
        return FasterWhisperSpeechToText(model_dir, device=settings.engines.device), choice
    return PocketsphinxSpeechToText(processes=settings.engines.stt_processes), choice


def _text_to_speech(settings: Settings, config: AgentConfig) -> tuple[TextToSpeech, EngineChoice]:
    try:
        voice = find_voice(
            name=config.voice.name,
            models_dir=settings.models_dir,
            voices_dir=settings.voices_dir,
        )
        offer = EngineOffer(name="piper", model=voice.stem, note=f"voice found in {voice.parent}")
    except SpeechError as error:
        voice = settings.voices_dir
        offer = EngineOffer(name="piper", model=None, note=str(error))
    choice = choose_engine("tts", wanted=settings.engines.tts, offers=(offer,))
    if voice.parent == settings.voices_dir:
        choice = _with_better(choice, "reauto models pull en_US-ljspeech-medium")
    return PiperTextToSpeech(voice, base_url=settings.piper.base_url), choice


async def _language_model(
    settings: Settings, config: AgentConfig
) -> tuple[LanguageModel, EngineChoice]:
    model = config.language_model.model
    server = OllamaLanguageModel(settings.ollama.base_url, model=model)
    try:
        version = await server.version()
        has_model = await server.has_model(model)
    except LanguageModelError as error:
        offer = EngineOffer(name="ollama", model=None, note=str(error))
    else:
        offer = EngineOffer(
            name="ollama",
            model=model if has_model else None,
            note=f"Ollama {version} at {settings.ollama.base_url}"
            if has_model
            else f"Ollama at {settings.ollama.base_url} lacks {model}: "
            f"run `reauto models pull {model}`",
            is_standin=STANDIN_MARK in version,
        )
    choice = choose_engine("llm", wanted=settings.engines.llm, offers=(offer,))
    if choice.is_standin:
        choice = _with_better(choice, f"ollama serve, then reauto models pull {model}")
    return server, choice


def _with_better(choice: EngineChoice, better: str) -> EngineChoice:
    return EngineChoice(
        stage=choice.stage,
        name=choice.name,
        model=choice.model,
        reason=choice.reason,
        better=better,
        is_standin=choice.is_standin,
    )
