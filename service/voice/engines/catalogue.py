"""Which models `reauto models` can fetch, under which licence, and where they belong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.domain.errors import NotFound

Kind = Literal["whisper", "piper", "ollama"]

MIT = "MIT"
LLAMA = "Llama 3.1 Community License"


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """A model by the name people type. `repo` is its hub repository; Ollama's models have none."""

    name: str
    kind: Kind
    size_mb: int
    licence: str
    note: str
    repo: str = ""
    folder: str = ""

    def place(self, models_dir: Path) -> Path | None:
        """The file whose presence means the model is there; None when Ollama keeps it."""
        if self.kind == "whisper":
            return models_dir / "whisper" / self.name / "model.bin"
        if self.kind == "piper":
            return models_dir / "piper" / f"{self.name}.onnx"
        return None


def _whisper(name: str, *, size_mb: int, note: str) -> CatalogueEntry:
    return CatalogueEntry(
        name=name,
        kind="whisper",
        size_mb=size_mb,
        licence=MIT,
        note=note,
        repo=f"Systran/faster-whisper-{name}",
    )


def _piper(speaker: str, quality: str, *, size_mb: int, licence: str, note: str) -> CatalogueEntry:
    return CatalogueEntry(
        name=f"en_US-{speaker}-{quality}",
        kind="piper",
        size_mb=size_mb,
        licence=licence,
        note=note,
        repo="rhasspy/piper-voices",
        folder=f"en/en_US/{speaker}/{quality}",
    )


CATALOGUE = (
    _whisper("tiny.en", size_mb=78, note="the fastest; many mistakes on the telephone"),
    _whisper("base.en", size_mb=148, note="the one to take without a GPU"),
    _whisper("small.en", size_mb=486, note="a fast CPU, or a GPU"),
    _whisper("medium.en", size_mb=1530, note="a GPU"),
    _whisper("large-v3", size_mb=3090, note="a GPU of 6 GB or more; the most accurate"),
    _piper("lessac", "medium", size_mb=64, licence="see MODEL_CARD", note="a clear voice"),
    CatalogueEntry(
        name="llama3.1:8b",
        kind="ollama",
        size_mb=4900,
        licence=LLAMA,
        note="the language model of the default AgentConfig",
    ),
)


def find(name: str) -> CatalogueEntry:
    """Return the entry of that name. Raises NotFound naming what there is."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    there = ", ".join(entry.name for entry in CATALOGUE)
    raise NotFound(f"the catalogue has no model {name}; it has: {there}")
