"""What is written is true: commands, settings and public names."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.settings import Settings
from tests.house.test_floors import ROOT, sources

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_readme_lists_every_command(command: object) -> None:
    usage = getattr(command, "usage", "").replace("|", "\\|")
    assert f"`{usage}`" in README


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_readme_explains_every_setting(name: str) -> None:
    assert f"`DEALDESK_{name.upper()}`" in README


def test_every_command_has_examples_and_a_summary_of_one_sentence() -> None:
    for command in COMMANDS:
        assert command.examples, command.name
        assert command.summary.endswith("."), command.name
    names = [phrase for command in COMMANDS for phrase in command.phrases]
    assert len(names) == len(set(names))


def public(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node


def test_every_file_says_why_it_exists_and_every_public_function_what_it_means() -> None:
    missing: list[str] = []
    for path in sources("partner_center", "cards", "bot", "app", "sandbox"):
        if "versions" in path.parts:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        where = path.relative_to(ROOT).as_posix()
        if tree.body and not ast.get_docstring(tree):
            missing.append(where)
        for node in public(tree):
            if not ast.get_docstring(node) and not _is_plain_value(node):
                missing.append(f"{where}:{node.name}")
    assert missing == []


def _is_plain_value(node: ast.AST) -> bool:
    """A dataclass whose name and fields say it all, such as one command or one action."""
    if not isinstance(node, ast.ClassDef):
        return False
    decorated = any("dataclass" in ast.unparse(each) for each in node.decorator_list)
    return decorated and all(isinstance(item, ast.AnnAssign | ast.Pass) for item in node.body)


SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE|eyJ[A-Za-z0-9_-]{20,}\.|AccountKey="
    r"|(?:password|secret)\s*=\s*['\"](?![^'\"]*canary)[^'\"]{12,}",
    re.IGNORECASE,
)
PLACE = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/")
REGISTRY = re.compile(r"https?://[^\s\"']*(?:\.whl|\.tgz|\.tar\.gz|/simple\b)")


def test_no_secret_no_path_of_a_machine_and_no_download_address() -> None:
    for path in tracked():
        text = path.read_text("utf-8", errors="ignore")
        for pattern in (SECRET, PLACE, REGISTRY):
            found = pattern.search(text)
            assert found is None, (path.relative_to(ROOT), found)


def tracked() -> Iterator[Path]:
    """Text files of the checkout that are not somebody else's."""
    skipped = {".git", ".venv", "node_modules", "out", ".dealdesk", "__pycache__"}
    skipped |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    kinds = {".py", ".md", ".toml", ".txt", ".json", ".js", ".css", ".html", ".ini", ".mako", ""}
    for folder, below, names in os.walk(ROOT):
        below[:] = sorted(set(below) - skipped)
        for path in (Path(folder) / name for name in sorted(set(names) - skipped)):
            if path.suffix in kinds and path != Path(__file__):
                yield path
