"""What a log may hold to steer whatever shows it: a terminal, a page, a spreadsheet, a build server, a comment."""

# ruff: noqa: E501 - one payload more a line is not read better

from __future__ import annotations

from collections.abc import Callable, Sequence

PAYLOADS = (
    # terminals
    "\x1b[2J\x1b[H", "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07", "\x1b]52;c;aGk=\x07", "\x1b]0;title\x07", "\x9b31mred",
    "\x9d52;c;aGk=\x9c", "\x1bP$q\x1b\\", "\x1b[6n", "a\rb", "a\x08\x08\x08b", "\x0e\x0f\x07", "a\x00b\x7fc",
    # what hides and reorders
    "invoice\u202egpj.exe", "\u2066a\u2067b\u2069", "\u200e\u200f\u061c", "a\u200bb\u2060c\ufeffd", "\u2028\u2029\x85",
    "z" + "\u0301" * 60, "\U000e0001\U000e0041", "\u202dא\u202c",
    # pages
    "<script>alert(1)</script>", "</script><script>alert(1)//", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    '" onmouseover="alert(1)', "' style='background:url(//evil.example)", "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>1</script>'>", "<style>@import '//evil.example'</style>", "</style><b>", "<!--", "-->",
    "<meta http-equiv=refresh content=0;//evil.example>", "<base href=//evil.example>", "&lt;script&gt;&#60;b&#62;",
    "</td></tr></table></details></section>", "<math><mtext></form><form><mglyph><style></math><img src onerror=1>",
    "<number>", "${packet}", "{{7*7}}",
    # spreadsheets
    '=HYPERLINK("http://evil.example","x")', "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "=cmd|'/C calc'!A0",
    "x;=1+1", "x;\t@SUM(1)", "＝1+1", '","=1+1', "%0A=1+1", "|calc",
    # XML
    "]]>", "<![CDATA[x]]>", "&xxe;", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>", "\x01\x0b\x0c\ufffe\uffff",
    "<?xml version='1.0'?>", '"/><testcase name="forged"/>',
    # Markdown as GitHub reads it
    "[x](http://evil.example)", "![x](http://evil.example/p.png)", "[x][y]\n\n[y]: http://evil.example", "<http://evil.example>",
    "http://evil.example/a", "www.evil.example", "a@evil.example", "@org/team", "#12", "org/repo#12", "GH-12",
    "<!-- llmcost-check -->", "a|b", "| a |\n|---|", "```\nx", "~~~", "# head", "> quote", "- item", "1. item", "***", "---",
    "`code`", "**bold** _it_ ~~no~~", "$x^2$", "\\", "\\[x\\](y)", "[x]: http://evil.example", "a\n===", "    code", "<b>b</b>",
    "<details><summary>x</summary>", "[!NOTE]", "- [x] done", "[^1]", ":+1:",
    # build servers
    "::error::x", "::set-output name=passed::true", "\n::add-mask::a", "##[error]x", "##vso[task.setvariable variable=a]b",
    "::stop-commands::x", "%0A::error::x", "a\nllmcost-0\npassed=true", "EOF\npassed=true", "passed<<EOF", "##teamcity[x]",
    # other tools
    "!!python/object/apply:os.system ['x']", "&a [*a]", "x: y", "'''", '"""', "file:///etc/passwd", "{% raw %}", "$(id)",
    "`id`", "; rm -rf ~", "../../etc/passwd", "x\n[section]\ny=1",
)  # fmt: skip

SURROGATES = ("\ud800", "\udc80")  # come in names of files alone: what is read of a log holds none


def poison(first: int, payloads: Sequence[str] = PAYLOADS) -> Callable[[str], str]:
    """Puts one of the payloads in front of a text: the next for each text, always the same for the same."""
    chosen: dict[str, str] = {}

    def put(text: str) -> str:
        return chosen.setdefault(text, payloads[(first + len(chosen)) % len(payloads)]) + text

    return put
