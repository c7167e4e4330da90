"""Keep Pipecat's own log lines, which quote what was spoken, out of our logs."""

from loguru import logger


def quiet_pipecat() -> None:
    """Silence Pipecat's logger; its errors reach us as error frames (`conversation`).

    Call it before anything imports Pipecat: that import writes a banner.
    """
    logger.disable("pipecat")
