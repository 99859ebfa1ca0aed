"""What requests hold, in words, and how the estimate says where they go."""

from __future__ import annotations

import msgspec
import pytest
from support import results

from llmcost.api.destinations import fields_of
from llmcost.api.views import EstimateView
from llmcost.recommend.result import Destination, SentField

USER = {"role": "user", "content": "hello"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": [USER]}, set()),
        ({"messages": [{"role": "system", "content": "be"}, USER]}, {"system"}),
        ({"messages": [{"role": "developer", "content": "be"}, USER]}, {"system"}),
        ({"messages": [{"role": "user", "name": "ada", "content": "hello"}]}, {"names of speakers"}),
        ({"messages": [USER, {"role": "tool", "name": "search", "content": "found"}]}, {"tool calls and results"}),
        ({"messages": [USER, {"role": "assistant", "tool_calls": [{}]}]}, {"tool calls and results"}),
        ({"messages": [{"role": "user", "content": [{"type": "text"}, {"type": "image_url"}]}]}, {"images"}),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}, {"type": "file"}]}]}, {"sound", "files"}),
        ({"messages": [USER], "tools": [{}], "response_format": {}, "temperature": 1}, {"tools", "response_format"}),
        ({"messages": [USER], "unheard_of": 1, "top_p": 1, "model": "m"}, {"unheard_of"}),
        ({"messages": ["odd", None, 3]}, set()),
    ],
)
def test_what_is_in_a_request(body: dict[str, object], expected: set[str]) -> None:
    assert fields_of(body) == {"messages", *expected}


def place(host: str, **more: object) -> Destination:
    """A host of which nothing is known, but for what is told."""
    plain = Destination(
        host=host, provider=None, country=None, region=None, note=None, models=["tiny"], calls=1_200,
        fields=[SentField("messages", 1_200), SentField("images", 3)], keys=[], encrypted=True, proxy=None,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)


def test_the_estimate_says_host_by_host_where_it_goes() -> None:
    known = place(
        "api.deepseek.com", provider="DeepSeek", country="CN", keys=["DEEPSEEK_API_KEY"], proxy="proxy.corp:3128"
    )
    here = place("127.0.0.1:8000", note="this machine", encrypted=False)
    more = [place(f"h{number}.example") for number in range(9)]
    estimate = msgspec.structs.replace(results.estimate(), destinations=[known, here, *more])
    text = EstimateView(estimate).render("table", width=80)
    assert max(map(len, text.splitlines())) <= 80
    said = " ".join(text.split())
    assert (
        "- api.deepseek.com (DeepSeek, seat in CN); up to 1,200 requests to tiny; TLS through the proxy "
        "proxy.corp:3128; key of DEEPSEEK_API_KEY; in them: messages 1,200, images 3" in said
    )
    assert "- 127.0.0.1:8000 (this machine); up to 1,200 requests to tiny; not encrypted; no key" in said
    assert "h0.example (whose it is is not known)" in said
    assert "and 7 more hosts: h2.example" in said and "h8.example" in said
