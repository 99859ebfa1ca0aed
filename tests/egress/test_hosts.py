"""Which hosts are allowed, whose they are, and that no spelling of one is taken for another."""

from __future__ import annotations

import ipaddress

import httpx
import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st

from llmcost.endpoint.address import canonical, checked, host_of, is_loopback, shown
from llmcost.endpoint.egress import Egress, HostRule, egress, in_ci, require_key_variable
from llmcost.endpoint.hosts import OWNERS, REGIONS, owner_of
from llmcost.errors import ConfigError


def allowing(*hosts: str) -> Egress:
    return egress(hosts)


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("api.example.com", "https://api.example.com/v1"),
        ("API.Example.com.", "https://api.example.com:8443/v1"),
        ("api.example.com", "https://API.EXAMPLE.COM./v1"),
        ("*.example.com", "https://api.example.com/v1"),
        ("*.example.com", "https://a.b.example.com"),
        ("api.example.com:8443", "https://api.example.com:8443"),
        ("api.example.com:443", "https://api.example.com"),
        ("bücher.example", "https://xn--bcher-kva.example/v1"),
        ("xn--bcher-kva.example", "https://BÜCHER.example/v1"),
        ("2001:db8::1", "https://[2001:0DB8:0::1]/v1"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("192.0.2.7", "https://[::ffff:192.0.2.7]/v1"),
    ],
)
def test_a_host_is_allowed_however_it_is_spelt(rule: str, url: str) -> None:
    allowing("other.example", rule).require(checked(url))


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("example.com", "https://evil-example.com"),
        ("example.com", "https://example.com.evil.org"),
        ("example.com", "https://api.example.com"),
        ("example.com", "https://example.co"),
        ("*.example.com", "https://example.com"),
        ("*.example.com", "https://evilexample.com"),
        ("*.example.com", "https://api.example.com.evil.org"),
        ("api.openai.com", "https://аpi.openai.com"),  # a Cyrillic а
        ("straße.de", "https://strasse.de"),  # what older rules made of it: another host
        ("api.example.com:8443", "https://api.example.com"),
        ("2001:db8::1", "https://[2001:db8::2]"),
        ("192.0.2.7", "https://192.0.2.70"),
    ],
)
def test_what_only_looks_like_it_is_refused(rule: str, url: str) -> None:
    with pytest.raises(ConfigError, match="may not be talked to: only") as refused:
        allowing(rule).require(checked(url))
    assert host_of(url) in refused.value.message and str(HostRule.read(rule)) in refused.value.message
    assert "nothing was sent" in (refused.value.hint or "") and "--allow-host" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com@evil.org/v1",
        "https://@evil.org/v1",
        "https://user:secret@example.com/v1",
        "https://example.com\\@evil.org/v1",
        "https://example.com%2eevil.org",
        "https://exa\tmple.com",
        "https://example.com /v1",
        "https://exa mple.com",
        "https://127.1/v1",
        "https://0x7f.1",
        "https://2130706433",
        "https://0177.0.0.1",
        "https://127.0.0.01",
        "https://[fe80::1%25eth0]/v1",
        "https://example.com:0",
        "https://example.com:99999",
        "https://",
        "https://.example.com",
        "https://example..com",
        "ftp://example.com",
        "example.com/v1",
        "https://example.com/v1?key=secret",
        "https://example.com/v1#secret",
    ],
)
def test_an_address_that_two_programs_would_read_in_two_ways_is_none(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        checked(url)
    assert "secret" not in f"{refused.value.message} {refused.value.hint}"


PLAIN_ELSEWHERE = [
    "example.com", "127.1", "0x7f.1", "2130706433", "017700000001", "localhost.evil.com", "127.0.0.1.nip.io",
    "127-0-0-1.nip.io", "localhost.", "notlocalhost", "localhost-evil", "0.0.0.0", "[::]", "[::ffff:192.0.2.1]",
    "192.168.0.1", "[::127.0.0.1]", "128.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PLAIN_ELSEWHERE)
def test_nothing_goes_unencrypted_to_what_is_not_this_machine(host: str) -> None:
    if host == "localhost.":  # the same name, spelt to the end
        assert checked("http://localhost./v1") == "http://localhost/v1"
        return
    with pytest.raises(ConfigError):
        checked(f"http://{host}/v1")
    assert not is_loopback(f"http://{host}/v1")


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost", "models.localhost", "127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_always_allowed(host: str) -> None:
    allowing().require(checked(f"http://{host}:8000/v1"))
    with pytest.raises(ConfigError, match="only this machine is allowed"):
        allowing().require("https://api.example.com/v1")


@pytest.mark.parametrize(
    "rule", ["", "*", "*.", "https://api.example.com", "api.example.com/v1", "*.*.example.com", "a.com:", "*.192.0.2.1"]
)
def test_a_rule_that_allows_nothing_or_everything_is_refused(rule: str) -> None:
    with pytest.raises(ConfigError, match="is no host that could be allowed"):
        allowing(rule)


LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@given(NAME, NAME)
def test_a_wildcard_is_of_what_is_below_and_of_nothing_else(domain: str, name: str) -> None:
    rule = HostRule.read(f"*.{domain}")
    assert rule.fits(canonical(f"{name}.{domain}"), 443)
    assert rule.fits(canonical(name), 443) == name.endswith(f".{domain}")
    assert not rule.fits(canonical(f"{domain}.x{name}"), 443) or f"{domain}.x{name}".endswith(f".{domain}")


@given(st.ip_addresses())
def test_an_address_has_one_form(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    once = canonical(str(address))
    assert canonical(once) == once and canonical(address.exploded) == once


@given(st.text(max_size=40))
def test_any_text_is_an_address_that_the_clients_read_alike_or_a_clean_refusal(text: str) -> None:
    for url in (text, f"https://{text}", f"http://localhost{text}"):
        try:
            once = checked(url)
        except ConfigError:
            continue
        host = host_of(url)
        assert host.isascii() and checked(once) == once and host_of(once) == host
        assert canonical(httpx.URL(once).host) == canonical(yarl.URL(once).raw_host or "") == host


def test_in_ci_the_configuration_names_no_host() -> None:
    named = egress(None, None, ["https://gateway.example/v1", None], {"CI": "true"})
    named.require("https://gateway.example/v2")
    named.require("http://localhost:1/v1")
    with pytest.raises(ConfigError, match=r"evil\.example is named by the configuration alone") as refused:
        named.require("https://evil.example/v1")
    assert "--allow-host evil.example" in (refused.value.hint or "")
    egress(None, ["evil.example"], [], {"CI": "1"}).require("https://evil.example/v1")
    with pytest.raises(ConfigError, match="named by the configuration alone"):  # what it allows, it cannot name
        egress(["evil.example"], None, [], {"CI": "1"}).require("https://evil.example/v1")
    with pytest.raises(ConfigError, match="may not be talked to"):  # and what it does not allow, stays so
        egress(["good.example"], None, ["https://evil.example"], {"CI": "1"}).require("https://evil.example/v1")
    egress(None, None, [], {"CI": "false"}).require("https://any.example")
    with pytest.raises(ConfigError):  # the flag stands in the place of the configuration
        egress(["evil.example"], ["good.example"]).require("https://evil.example")


def test_where_it_is_ci() -> None:
    assert all(map(in_ci, [{"CI": "1"}, {"CI": "true"}, {"TF_BUILD": "True"}, {"JENKINS_URL": "http://j"}]))
    assert not any(map(in_ci, [{}, {"CI": ""}, {"CI": "false"}, {"CI": "0"}, {"CIRCLE": "1"}]))


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "LLMCOST_API_KEY", "MY_GATEWAY_API_KEY", "WATSONX_APIKEY", "REPLICATE_API_TOKEN", "API_KEY",
     "OPENAI_API_KEY_EU", "HF_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "LITELLM_KEY", "LLM_PROXY_TOKEN"],
)  # fmt: skip
def test_a_variable_that_may_hold_a_key(name: str) -> None:
    require_key_variable(name, {})


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "CI_JOB_TOKEN", "NPM_TOKEN",
     "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "DATABASE_URL", "PATH", "SSH_PRIVATE_KEY", "PGPASSWORD", "HTTPS_PROXY", "",
     "X API_KEY"],
)  # fmt: skip
def test_another_secret_is_sent_to_nobody_unless_the_environment_says_so(name: str) -> None:
    with pytest.raises(ConfigError, match="does not look like the key"):
        require_key_variable(name, {})
    if name:
        require_key_variable(name, {"LLMCOST_KEY_VARIABLES": f"OTHER, {name}"})


