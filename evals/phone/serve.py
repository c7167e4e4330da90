"""The telephone network as a process of its own.

    python -m evals.phone.serve --account-sid AC... --auth-token ... --port 0 --ready-file FILE

The ready file is JSON with `base_url` and `pid`, written once calls can be made and the callers'
recogniser is loaded. SIGTERM or SIGINT ends every call and the process.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec

from evals.callers.agent_language import agent_sentences
from evals.callers.ears import PocketsphinxEars
from evals.phone.flow import Timing
from evals.phone.network import PhoneNetwork


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until a signal comes."""
    options = _parser().parse_args(arguments)
    ears = PocketsphinxEars(agent_sentences())
    try:
        ears.warm_up()
        asyncio.run(_serve(options, ears))
    finally:
        ears.close()


async def _serve(options: argparse.Namespace, ears: PocketsphinxEars) -> None:
    keys = dict(pair.split(":", 1) for pair in options.api_key)
    network = PhoneNetwork(
        account_sid=options.account_sid,
        auth_token=options.auth_token,
        api_keys=keys,
        host=options.host,
        port=options.port,
        timing=Timing(calls_per_second=options.calls_per_second),
        ears=ears,
    )
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with network:
        _announce(options.ready_file, network.base_url)
        await network.until(stop)


def _announce(path: Path | None, base_url: str) -> None:
    if path is None:
        return
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(msgspec.json.encode({"base_url": base_url, "pid": os.getpid()}))
    partial.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evals.phone.serve", description=__doc__)
    parser.add_argument("--account-sid", required=True)
    parser.add_argument("--auth-token", required=True)
    parser.add_argument("--api-key", action="append", default=[], metavar="SID:SECRET")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--calls-per-second", type=float, default=1.0)
    parser.add_argument("--ready-file", type=Path)
    return parser


if __name__ == "__main__":
    main()
