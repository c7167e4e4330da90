"""Downloads from a hub on a loopback socket: whole and verified, or not there at all."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.domain.errors import Conflict, InvalidInput, NotFound, ReautoError, VendorError
from service.voice.engines.catalogue import CATALOGUE, find
from service.voice.engines.download import DRAFTS, download
from service.voice.engines.faster_whisper import find_whisper_model
from service.voice.engines.hub import Hub, RemoteFile
from service.voice.engines.piper import find_voice
from tests.service.voice.engines.hub_double import HubDouble

VOICE = find("en_US-lessac-medium")
VOICE_FOLDER = "en/en_US/lessac/medium"
ONNX = f"{VOICE_FOLDER}/{VOICE.name}.onnx"
EAR = find("base.en")
MODEL = random.Random(1).randbytes(300_000)
WEIGHTS = random.Random(2).randbytes(500_000)
REPOS = {
    "rhasspy/piper-voices": {
        ONNX: MODEL,
        f"{ONNX}.json": b'{"audio": {}}',
        f"{VOICE_FOLDER}/MODEL_CARD": b"# a card",
        "en/en_US/lessac/high/en_US-lessac-high.onnx": b"another",
    },
    "Systran/faster-whisper-base.en": {
        "README.md": b"read",
        "config.json": b"{}",
        "model.bin": WEIGHTS,
        "tokenizer.json": b"t" * 5000,
        "vocabulary.txt": b"a\nb",
    },
}


@pytest.fixture
def hub() -> Iterator[HubDouble]:
    with HubDouble({repo: dict(files) for repo, files in REPOS.items()}) as double:
        yield double


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def ignore(_name: str, _done: int, _total: int) -> None:
    pass


def get(hub: HubDouble, models: Path, entry=VOICE, on_progress=ignore) -> tuple[RemoteFile, ...]:
    with Hub(hub.base_url, timeout_s=5) as client:
        return download(entry, hub=client, models_dir=models, on_progress=on_progress)


def failure(hub: HubDouble, models: Path, entry=VOICE) -> ReautoError:
    with pytest.raises(ReautoError) as caught:
        get(hub, models, entry)
    assert "\n" not in str(caught.value)
    return caught.value


def under(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def drafted(models: Path) -> Path:
    return models / DRAFTS / VOICE.name / f"{VOICE.name}.onnx"


def test_a_voice_lands_where_the_voice_engine_looks(hub, models):
    files = get(hub, models)

    assert find_voice(name="auto", models_dir=models, voices_dir=models / "none").stem == VOICE.name
    assert under(models) == {
        f"piper/{VOICE.name}.onnx": MODEL,
        f"piper/{VOICE.name}.onnx.json": b'{"audio": {}}',
    }
    assert [file.name for file in files] == [f"{VOICE.name}.onnx.json", f"{VOICE.name}.onnx"]
    assert VOICE.is_here(models)
    assert not EAR.is_here(models)


def test_an_ear_lands_where_the_recogniser_looks(hub, models):
    get(hub, models, EAR)

    assert find_whisper_model(models, device="cpu") == models / "whisper" / "base.en"
    assert sorted(under(models)) == [
        f"whisper/base.en/{name}"
        for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
    ]
    assert EAR.is_here(models)


def test_nothing_is_in_its_place_while_bytes_are_missing(hub, models):
    seen: dict[str, list[int]] = {}

    def on_progress(name: str, done: int, total: int) -> None:
        assert find_whisper_model(models, device="cpu") is None
        assert not (models / "whisper").exists()
        assert done <= total
        seen.setdefault(name, []).append(done)

    get(hub, models, EAR, on_progress=on_progress)

    assert list(seen)[-1] == "model.bin"
    assert all(steps == sorted(steps) for steps in seen.values())
    assert seen["model.bin"][0] == 0
    assert seen["model.bin"][-1] == len(WEIGHTS)


def test_a_download_that_broke_off_goes_on_where_it_stopped(hub, models):
    hub.breaks[ONNX] = 100_000

    error = failure(hub, models)

    assert isinstance(error, VendorError)
    assert (error.code, error.retryable) == ("broken", True)
    assert "run the same command again" in str(error)
    assert not (models / "piper").exists()
    there = len(drafted(models).read_bytes())
    assert 0 < there <= 100_000

    hub.requests.clear()
    get(hub, models)
    asked = [span for path, span in hub.requests if path.endswith(".onnx") and "/bytes/" in path]
    assert asked == [f"bytes={there}-"]
    assert under(models / "piper")[f"{VOICE.name}.onnx"] == MODEL


def test_a_hub_that_cannot_resume_is_read_from_the_start(hub, models):
    hub.breaks[ONNX] = 100_000
    failure(hub, models)
    hub.resumes = False

    steps: list[int] = []
    get(hub, models, on_progress=lambda name, done, _: steps.append(done))

    assert under(models / "piper")[f"{VOICE.name}.onnx"] == MODEL
    assert max(steps) == len(MODEL)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (ONNX, MODEL[:-1] + b"!"),
        (ONNX, MODEL + b"more"),
        (f"{ONNX}.json", b"{}"),
        (f"{ONNX}.json", b'{"audio": {}, "more": 1}'),
    ],
    ids=["hash", "longer", "shorter json", "longer json"],
)
def test_a_file_that_is_not_what_was_listed_is_never_used(hub, models, path, content):
    hub.served[path] = content

    error = failure(hub, models)

    assert isinstance(error, VendorError)
    assert path in str(error)
    assert not (models / "piper").exists()
    hub.served.clear()
    get(hub, models)
    assert under(models / "piper") == {
        f"{VOICE.name}.onnx": MODEL,
        f"{VOICE.name}.onnx.json": b'{"audio": {}}',
    }


def test_a_wrong_hash_removes_the_file_and_says_so(hub, models):
    hub.served[ONNX] = MODEL[:-1] + b"!"

    error = failure(hub, models)

    assert "it was removed" in str(error)
    assert not drafted(models).exists()


def test_a_full_disk_is_one_clear_line(hub, models):
    # What is written to /dev/full fails as on a full disk.
    drafted(models).parent.mkdir(parents=True)
    drafted(models).symlink_to("/dev/full")

    error = failure(hub, models)

    assert isinstance(error, InvalidInput)
    assert "no space is left" in str(error)
    assert "REAUTO_MODELS_DIR" in str(error)
    assert not (models / "piper").exists()


def test_a_model_larger_than_the_disk_is_not_begun(hub, models):
    hub.listed_bytes[ONNX] = 10**18

    error = failure(hub, models)

    assert isinstance(error, InvalidInput)
    assert "1000000000000 MB are needed" in str(error)
    assert not any(path.startswith("/bytes/") for path, _ in hub.requests)


def test_a_folder_that_cannot_be_written_is_named(hub, models):
    models.write_text("a file")

    error = failure(hub, models)

    assert isinstance(error, InvalidInput)
    assert f"{models} cannot be written" in str(error)


def test_the_file_that_engines_look_for_is_put_in_place_last(hub, models):
    in_the_way = models / "whisper" / "base.en" / "vocabulary.txt"
    in_the_way.mkdir(parents=True)

    assert isinstance(failure(hub, models, EAR), InvalidInput)
    assert find_whisper_model(models, device="cpu") is None

    in_the_way.rmdir()
    get(hub, models, EAR)
    assert find_whisper_model(models, device="cpu") is not None
    assert under(models / DRAFTS) == {}


def test_two_downloads_at_a_time_do_not_mix(hub, models):
    refused = []

    def on_progress(name: str, done: int, total: int) -> None:
        if done == 0:
            refused.append(failure(hub, models))

    get(hub, models, on_progress=on_progress)

    assert [type(error) for error in refused] == [Conflict, Conflict]
    assert under(models / "piper")[f"{VOICE.name}.onnx"] == MODEL


def test_offline_says_what_to_do_and_where_files_go_by_hand(models):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with Hub(address) as client, pytest.raises(VendorError) as caught:
            download(VOICE, hub=client, models_dir=models, on_progress=ignore)
    message = str(caught.value)
    assert f"{address} cannot be reached" in message
    assert "HF_ENDPOINT" in message
    assert f"{address}/rhasspy/piper-voices/tree/main/{VOICE_FOLDER}" in message
    assert message.endswith(f"put them into {models / 'piper'}")
    assert not models.exists()


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (404, NotFound, None),
        (401, NotFound, None),
        (503, VendorError, True),
        (416, VendorError, False),
    ],
)
def test_what_the_hub_refuses_is_told_apart(hub, models, status, kind, retryable):
    hub.refuses["/"] = status
    error = failure(hub, models)
    assert type(error) is kind
    assert str(status) in str(error)
    assert getattr(error, "retryable", None) is retryable


def test_an_address_of_the_hubs_storage_is_shown_without_its_signature(hub, models):
    hub.refuses["/bytes/"] = 503
    error = failure(hub, models)
    assert "/bytes/" in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("listing", [b"<html>", b"{}", b'[{"path": 1}]'])
def test_an_answer_that_is_no_listing_is_the_hubs_fault(hub, models, listing):
    hub.listing = listing
    error = failure(hub, models)
    assert type(error) is VendorError
    assert "no listing" in str(error)


def test_a_repository_without_a_needed_file_is_refused_before_anything_is_fetched(hub, models):
    del hub.repos["Systran/faster-whisper-base.en"]["tokenizer.json"]
    error = failure(hub, models, EAR)
    assert isinstance(error, NotFound)
    assert "tokenizer.json" in str(error)
    assert not models.exists()


def test_an_endpoint_that_is_no_url_is_refused():
    with pytest.raises(InvalidInput, match="HF_ENDPOINT"):
        Hub("huggingface.example")


def test_names_in_the_catalogue_are_unique_and_places_are_the_engines(tmp_path):
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        home = entry.home(tmp_path)
        home.mkdir(parents=True, exist_ok=True)
        for pattern in entry.files:
            (home / pattern.replace("*", "json")).touch()
        if entry.kind == "whisper":
            assert find_whisper_model(tmp_path, device="cuda") is not None
        if entry.kind == "piper":
            assert find_voice(name=entry.name, models_dir=tmp_path, voices_dir=home).parent == home


def test_any_tag_is_ollamas_and_other_names_are_not_guessed():
    assert find("qwen3:4b").kind == "ollama"
    with pytest.raises(NotFound, match=r"base\.en"):
        find("base")
