"""Which models `reauto models` can fetch, under which licence, and where they belong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.domain.errors import NotFound

Kind = Literal["whisper", "piper", "ollama"]

# A Piper voice has the licence of the recordings behind it, as its model card says (LJ Speech,
# LibriVox, Lessac's of the Blizzard Challenge 2013, RyanSpeech), not that of the collection.
PUBLIC_DOMAIN = "public domain"
RESEARCH_ONLY = "research only"
NON_COMMERCIAL = "CC BY-NC-SA 4.0"


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """A model by the name people type.

    `repo` and `folder` say where the hub keeps it, `files` are the patterns of the files that it
    needs; the last one is what the engine looks for, so it is put in place last. A model that
    Ollama keeps has none of them. `size_mb` is megabytes of 10^6 bytes, about.
    """

    name: str
    kind: Kind
    size_mb: int
    licence: str
    note: str
    repo: str = ""
    folder: str = ""
    files: tuple[str, ...] = ()

    def home(self, models_dir: Path) -> Path:
        """The folder that the engine reads the files from."""
        whisper = models_dir / "whisper" / self.name
        return whisper if self.kind == "whisper" else models_dir / self.kind

    def is_here(self, models_dir: Path) -> bool:
        """Whether every file lies in its place; never true of a model that Ollama keeps."""
        home = self.home(models_dir)
        return bool(self.files) and all(any(home.glob(pattern)) for pattern in self.files)


def _whisper(name: str, *, size_mb: int, note: str, more: tuple[str, ...] = ()) -> CatalogueEntry:
    return CatalogueEntry(
        name=name,
        kind="whisper",
        size_mb=size_mb,
        licence="MIT",
        note=note,
        repo=f"Systran/faster-whisper-{name}",
        files=(*more, "config.json", "tokenizer.json", "vocabulary.*", "model.bin"),
    )


def _piper(name: str, *, size_mb: int, licence: str, note: str) -> CatalogueEntry:
    language, speaker, quality = name.split("-")
    return CatalogueEntry(
        name=name,
        kind="piper",
        size_mb=size_mb,
        licence=licence,
        note=note,
        repo="rhasspy/piper-voices",
        folder=f"{language.partition('_')[0]}/{language}/{speaker}/{quality}",
        files=(f"{name}.onnx.json", f"{name}.onnx"),
    )


CATALOGUE = (
    _whisper("tiny.en", size_mb=78, note="fastest"),
    _whisper("base.en", size_mb=148, note="best without a GPU"),
    _whisper("small.en", size_mb=486, note="fast CPU or GPU"),
    _whisper("medium.en", size_mb=1530, note="GPU"),
    _whisper(
        "large-v3",
        size_mb=3090,
        note="GPU; most accurate",
        more=("preprocessor_config.json",),
    ),
    _piper("en_US-ljspeech-medium", size_mb=63, licence=PUBLIC_DOMAIN, note="a woman"),
    _piper("en_US-ljspeech-high", size_mb=114, licence=PUBLIC_DOMAIN, note="a woman; slower"),
    _piper("en_US-kristin-medium", size_mb=63, licence=PUBLIC_DOMAIN, note="a woman"),
    _piper("en_US-norman-medium", size_mb=63, licence=PUBLIC_DOMAIN, note="a man"),
    _piper("en_US-lessac-medium", size_mb=63, licence=RESEARCH_ONLY, note="a woman"),
    _piper("en_US-ryan-medium", size_mb=63, licence=NON_COMMERCIAL, note="a man"),
    CatalogueEntry(
        name="llama3.1:8b",
        kind="ollama",
        size_mb=4900,
        licence="Llama 3.1",
        note="the default",
    ),
)


def find(name: str) -> CatalogueEntry:
    """Return the entry of that name; any other `model:tag` is taken for one of Ollama's.

    Raises NotFound naming what there is.
    """
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    if ":" in name:
        return CatalogueEntry(name=name, kind="ollama", size_mb=0, licence="see Ollama", note="")
    there = ", ".join(entry.name for entry in CATALOGUE)
    raise NotFound(
        f"there is no model {name} to pull; there are {there}, and any model of Ollama's by its "
        f"name and tag, as in qwen3:4b"
    )
