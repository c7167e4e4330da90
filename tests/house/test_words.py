"""Names and docstrings say what things are."""

import ast
import re

import pytest

from tests.house.source import ROOT, modules

FORBIDDEN_IN_CLASSES = ("Manager", "Helper", "Util", "Handler", "Impl")
FORBIDDEN_FILES = ("utils.py", "helpers.py", "common.py", "misc.py")


def test_every_module_says_in_one_sentence_what_it_is_for() -> None:
    silent = []
    for module in modules():
        if module.path.name == "__init__.py" and not module.text.strip():
            continue
        doc = ast.get_docstring(module.tree) or ""
        first = doc.split("\n\n")[0].replace("\n", " ").strip()
        if not first.endswith((".", ":")) or len(re.findall(r"[.!?] [A-Z]", first)) > 0:
            silent.append(module.name)
    assert silent == []


def test_no_class_has_a_name_that_says_nothing() -> None:
    vague = [
        f"{module.name}::{node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and (node.name.endswith("Base") or any(w in node.name for w in FORBIDDEN_IN_CLASSES))
    ]
    assert vague == []


@pytest.mark.parametrize("name", FORBIDDEN_FILES)
def test_no_file_is_a_drawer(name: str) -> None:
    assert [m.name for m in modules() if m.path.name == name] == []


def test_broad_excepts_stand_at_the_two_boundaries_only() -> None:
    allowed = {"service/calls/session.py", "service/calls/recorder.py"}
    broad = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    }
    assert broad <= allowed


def test_no_committed_file_names_a_download_host_or_a_lock() -> None:
    pins = (ROOT / "requirements.txt").read_text()
    assert "--hash=sha256:" in pins
    assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links", pins)
    assert not (ROOT / "uv.lock").exists()


def test_tests_use_fakes_rather_than_mocks() -> None:
    lines = mocks = 0
    for module in modules("tests"):
        lines += len(module.text.splitlines())
        if module.path.parent.name != "house":
            mocks += len(
                re.findall(r"\b(?:Magic|Async)?Mock\(|\bmocker\.|mock\.patch", module.text)
            )
    assert mocks <= max(2, 2 * lines / 1000)
