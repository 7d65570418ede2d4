"""Keeps the catalogues: takes our sentences out of the code, and compiles their translations.

    python -m cards.catalogues update     # after a sentence was added or changed
    python -m cards.catalogues compile    # after a translation was written
    python -m cards.catalogues check      # says what is missing or wrong, and fails if something is

`update` keeps every translation whose sentence is still there, and leaves new ones empty: an
empty one is said in English.
"""

from __future__ import annotations

import ast
import io
import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from cards.buttons import LONGEST_TITLE
from cards.language import LOCALES, TYPED, Language

ROOT: Final = Path(__file__).parent.parent
TEMPLATE: Final = LOCALES / "dealdesk.pot"
SPOKEN_IN: Final = ("bot", "cards")
"""The folders whose sentences people read."""
SAMPLES: Final = ROOT / "cards" / "samples"
"""Made up for pictures: nobody is told this."""

_SAID: Final = frozenset({"words", "sentence", "marked"})
_COUNTED: Final = "counted"
_TYPED: Final = "typed_word"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the code: its source, the one for several things, and where it stands."""

    source: str
    several: str | None
    context: str | None
    file: str

    @property
    def id(self) -> str | tuple[str, str]:
        return (self.source, self.several) if self.several is not None else self.source


class NotLiteral(ValueError):
    """A sentence that is put together when it is said: nobody can translate it."""


class _Headless(Catalog):
    """A catalogue whose header holds what a reader needs, and nothing that changes by itself."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        lines = [("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8")]
        lines.append(("Content-Transfer-Encoding", "8bit"))
        if self.locale is None:
            return lines
        return [("Language", str(self.locale)), ("Plural-Forms", self.plural_forms), *lines]


def sentences() -> list[Sentence]:
    """Every sentence in the code. Raises NotLiteral with the place of one that is no literal."""
    return [
        sentence
        for folder in SPOKEN_IN
        for path in sorted((ROOT / folder).rglob("*.py"))
        if SAMPLES not in path.parents
        for sentence in sentences_of(path.read_text(), path.relative_to(ROOT).as_posix())
    ]


def sentences_of(code: str, file: str) -> Iterator[Sentence]:
    """The sentences of one file, in no order."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in _SAID:
            if not _is_kept_elsewhere(node):
                yield Sentence(_literal(node, 0, file), None, None, file)
        elif node.func.id == _COUNTED:
            yield Sentence(_literal(node, 0, file), _literal(node, 1, file), None, file)
        elif node.func.id == _TYPED:
            yield Sentence(_literal(node, 0, file), None, TYPED, file)


def _is_kept_elsewhere(call: ast.Call) -> bool:
    """Whether it says a sentence out of a table, where it is `marked`: `words(row["sentence"])`."""
    said = call.args[0] if call.args else None
    return isinstance(said, (ast.Name, ast.Attribute, ast.Subscript))


def _literal(call: ast.Call, index: int, file: str) -> str:
    said = call.args[index] if index < len(call.args) else None
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        return said.value
    raise NotLiteral(f"{file}:{call.lineno}: {ast.unparse(call)[:80]}")


def template() -> Catalog:
    """All sentences of the code as one catalogue."""
    made = _Headless(header_comment="# What Dealdesk says, in English.", fuzzy=False)
    for each in sentences():
        if each.source:
            made.add(each.id, locations=[(each.file, 0)], context=each.context)
    return made


def path_of(language: Language) -> Path:
    """The file translators write in."""
    return LOCALES / language / "LC_MESSAGES" / "dealdesk.po"


def read(language: Language) -> Catalog:
    """The translations as they are in the file."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: Language, sources: Catalog) -> Catalog:
    """The translations of the sentences that there are now; those of others are gone."""
    said = f"# What Dealdesk says, in {_name(language)}."
    made = _Headless(language, header_comment=said, fuzzy=False)
    held = read(language) if path_of(language).exists() else Catalog(language)
    for source in sources:
        if not source.id:
            continue
        known = held.get(source.id, source.context)
        same = known is not None and known.id == source.id
        made.add(
            source.id,
            known.string if known is not None and same else None,
            locations=source.locations,
            context=source.context,
        )
    return made


