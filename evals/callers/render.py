"""Renders the callers' lines into clips: run by hand after a scenario's lines change.

    python -m evals.callers.render

It needs Debian's `flite` and `sox`. The clips and their index are committed, so that nothing else
needs them. Rendering is deterministic: the same lines give the same bytes.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from evals.callers.clips import CLIPS_DIR, INDEX_NAME, ClipEntry
from evals.callers.g711 import SAMPLES_PER_MS
from evals.callers.scenario import Scenario, VoiceSpec, load_all

TRIM = ("silence", "1", "0.01", "0.5%", "reverse")
TO_MULAW = ("-r", "8000", "-c", "1", "-e", "mu-law", "-b", "8", "-t", "raw")
TELEPHONE_BAND = ("highpass", "200", "lowpass", "3400")
LEVEL = ("gain", "-n", "-6")


def render_all(folder: Path) -> list[ClipEntry]:
    """Render every line of every scenario into `folder` and write the index.

    Raises FileNotFoundError when flite or sox is missing, CalledProcessError when one fails.
    """
    for tool in ("flite", "sox"):
        if shutil.which(tool) is None:
            raise FileNotFoundError(f"{tool} is not installed (apt install flite sox)")
    entries = [
        _render(scenario, line, folder=folder)
        for scenario in load_all()
        for line in sorted(scenario.lines)
    ]
    index = msgspec.json.format(msgspec.json.encode(entries), indent=1)
    (folder / INDEX_NAME).write_bytes(index + b"\n")
    return entries


def _render(scenario: Scenario, line: str, *, folder: Path) -> ClipEntry:
    text, voice = scenario.lines[line], scenario.voice
    file = folder / scenario.name / f"{line}.ulaw"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="render-") as scratch:
        _speak(text, voice, scratch=Path(scratch), out=file)
    return ClipEntry(
        scenario=scenario.name,
        line=line,
        text=text,
        voice=voice.flite,
        file=file.relative_to(folder).as_posix(),
        duration_ms=file.stat().st_size // SAMPLES_PER_MS,
    )


def _speak(text: str, voice: VoiceSpec, *, scratch: Path, out: Path) -> None:
    raw, speech = scratch / "raw.wav", scratch / "speech.wav"
    stretch = f"duration_stretch={voice.stretch}"
    _run("flite", "-voice", voice.flite, "--setf", stretch, "-t", text, "-o", str(raw))
    pitch = ("pitch", str(voice.pitch_cents)) if voice.pitch_cents else ()
    effects = (*pitch, *TELEPHONE_BAND, *LEVEL, *TRIM, *TRIM)
    _run("sox", "-D", str(raw), "-r", "8000", "-b", "16", str(speech), "rate", "-h", *effects)
    if voice.beep_after:
        beep = scratch / "beep.wav"
        tone = ("synth", "0.5", "sine", "1000", "gain", "-8", "pad", "0.35", "0")
        _run("sox", "-D", "-n", "-r", "8000", "-b", "16", str(beep), *tone)
        _run("sox", "-D", str(speech), str(beep), *TO_MULAW, str(out))
    else:
        _run("sox", "-D", str(speech), *TO_MULAW, str(out))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    total_ms = sum(entry.duration_ms for entry in render_all(CLIPS_DIR))
    sys.stdout.write(f"{CLIPS_DIR}: {total_ms / 1000:.1f} s of speech\n")
