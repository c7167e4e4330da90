"""A mouth that plays one clip at a time and remembers what it said."""

from dataclasses import dataclass

from evals.callers.clips import Clip
from evals.callers.g711 import FRAME_MS, FRAME_SAMPLES, SAMPLES_PER_MS, SILENT_FRAME
from evals.callers.person import SpokenLine


@dataclass
class _Saying:
    clip: Clip
    start_ms: int
    position: int = 0


class Voice:
    """Speaks clips frame by frame. Times are ms since the call was answered."""

    def __init__(self) -> None:
        self.spoken: list[SpokenLine] = []
        self._saying: _Saying | None = None

    @property
    def is_speaking(self) -> bool:
        """True from `say` until the last frame of the clip."""
        return self._saying is not None

    def say(self, clip: Clip, *, now_ms: int) -> None:
        """Start `clip`; its first frame is the next one."""
        self._saying = _Saying(clip, now_ms)

    def next_frame(self, *, now_ms: int) -> bytes:
        """Return the 20 ms that end at `now_ms`; empty when nothing is being said."""
        saying = self._saying
        if saying is None:
            return b""
        audio = saying.clip.audio
        frame = audio[saying.position : saying.position + FRAME_SAMPLES]
        saying.position += FRAME_SAMPLES
        if saying.position >= len(audio):
            end_ms = now_ms - FRAME_MS + len(frame) // SAMPLES_PER_MS
            self._finish(saying, end_ms, cut_short=False)
        return frame + SILENT_FRAME[len(frame) :]

    def stop(self, *, now_ms: int) -> None:
        """Fall silent; a clip that was being said is recorded as cut short."""
        if self._saying is not None:
            self._finish(self._saying, now_ms, cut_short=True)

    def _finish(self, saying: _Saying, end_ms: int, *, cut_short: bool) -> None:
        clip = saying.clip
        self.spoken.append(
            SpokenLine(
                line=clip.line,
                text=clip.text,
                start_ms=saying.start_ms,
                end_ms=end_ms,
                cut_short=cut_short,
            )
        )
        self._saying = None