def as_po(catalog: Catalog) -> bytes:
    """The catalogue as its file: sorted, places by file only, so that edits do not collide."""
    written = io.BytesIO()
    write_po(written, catalog, width=100, sort_output=True, include_lineno=False)
    return written.getvalue()


def as_mo(language: Language) -> bytes:
    """The compiled form of the translations in the file."""
    written = io.BytesIO()
    write_mo(written, updated(language, read(language)))
    return written.getvalue()


def faults(language: Language) -> list[str]:
    """What is missing or wrong in a language, one line each."""
    found: list[str] = []
    held = read(language)
    if as_po(updated(language, template())) != path_of(language).read_bytes():
        found.append("not up to date with the code: run update")
    if path_of(language).with_suffix(".mo").read_bytes() != as_mo(language):
        found.append("not compiled: run compile")
    titles = frozenset(button_titles())
    for message in held:
        if message.id:
            said = faults_of(message, held.num_plurals)
            if message.id in titles and len(str(message.string)) > LONGEST_TITLE:
                said.append(f"a button holds {LONGEST_TITLE} characters")
            found += [f"{fault}: {message.id!r}" for fault in said]
    return found


def button_titles() -> Iterator[str]:
    """The sentences that stand on buttons: `button(words(...), ...)`, `(words(...), Action())`."""
    for folder in SPOKEN_IN:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                title = _title_in(node)
                if title is not None:
                    yield title


def _title_in(node: ast.AST) -> str | None:
    """The sentence of a title that is short enough in English."""
    match node:
        case ast.Call(func=ast.Name(id="button"), args=[first, *_]):
            said = _said_by(first)
        case ast.Tuple(elts=[first, ast.Call(func=ast.Name(id=name))]) if name[:1].isupper():
            said = _said_by(first)
        case _:
            said = None
    return said if said is not None and len(said) <= LONGEST_TITLE else None


def _said_by(node: ast.expr) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id="words"), args=[ast.Constant(value=str(said)), *_]):
            return said
        case _:
            return None


def faults_of(message: Message, forms: int) -> list[str]:
    """What is wrong with one translation, in a language with so many plural forms."""
    sources = _forms(message.id)
    said = _forms(message.string)
    if not all(said):
        return ["not translated"]
    found = []
    if len(said) != (forms if len(sources) > 1 else 1):
        found.append(f"needs {forms} plural forms")
    places = _places(sources[-1])
    if any(_places(each) != places for each in said):
        found.append(f"places must be {sorted(places)}")
    if any(each != each.strip() for each in said) and all(each == each.strip() for each in sources):
        found.append("has blanks at an end")
    return found


def _forms(said: str | Sequence[str] | None) -> tuple[str, ...]:
    return (said or "",) if said is None or isinstance(said, str) else tuple(said)


def _places(sentence: str) -> set[str]:
    try:
        return {name for _text, name, _spec, _turn in string.Formatter().parse(sentence) if name}
    except ValueError:
        return {"(a brace too many)"}


def _name(language: Language) -> str:
    return {"de": "German", "fr": "French", "es": "Spanish", "ja": "Japanese"}[language]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def update() -> None:
    """Writes the template and every language anew from the code, and compiles."""
    sources = template()
    _write(TEMPLATE, as_po(sources))
    for language in TRANSLATED:
        _write(path_of(language), as_po(updated(language, sources)))
    compile_all()


def compile_all() -> None:
    """Writes every compiled catalogue anew."""
    for language in TRANSLATED:
        _write(path_of(language).with_suffix(".mo"), as_mo(language))


def check() -> list[str]:
    """Everything that is missing or wrong."""
    found = [f"{each}: {said}" for each in TRANSLATED for said in faults(each)]
    if TEMPLATE.read_bytes() != as_po(template()):
        found.insert(0, "the template is not up to date with the code: run update")
    return found


TRANSLATED: Final = tuple(each for each in Language if each is not Language.ENGLISH)
"""Every language but the source."""


def main(arguments: Sequence[str]) -> int:
    """Runs what was asked; gives back the exit code."""
    match list(arguments):
        case ["update"]:
            update()
        case ["compile"]:
            compile_all()
        case ["check"]:
            found = check()
            sys.stdout.write("".join(f"{line}\n" for line in found))
            return 1 if found else 0
        case _:
            sys.stderr.write((__doc__ or "") + "\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
