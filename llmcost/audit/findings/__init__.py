"""What costs money and need not: findings in plain words, and the two totals that are never mixed.

One module a finding or a family of them. A new one is a module, a line in this dict and a page in docs/findings.md.
"""

from __future__ import annotations

from llmcost.audit.findings.abandoned_streams import abandoned_streams
from llmcost.audit.findings.batch_api import batch_api
from llmcost.audit.findings.cheaper_model import cheaper_model
from llmcost.audit.findings.cut_answers import max_tokens_hit, truncated_calls
from llmcost.audit.findings.data_quality import unmetered, unpriced
from llmcost.audit.findings.exact_duplicates import exact_duplicates
from llmcost.audit.findings.failed_calls import failed_calls
from llmcost.audit.findings.few_answers import premium_model_on_labels, reasoning_on_trivial_tasks
from llmcost.audit.findings.logged_cost_drift import logged_cost_drift
from llmcost.audit.findings.near_duplicates import near_duplicates
from llmcost.audit.findings.prompt_cache import prompt_cache_broken, prompt_cache_unused
from llmcost.audit.findings.provider_price_spread import provider_price_spread
from llmcost.audit.findings.retired_models import retired_models
from llmcost.audit.findings.retry_storms import retry_storms
from llmcost.audit.findings.scene import Rule, Scene
from llmcost.audit.findings.static_prompt import oversized_static_prompt
from llmcost.audit.result import Finding, Potential, PotentialTotal

RULES: dict[str, Rule] = {
    "exact-duplicates": exact_duplicates,
    "near-duplicates": near_duplicates,
    "cheaper-model": cheaper_model,
    "prompt-cache-unused": prompt_cache_unused,
    "prompt-cache-broken": prompt_cache_broken,
    "oversized-static-prompt": oversized_static_prompt,
    "batch-api": batch_api,
    "premium-model-on-labels": premium_model_on_labels,
    "reasoning-on-trivial-tasks": reasoning_on_trivial_tasks,
    "provider-price-spread": provider_price_spread,
    "failed-calls": failed_calls,
    "retry-storms": retry_storms,
    "max-tokens-hit": max_tokens_hit,
    "truncated-calls": truncated_calls,
    "abandoned-streams": abandoned_streams,
    "retired-models": retired_models,
    "unpriced-models": unpriced,
    "unmetered": unmetered,
    "logged-cost-drift": logged_cost_drift,
}
# The findings whose remedies the potentials are made of: applied one after the other to one timeline, then priced.
NO_ANSWER_CHANGES = ("exact-duplicates", "prompt-cache-unused", "batch-api")
IF_UNTESTED_PASSED = (*NO_ANSWER_CHANGES, "prompt-cache-broken", "cheaper-model")


def find(scene: Scene) -> tuple[list[Finding], Potential]:
    """Every finding, most dollars first (those without dollars last), and what the log's bill could lose in all."""
    found = _ranked([finding for rule in RULES.values() for finding in rule(scene)])
    safe, untested = scene.stack.no_answer_change(), scene.stack.if_untested_passed()
    return found, Potential(
        _total(scene, safe, found, NO_ANSWER_CHANGES), _total(scene, untested, found, IF_UNTESTED_PASSED)
    )


def _ranked(found: list[Finding]) -> list[Finding]:
    def dearest(finding: Finding) -> tuple[bool, float, int, str]:
        return finding.usd_logged is None, -(finding.usd_logged or 0.0), -finding.calls, finding.id

    return sorted(found, key=dearest)


def _total(scene: Scene, usd: float | None, found: list[Finding], kinds: tuple[str, ...]) -> PotentialTotal:
    # What could only be guessed of a safe kind, for want of counts in the log, is in no total.
    counted = [finding for finding in found if finding.kind in kinds
               and (finding.basis == "no_answer_change" or finding.kind not in NO_ANSWER_CHANGES)]  # fmt: skip
    ids = [finding.id for finding in counted]
    return PotentialTotal(usd_logged=usd, usd_per_month=scene.entries.monthly(usd), findings=ids)
