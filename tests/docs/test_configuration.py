"""docs/configuration.md names every key of the configuration with its default, and nothing else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from llmcost import config

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "[logs]": config.LogsSettings,
    "[tasks]": config.TasksSettings,
    "[audit]": config.AuditSettings,
    "[cache]": config.CacheSettings,
    "[replay]": config.ReplaySettings,
    "[cascade]": config.CascadeSettings,
    "[compress]": config.CompressSettings,
    "[batch]": config.BatchSettings,
    "[gate]": config.GateSettings,
    "[egress]": config.EgressSettings,
    "[redact]": config.RedactSettings,
    "[workspace]": config.WorkspaceSettings,
    '[models."NAME"]': config.ModelSettings,
    '[checks."TASK"]': config.CheckSettings,
}


def rows(section: str) -> dict[str, str]:
    """key → default, as the page says."""
    text = PAGE.split(f"## `{section}`", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))


def shown(default: Any) -> str:
    if default is msgspec.NODEFAULT:
        return "required"
    if default is None:
        return "unset"
    value = list(default) if isinstance(default, tuple) else default
    return f"`{msgspec.json.encode(value).decode()}`".replace(",", ", ")


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_documented_with_its_default(section: str) -> None:
    fields = {field.name: shown(default_of(field)) for field in msgspec.structs.fields(SECTIONS[section])}
    assert rows(section) == fields


def test_every_section_is_documented() -> None:
    sections = {name.strip("[]").split(".")[0] for name in SECTIONS}
    assert sections == {field.name for field in msgspec.structs.fields(config.Settings)}


def test_nested_tables_and_choices_are_named() -> None:
    names = [
        field.name for kind in (config.TaskRule, config.ModelPriceOverride) for field in msgspec.structs.fields(kind)
    ]
    for name in [*names, *get_args(config.CheckKind)]:
        assert f"`{name}`" in PAGE or f"{name} =" in PAGE, name


def test_every_example_is_a_configuration() -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        config.parse(tomllib.loads(example), Path("docs/configuration.md"))
