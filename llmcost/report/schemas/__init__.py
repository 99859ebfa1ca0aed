"""JSON Schemas (2020-12) of everything that is read by machines, one file each: what `--format json` and files hold.

The files are made from the results' own types, so that they cannot say anything else; they are shipped for whoever
reads JSON without Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import msgspec
from msgspec.inspect import StructType, type_info

from llmcost.audit.pages import Explanation, Explanations
from llmcost.audit.result import AuditResult
from llmcost.errors import ConfigError
from llmcost.gate.result import BaselineFile, CheckResult
from llmcost.monitor.result import MonitorReport
from llmcost.pricing import PriceView
from llmcost.recommend.result import ReplayEstimate, ReplayReport
from llmcost.recommend.simulated import SimulateResult
from llmcost.redaction.result import RedactReport
from llmcost.serving.plan import Plan
from llmcost.workspace import PurgeReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RESULTS: dict[str, type[msgspec.Struct]] = {
    "audit": AuditResult,
    "baseline": BaselineFile,
    "check": CheckResult,
    "estimate": ReplayEstimate,
    "explain": Explanation,
    "findings": Explanations,
    "monitor": MonitorReport,
    "plan": Plan,
    "prices": PriceView,
    "purge": PurgeReport,
    "redact": RedactReport,
    "report": ReplayReport,
    "simulate": SimulateResult,
}


def shipped(name: str) -> str:
    """The schema of this name, as it is shipped. Raises ConfigError for a name that there is none of."""
    if name not in RESULTS:
        raise ConfigError(f"no schema {name!r}", f"choose one of {', '.join(RESULTS)}")
    return resources.files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")


def made(name: str) -> str:
    """The same made anew of the result's type."""
    kind = RESULTS[name]
    found = msgspec.json.schema(kind)
    brief = {each.cls.__name__ for each in _structs(type_info(kind)) if each.cls.__struct_config__.omit_defaults}
    for title, struct in found["$defs"].items():
        if "properties" in struct and title not in brief:  # else every key is written, an unknown one as null
            struct["required"] = sorted(struct["properties"])
    tag = str(kind.__struct_config__.tag)
    about = {"title": tag, "description": found["$defs"][kind.__name__]["description"]}
    schema = {"$schema": DIALECT, "$id": f"urn:{tag}".replace("/", ":"), **about, **found}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _structs(info: object) -> Iterator[StructType]:
    """Every struct that a type is made of."""
    if isinstance(info, StructType):
        yield info
    for name in ("fields", "types", "item_types", "item_type", "key_type", "value_type", "type"):
        part = getattr(info, name, None)
        for each in part if isinstance(part, tuple) else (part,) if part is not None else ():
            yield from _structs(each)
