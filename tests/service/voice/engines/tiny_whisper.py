"""A Whisper of CTranslate2's format with random weights, tiny enough to build in a test.

It has Whisper's shape (80 mel bands, 3,000 frames, special tokens and timestamps) but 16 dimensions
and a tokenizer of single bytes, so its text is meaningless.
"""

import json
from pathlib import Path

import numpy as np
from ctranslate2.specs import whisper_spec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH, HEADS, CONTEXT, MELS = 16, 2, 448, 80
SPECIAL = (
    *("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>"),
    *("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
    *(f"<|{step * 0.02:.2f}|>" for step in range(1501)),
)


def build_tiny_whisper(folder: Path) -> Path:
    """Write the model into `folder` and return it; the same weights every time."""
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    spec = _spec(tokenizer)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    features = {"feature_size": MELS, "hop_length": 160, "n_fft": 400, "sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(features))
    return folder


def _tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    return tokenizer


def _spec(tokenizer: Tokenizer) -> whisper_spec.WhisperSpec:
    spec = whisper_spec.WhisperSpec(1, HEADS, 1, HEADS)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = _random(WIDTH, MELS, 3), _zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _random(WIDTH, WIDTH, 3), _zeros(WIDTH)
    encoder.position_encodings.encodings = _random(1500, WIDTH)
    decoder.embeddings.weight = _random(tokenizer.get_vocab_size(), WIDTH)
    decoder.projection.weight = decoder.embeddings.weight.copy()
    decoder.position_encodings.encodings = _random(CONTEXT, WIDTH)
    for stack in (encoder, decoder):
        _normalise(stack.layer_norm)
        for layer in stack.layer:
            _attend(layer.self_attention, (3, 1))
            _linear(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
            _linear(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
            _normalise(layer.ffn.layer_norm)
    for layer in decoder.layer:
        _attend(layer.attention, (1, 2, 1))
    spec.register_vocabulary([tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())])
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokenizer.token_to_id("<|endoftext|>")]
    spec.config.lang_ids = [tokenizer.token_to_id("<|en|>")]
    spec.config.alignment_heads = [[0, 0]]
    return spec


def _attend(attention, widths) -> None:
    for linear, width in zip(attention.linear, widths, strict=True):
        _linear(linear, width * WIDTH, WIDTH)
    _normalise(attention.layer_norm)


def _linear(linear, rows: int, columns: int) -> None:
    linear.weight, linear.bias = _random(rows, columns), _zeros(rows)


def _normalise(norm) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), _zeros(WIDTH)


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32) * 0.2


def _zeros(size: int) -> np.ndarray:
    return np.zeros(size, np.float32)
