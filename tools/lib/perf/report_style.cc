#include "tools/lib/perf/report_style.h"

namespace kigo::tools::perf {

const std::string_view kReportStyle = R"(
:root { color-scheme: light dark; --ground: #fff; --text: #1b1b1b; --soft: #595959; --line: #d4d4d4; --bar: #cfe3f2;
  --band: #b9d5ea; --curve: #0072b2; --fast: #0072b2; --slow: #d55e00; --same: #595959; --ambiguous: #b07800;
  --invalid: #a8326f; --third: #00795a; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181b; --text: #e8e8e8; --soft: #a6a6a6; --line: #3b3f45;
  --bar: #1d4560; --band: #27506c; --curve: #56b4e9; --fast: #56b4e9; --slow: #ff8a3d; --same: #a6a6a6;
  --ambiguous: #e69f00; --invalid: #e58fbc; --third: #2bc39a; } }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1600px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1.05rem; }
a { color: var(--curve); }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: middle; }
thead th { white-space: nowrap; color: var(--soft); }
tbody th { font-weight: normal; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
.number { text-align: right; } .number, .mark { white-space: nowrap; }
.share { background: linear-gradient(to right, var(--bar) var(--share), transparent 0); }
.wide { overflow-x: auto; }
.beside { display: flex; flex-wrap: wrap; gap: 1rem 3rem; align-items: flex-start; }
.case, .verdict { min-width: 13rem; } .case, .code { overflow-wrap: anywhere; }
.code { font-family: ui-monospace, monospace; font-size: 12px; }
.soft { color: var(--soft); }
details { border: 1px solid var(--line); border-radius: 4px; margin: .4rem 0; padding: 0 .7rem; }
summary { cursor: pointer; padding: .35rem 0; } summary h2, summary h3 { display: inline; margin: 0; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; font-size: 13px; }
.counts { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem; padding: 0; }
.counts li { border: 1px solid var(--line); border-radius: 4px; padding: .3rem .8rem; }
.key { vertical-align: middle; }
figure { margin: .5rem 0; overflow-x: auto; }
svg { display: inline-block; }
.roofline { max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .rooflabel { fill: var(--text); }
.grid { stroke: var(--line); stroke-width: 1; }
.roof { stroke: var(--text); stroke-width: 1.6; }
.dash1 { stroke-dasharray: 7 4; } .dash2 { stroke-dasharray: 2 3; } .dash3 { stroke-dasharray: 9 3 2 3; }
.band { fill: var(--band); } .median { fill: none; stroke: var(--curve); stroke-width: 1.5; }
.last { fill: var(--curve); }
.fast { fill: var(--fast); } .slow { fill: var(--slow); } .same { fill: var(--same); }
.ambiguous { fill: var(--ambiguous); } .invalid, .timed_out { fill: var(--invalid); }
.family0 { fill: var(--fast); } .family1 { fill: var(--slow); } .family2 { fill: var(--third); }
.family3 { fill: var(--ambiguous); } .family4 { fill: var(--invalid); } .family5 { fill: var(--same); }
[class^=family] { fill-opacity: .8; stroke: var(--ground); stroke-width: .6; }
td .fast, td .slow, td .same, td .ambiguous, td .invalid { stroke: none; }
@media print { details:not([open]) > *:not(summary) { display: block; } }
)";

}  // namespace kigo::tools::perf
