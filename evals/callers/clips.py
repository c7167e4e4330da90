"""The callers' recorded lines: 8 kHz mu-law under data/callers, with an index."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from evals.callers.g711 import SAMPLES_PER_MS

CLIPS_DIR = Path(__file__).resolve().parents[2] / "data" / "callers"
INDEX_NAME = "index.json"


class ClipEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the index. `file` is relative to the folder of the index."""

    scenario: str
    line: str
    text: str
    voice: str
    file: str
    duration_ms: int


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a scenario and its sound, trimmed of silence at both ends."""

    line: str
    text: str
    audio: bytes

    @property
    def duration_ms(self) -> int:
        """How long it lasts."""
        return len(self.audio) // SAMPLES_PER_MS


def read_index(folder: Path = CLIPS_DIR) -> tuple[ClipEntry, ...]:
    """Every clip there is; what the callers may say is exactly the texts in it."""
    return msgspec.json.decode((folder / INDEX_NAME).read_bytes(), type=tuple[ClipEntry, ...])


def load_clips(scenario: str, *, folder: Path = CLIPS_DIR) -> dict[str, Clip]:
    """The clips of one scenario by the key of their line."""
    return {clip.line: clip for clip in _clips(scenario, folder)}


def _clips(scenario: str, folder: Path) -> Iterable[Clip]:
    for entry in read_index(folder):
        if entry.scenario == scenario:
            audio = (folder / entry.file).read_bytes()
            yield Clip(line=entry.line, text=entry.text, audio=audio)
