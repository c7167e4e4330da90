"""What the documents promise is there."""

import re
import subprocess
import sys

import pytest

from service.settings import PREFIX, Settings, env_example
from tests.house.source import ROOT

ADAPTERS = sorted(
    path.name
    for path in (ROOT / "service" / "adapters").iterdir()
    if path.is_dir()
    and path.name not in ("memory", "__pycache__")
    and len(list(path.glob("*.py"))) > 1
)
ENGINES = ("faster_whisper", "pocketsphinx", "piper")
PAGE_SECTIONS = ("## Account", "## Credentials", "## Check", "## Troubleshooting")


@pytest.mark.parametrize("name", [*ADAPTERS, *ENGINES])
def test_every_adapter_and_engine_has_a_setup_page(name: str) -> None:
    page = (ROOT / "docs" / "setup" / f"{name}.md").read_text()
    assert [section for section in PAGE_SECTIONS if section not in page] == []


def test_env_example_is_what_the_settings_say() -> None:
    assert (ROOT / ".env.example").read_text() == env_example()


def test_env_example_names_every_setting() -> None:
    names = re.findall(rf"^#? ?({PREFIX}[A-Z_]+)=", env_example(), flags=re.M)
    assert len(names) == len(set(names))
    assert len(names) >= len(Settings.model_fields)


def _commands(kind: str) -> list[str]:
    readme = (ROOT / "README.md").read_text()
    return sorted(set(re.findall(rf"^\$? ?{kind} ([a-z]+(?: [a-z]+)?)", readme, flags=re.M)))


@pytest.mark.parametrize("verb", [command.split()[0] for command in _commands("make")])
def test_every_make_verb_of_the_readme_exists(verb: str) -> None:
    assert re.search(rf"^{verb}:", (ROOT / "Makefile").read_text(), flags=re.M)


def test_every_reauto_command_of_the_readme_exists() -> None:
    commands = _commands("reauto")
    assert commands
    script = (
        "import sys\n"
        "from typer.main import get_command\n"
        "from cli.main import app\n"
        "root = get_command(app)\n"
        "for line in sys.argv[1:]:\n"
        "    command = root\n"
        "    for word in line.split():\n"
        "        if not hasattr(command, 'commands'): break\n"
        "        command = command.commands[word]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *commands],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
