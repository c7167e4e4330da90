"""Every worker has a public address of its own."""

import pytest

from service.domain.errors import InvalidSettings
from service.settings import Settings
from service.supervisor.workers import public_url


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg, arg-type]


def test_port_and_worker_are_filled_in() -> None:
    several = settings(workers=2, port=8000, public_url="https://x.example.com/{worker}/{port}")
    assert public_url(several, number=1) == "https://x.example.com/w1/8001"


def test_one_worker_needs_no_placeholder() -> None:
    assert public_url(settings(public_url="https://x.example.com"), number=0) == (
        "https://x.example.com"
    )


def test_several_workers_behind_one_address_are_refused() -> None:
    with pytest.raises(InvalidSettings, match=r"\{port\} or \{worker\}"):
        public_url(settings(workers=2, public_url="https://x.example.com"), number=1)
