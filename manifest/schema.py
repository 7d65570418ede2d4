"""Checks a manifest against Microsoft's own schema, which an npm package carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft4Validator

VERSION = "1.25"
_SCHEMAS = "node_modules/@microsoft/app-manifest/build/json-schemas/teams"
SCHEMA = Path(__file__).resolve().parent / _SCHEMAS / f"v{VERSION}/MicrosoftTeams.schema.json"
_DIALECT = "http://json-schema.org/draft-04/schema#"


class SchemaMissing(Exception):
    """The npm package is not installed; nothing is taken for valid without it."""


def schema_problems(manifest: object) -> Iterator[str]:
    """What the schema objects to, each with its place. Raises SchemaMissing."""
    return _objections(manifest, SCHEMA)


def localisation_problems(strings: object) -> Iterator[str]:
    """As `schema_problems`, for the file of another language."""
    return _objections(strings, SCHEMA.with_name("MicrosoftTeams.Localization.schema.json"))


def _objections(document: object, path: Path) -> Iterator[str]:
    try:
        schema = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SchemaMissing("run `make install`: the schema of manifests is missing") from error
    if schema.get("$schema") != _DIALECT:
        raise SchemaMissing(f"the schema of manifests is not in the dialect {_DIALECT}")
    for found in Draft4Validator(schema).iter_errors(document):
        yield f"{found.json_path}: {found.message}"
