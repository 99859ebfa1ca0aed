"""LiteLLM's own Router, built from an export, routes each task to its model and falls back to today's.

It runs in a process of its own, which reaches nothing but the endpoint on this machine.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest
from msgspec.structs import replace
from support import shop, sources
from support.loopback import Body, Loopback, Reply, error, prompt
from support.sources import Given

from llmcost.report import exporters

pytestmark = pytest.mark.skipif(importlib.util.find_spec("litellm") is None, reason="litellm is not installed")

FAILS = {"fail 500": error(500), "fail 404": error(404)}
ROUTER = """
import json, sys
import litellm, yaml
from litellm.caching.caching import Cache

config = yaml.safe_load(open("config.yaml", encoding="utf-8"))
settings = config["litellm_settings"]
litellm.drop_params = settings["drop_params"]
router = litellm.Router(model_list=config["model_list"], num_retries=0, **config["router_settings"])

def ask(task, text, **more):
    said = router.completion(task, [{"role": "user", "content": text}], **more)
    return [said.model, said._hidden_params.get("response_cost")]

found = {"answers": [ask(*each) for each in json.load(open("asked.json"))]}
keys = Cache(**settings["cache_params"])  # a hit needs the proxy's own dependencies; the key says what would be one
messages = [{"role": "user", "content": "again"}]
found["keys"] = [keys.get_cache_key(model="code", messages=messages, user=user) for user in ("ann", "ann", "bob")]
print(json.dumps(found))
"""


def answer(body: Body) -> Reply:
    fails = body["model"] == "Qwen/Qwen3-8B" and prompt(body) in FAILS
    return FAILS[prompt(body)] if fails else Reply(text="yes")


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What LiteLLM answered, and what the endpoint was asked."""
    folder = tmp_path_factory.mktemp("litellm")
    report = sources.switched()
    choice = replace(report.tasks[0].choice, model="gpt-5-mini@low")
    task = replace(report.tasks[0], task='a "task":\n- # 😀', choice=choice)
    report = replace(report, tasks=[*report.tasks, task])
    asked = [("support chat", "hello"), ("classify", "hello"), ("code", "hello"), (task.task, "hello"),
             ("support chat", "fail 500"), ("classify", "fail 404")]  # fmt: skip
    (folder / "config.yaml").write_text(exporters()["litellm"](Given(report)), encoding="utf-8")
    (folder / "asked.json").write_text(json.dumps(asked))
    with Loopback(answer) as server:
        env = {"LLMCOST_BASE_URL": server.base_url, "LLMCOST_API_KEY": shop.KEY}
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_LOG": "ERROR"}
        done = subprocess.run(
            [sys.executable, "-c", ROUTER],
            cwd=folder,
            env=shop.environment({**env, **quiet}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found | {"seen": list(server.requests)}


def test_each_task_is_answered_by_its_model(routed: dict[str, Any]) -> None:
    models = [model for model, _ in routed["answers"][:4]]
    assert models == ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B", "gpt-4o", "gpt-5-mini"]


def test_todays_model_answers_where_the_new_one_fails_or_is_gone(routed: dict[str, Any]) -> None:
    assert [model for model, _ in routed["answers"][4:]] == ["gpt-4o", "gpt-4o-mini"]


def test_calls_cost_what_the_price_list_says(routed: dict[str, Any]) -> None:
    _, usd = routed["answers"][0]
    used, rates = routed["seen"][0].usage, sources.RATES["Qwen/Qwen3-8B"]
    wanted = (used["prompt_tokens"] * rates.input + used["completion_tokens"] * rates.output) / 1e6
    assert usd == pytest.approx(wanted, rel=1e-9)


def test_the_key_and_the_effort_reach_the_endpoint(routed: dict[str, Any]) -> None:
    assert {request.headers["authorization"] for request in routed["seen"]} == {f"Bearer {shop.KEY}"}
    [effort] = [request.body["reasoning_effort"] for request in routed["seen"] if request.model == "gpt-5-mini"]
    assert effort == "low"


def test_its_cache_keeps_an_answer_and_crosses_no_user(routed: dict[str, Any]) -> None:
    ann, again, bob = routed["keys"]
    assert ann == again != bob
