"""LangSmith runs, as bulk-exported or listed. Only runs of type `llm` are calls: chains and agents repeat their counts.

| ours               | LangSmith                                                                             |
|--------------------|---------------------------------------------------------------------------------------|
| input_tokens       | prompt_tokens: cache included (LangChain's `usage_metadata.input_tokens`)             |
| cache_read_tokens  | prompt_token_details.cache_read                                                       |
| cache_write_tokens | prompt_token_details.cache_creation                                                   |
| output_tokens      | completion_tokens: reasoning included                                                 |
| reasoning_tokens   | completion_token_details.reasoning                                                    |

A usage block in the provider's own response body, which `wrap_openai` stores, goes before these. Bodies are OpenAI's,
or LangChain messages (see llmcost.logs.langchain). `session_id` is LangSmith's project; a conversation is a thread.
"""

from __future__ import annotations

from typing import Any

from llmcost.logs.declared import Declared, Facts, has
from llmcost.logs.langchain import chat_message, chat_messages
from llmcost.logs.model import PassedOver, Record
from llmcost.logs.paths import lookup

EXTRA = ("extra.metadata.", "metadata.")
INVOCATION = "extra.invocation_params."
FINISH_REASON = "generations[0][0].generation_info.finish_reason"


def _adjust(facts: Facts, record: Record) -> None:
    kind = record["run_type"]
    if kind == "embedding":
        facts["operation"] = "embeddings"
    elif kind != "llm":
        raise PassedOver(f"a LangSmith run of type {kind}: its model calls are runs of their own")
    _put_request(facts, facts.pop("inputs", None))
    outputs = facts.pop("outputs", None)
    facts["response"] = _response(outputs)
    facts["finish_reason"] = lookup(outputs, FINISH_REASON)


def _put_request(facts: Facts, inputs: Any) -> None:
    if not isinstance(inputs, dict):
        return
    if isinstance(prompts := inputs.get("prompts"), list) and len(prompts) == 1:
        facts["messages"] = prompts[0]
        return
    messages = chat_messages(inputs.get("messages"))
    if messages is not None:
        facts["request"] = {**_parameters(facts), **inputs, "messages": messages}
    elif "input" in inputs:
        facts["request"] = {**_parameters(facts), **inputs}
    elif inputs:
        facts["operation"] = "unsupported"


def _parameters(facts: Facts) -> dict[str, Any]:
    """What LangChain passed on to the provider, private names left out."""
    given = facts.get("parameters")
    if not isinstance(given, dict):
        return {}
    return {key: value for key, value in given.items() if not key.startswith("_") and value is not None}


def _response(outputs: Any) -> Any:
    if not isinstance(outputs, dict):
        return outputs
    generations = outputs.get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    if isinstance(generations, dict):
        return chat_message(generations.get("message")) or generations.get("text")
    if isinstance(message := outputs.get("message"), dict):
        return chat_message(message) or outputs
    return outputs


LANGSMITH = Declared(
    name="langsmith",
    title="LangSmith runs",
    marks=has("run_type", "trace_id", "inputs"),
    opened=("inputs", "outputs", "extra", "metadata", "tags", "prompt_token_details", "completion_token_details"),
    adjust=_adjust,
    fields={
        "inputs": ("inputs",),
        "outputs": ("outputs",),
        "parameters": ("extra.invocation_params",),
        "id": ("id",),
        "model": (
            f"{INVOCATION}model", f"{INVOCATION}model_name", *(f"{at}ls_model_name" for at in EXTRA), "inputs.model",
        ),
        "provider": tuple(f"{at}ls_provider" for at in EXTRA),
        "start": ("start_time",),
        "end": ("end_time",),
        "first_chunk": ("first_token_time",),
        "user": tuple(f"{at}{name}" for at in EXTRA for name in ("user_id", "user")),
        "session": tuple(f"{at}{name}" for at in EXTRA for name in ("session_id", "thread_id", "conversation_id")),
        "status": ("status",),
        "error": ("error",),
        "cost": ("total_cost",),
        "input_tokens": ("prompt_tokens",),
        "output_tokens": ("completion_tokens",),
        "cache_read_tokens": ("prompt_token_details.cache_read",),
        "cache_write_tokens": ("prompt_token_details.cache_creation",),
        "reasoning_tokens": ("completion_token_details.reasoning",),
    },
    hidden=(
        "session_id", "trace_id", "parent_run_id", "dotted_order", "prompt_cost", "completion_cost", "run_type",
        "reference_example_id", "manifest_id", "manifest_s3_id", "tenant_id", "app_path", "trace_tier", "is_root",
        "trace_first_received_at", "trace_min_start_time", "trace_max_start_time", "last_queued_at", "ttl_seconds",
        "inputs_preview", "outputs_preview", "inputs_s3_urls", "outputs_s3_urls", "in_dataset", "share_token",
        "price_model_id", "execution_order", "latency_seconds", "messages", "extra.runtime", "extra.invocation_params",
        "extra.options", "extra.batch_size",
    ),
)  # fmt: skip
