"""`make upgrade [PACKAGE=name]`: new pins, shown and tested; the old ones come back on failure."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PINS = Path("requirements.txt")
COMPILE = (
    *("uv", "pip", "compile", "--universal", "--generate-hashes", "--all-extras"),
    *("--group", "dev", "--python-version", "3.11", "--no-header", "--quiet"),
    *("pyproject.toml", "--output-file", str(PINS)),
)
INSTALL = ("make", "setup")
PROVE = ("make", "check", "test")


def main(packages: Sequence[str]) -> int:
    """Upgrade all pins, or those of `packages`; return 0 when the new ones pass."""
    before = PINS.with_suffix(".before")
    shutil.copyfile(PINS, before)
    wanted = [part for name in packages for part in ("--upgrade-package", name)] or ["--upgrade"]
    try:
        subprocess.run([*COMPILE, *wanted], check=True)
        changes = changed(before.read_text(), PINS.read_text())
        print("\n".join(changes) or "every pin is the newest already")
        if changes:
            subprocess.run(INSTALL, check=True)
            subprocess.run(PROVE, check=True)
    except (subprocess.CalledProcessError, KeyboardInterrupt) as error:
        shutil.copyfile(before, PINS)
        subprocess.run(INSTALL, check=False)
        print(f"{error}: the old pins are back", file=sys.stderr)
        return 1
    finally:
        before.unlink()
    return 0


def changed(before: str, after: str) -> list[str]:
    """One line per package whose version differs: `name 1.0 -> 1.1`, `name - -> 2.0` when new."""
    old, new = _versions(before), _versions(after)
    return [
        f"{name} {old.get(name, '-')} -> {new.get(name, '-')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _versions(pins: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", pins, flags=re.M):
        found.setdefault(name, []).append(version)
    return {name: "/".join(versions) for name, versions in found.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
