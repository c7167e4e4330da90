"""Pipecat quotes what was spoken in its logs: none of it may come out."""

from loguru import logger
from pipecat.processors.frame_processor import FrameProcessor

from service.voice.quiet import quiet_pipecat


def test_pipecat_is_silent_and_others_are_not() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="TRACE", format="{message}")
    try:
        quiet_pipecat()
        FrameProcessor().link(FrameProcessor())
        logger.warning("ours")
    finally:
        logger.remove(sink)
        logger.enable("pipecat")
    assert lines == ["ours\n"]
