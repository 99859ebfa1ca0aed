"""The style sheet of plots in a page: colours of series for light, dark and paper, text that a phone can show."""

from __future__ import annotations

_LIGHT = ("#0b5cad", "#a8440a", "#14703a", "#7138b0", "#a3195b", "#4d5560")
_DARK = ("#7ab8ff", "#ffab6b", "#6fd394", "#cda8ff", "#ff94c2", "#b9c1cc")
SERIES_COLORS = len(_LIGHT)


def _variables(colors: tuple[str, ...]) -> str:
    return ";".join(f"--s{index}:{color}" for index, color in enumerate(colors))


_CLASSES = "".join(f".llmcost .s{index}{{color:var(--s{index})}}" for index in range(SERIES_COLORS))
STYLE = f"""\
.llmcost{{{_variables(_LIGHT)}}}
@media(prefers-color-scheme:dark){{.llmcost{{{_variables(_DARK)}}}}}
@media print{{.llmcost{{{_variables(_LIGHT)}}}}}
{_CLASSES}
.llmcost figure{{margin:1.75rem 0;max-width:46rem;break-inside:avoid}}
.llmcost figcaption{{font-weight:600;margin:0 0 .5rem}}
.llmcost figure>svg{{display:block;width:100%;height:auto;font-size:14px;overflow:visible}}
.llmcost .grid{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr));gap:0 2rem}}
.llmcost .grid figure{{margin:1rem 0;min-width:0}}.llmcost .grid figure>svg{{font-size:18px}}
.llmcost svg text{{fill:currentColor;stroke:var(--paper);stroke-width:4;stroke-linejoin:round;paint-order:stroke}}
.llmcost svg .label{{fill:var(--soft)}}
.llmcost svg path{{fill:none;stroke:currentColor;stroke-width:1}}
.llmcost svg .grid{{stroke:var(--line)}}.llmcost svg .axis,.llmcost svg .zero{{stroke:var(--soft)}}
.llmcost svg .line{{stroke-width:2;stroke-linejoin:round}}.llmcost svg .heavy .line{{stroke-width:3.5}}
.llmcost svg .mark{{fill:currentColor;stroke:var(--paper)}}.llmcost svg .lead{{stroke-opacity:.45}}
.llmcost svg .heavy text{{font-weight:700}}
.llmcost svg .fill{{fill:currentColor;stroke:none}}.llmcost svg .edge{{stroke-width:1.5}}\
.llmcost svg .stripes{{stroke-width:2}}.llmcost svg .joint{{stroke:var(--soft);stroke-dasharray:2 3}}
.llmcost .bar.whole{{color:var(--s5)}}.llmcost .bar.no_answer_change{{color:var(--s2)}}\
.llmcost .bar.measured{{color:var(--s0)}}.llmcost .bar.potential{{color:var(--s1)}}
.llmcost svg .amount{{font-weight:600}}
.llmcost svg .ring{{stroke-width:2}}
.llmcost ul.key{{display:flex;flex-wrap:wrap;gap:.3rem 1.5rem;list-style:none;padding:0;color:inherit}}
.llmcost .key svg{{vertical-align:-.25em;margin-right:.35rem}}.llmcost .key b{{margin-right:.35rem}}
.llmcost figure ul{{margin:.75rem 0}}
@media print{{.llmcost .grid{{grid-template-columns:1fr 1fr}}.llmcost figure{{max-width:36rem}}}}
@media(max-width:40rem){{.llmcost figure>svg{{font-size:20px}}}}
"""
