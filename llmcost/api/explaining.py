"""A finding explained: its page, with its own figures where the last audit found it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from llmcost.api.views import ExplainView, KindsView
from llmcost.audit import pages
from llmcost.audit.pages import Explanation, Explanations
from llmcost.audit.result import AuditResult, Finding
from llmcost.errors import ConfigError
from llmcost.workspace import Workspace

NEAR = 3


def explain(name: str | None = None, *, workspace: Path | None = None) -> ExplainView | KindsView:
    """What a finding means, how it is counted, when it is wrong, what to do; every kind of finding without a name.

    `name` is a kind ("exact-duplicates") or the id of a finding of the last audit ("exact-duplicates:support chat").
    Raises ConfigError, with names that are near, for any other.
    """
    last = _last_audit(Workspace.at(workspace))
    if name is None:
        every = [_explanation(kind, last) for kind in pages.kinds()]
        return KindsView(Explanations(every, prices=None if last is None else last.prices))
    found = [] if last is None else [finding for finding in last.findings if finding.id == name]
    if found and name not in pages.kinds():
        return ExplainView(_explanation(found[0].kind, last, found))
    if name in pages.kinds():
        return ExplainView(_explanation(name, last))
    raise _unknown(name, last)


def remember(result: AuditResult, workspace: Workspace) -> None:
    """Keeps the findings of an audit, for `explain`; the tables and the names in them are left out."""
    bare = msgspec.structs.replace(
        result,
        source=msgspec.structs.replace(result.source, rejects=[]),
        by_task=[], by_model=[], by_day=[], by_tag={}, call_sites=[],
    )  # fmt: skip
    workspace.remember_audit(msgspec.json.encode(bare))


def _last_audit(workspace: Workspace) -> AuditResult | None:
    """The last audit of this workspace; one that another version wrote in other words is as good as none."""
    content = workspace.last_audit()
    try:
        return None if content is None else msgspec.json.decode(content, type=AuditResult)
    except msgspec.DecodeError:
        return None


def _explanation(kind: str, last: AuditResult | None, found: list[Finding] | None = None) -> Explanation:
    page = pages.page(kind)
    if last is None:
        return Explanation(kind, page)
    chosen = [finding for finding in last.findings if finding.kind == kind] if found is None else found
    return Explanation(kind, page, chosen, last.source.files, last.span.start, last.span.end, prices=last.prices)


def _unknown(name: str, last: AuditResult | None) -> ConfigError:
    ids = [finding.id for finding in last.findings] if last else []
    near = _near(name, [*pages.kinds(), *ids])
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return ConfigError(f"no finding is called {name!r}", f"{hint}llmcost explain lists every kind of finding")


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Names that are spelt nearly so, else those that hold the name or a word of it."""
    names = list(dict.fromkeys(known))
    spelt = difflib.get_close_matches(name.casefold(), names, n=NEAR, cutoff=0.6)
    words = [word for word in name.casefold().replace("-", " ").replace(":", " ").split() if len(word) > 3]
    return spelt or [known for known in names if any(word in known.casefold() for word in words)][:NEAR]