@pytest.mark.parametrize(
    ("host", "provider", "country", "region"),
    [
        ("api.openai.com", "OpenAI", "US", None),
        ("eu.api.openai.com", "OpenAI", "US", None),
        ("api.deepseek.com", "DeepSeek", "CN", None),
        ("api.mistral.ai", "Mistral AI", "FR", None),
        ("bedrock-runtime.eu-central-1.amazonaws.com", "Amazon", "US", "eu-central-1, DE"),
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", "Amazon", "US", "us-gov-west-1, US"),
        ("bedrock-runtime.zz-new-9.amazonaws.com", "Amazon", "US", "zz-new-9"),
        ("europe-west4-aiplatform.googleapis.com", "Google", "US", "europe-west4, NL"),
        ("contoso.openai.azure.com", "Microsoft", "US", None),
        ("evilapi.openai.com.example", None, None, None),
        ("fakeapi.openai.com", None, None, None),
        ("openai.com", None, None, None),
        ("8.8.8.8", None, None, None),
    ],
)
def test_whose_a_host_is(host: str, provider: str | None, country: str | None, region: str | None) -> None:
    owner = owner_of(host)
    assert (owner.provider, owner.country, owner.region) == (provider, country, region)


def test_what_else_a_host_says() -> None:
    assert "region" in (owner_of("contoso.openai.azure.com").note or "")
    assert "passes prompts on" in (owner_of("openrouter.ai").note or "")
    assert owner_of("10.0.0.7").note == "an address of a private network"
    assert owner_of("127.0.0.1").note == "this machine"


def test_the_tables_hold_hosts_and_countries() -> None:
    assert all(canonical(host) == host for host in OWNERS)
    countries = [country for _, country, _ in OWNERS.values() if country]
    countries += [country for _, regions, _ in REGIONS for country in regions.values()]
    assert all(len(country) == 2 and country.isupper() for country in countries)


@pytest.mark.parametrize(
    "path",
    [
        "sk-planted0123456789",
        "0123456789abcdef0123456789abcdef",
        "v1/AbC123dEf456GhI789",
        "a1b2c3d4-0123-4567-89ab-0123456789ab",
    ],
)
def test_a_key_in_the_path_is_not_shown(path: str) -> None:
    url = f"https://gateway.example/{path}/v1"
    assert checked(url) == url
    assert "***" in shown(url) and path.rpartition("/")[2] not in shown(url)


def test_a_plain_path_is_shown() -> None:
    url = "https://contoso.openai.azure.com/openai/deployments/gpt-4o-mini-2024-07-18"
    assert shown(url) == url
