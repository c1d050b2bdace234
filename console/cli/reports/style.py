"""How a report looks, on a screen and on A4."""

STYLE = """
:root { --ink: #1d2733; --soft: #64748b; --rule: #dbe2ea; --heat: #c2410c; --cool: #0369a1;
  --sheet: #fff; --around: #eef2f6; --accepted: #fef3c7; --rest: #e2e8f0; --spread: #fed7aa; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--around); color: var(--ink); font: 14px/1.45 system-ui, "DejaVu Sans", sans-serif; }
section { background: var(--sheet); max-width: 210mm; margin: 8mm auto; padding: 12mm 14mm; page-break-after: always; }
section:last-child { page-break-after: auto; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 22px 0 6px; }
h3 { font-size: 14px; margin: 12px 0 4px; }
.lead { color: var(--soft); margin: 0 0 14px; } .note { color: var(--soft); font-size: 12px; }
.tiles { display: flex; gap: 10px; margin: 8px 0; }
.tile { flex: 1; border: 1px solid var(--rule); border-radius: 6px; padding: 8px 10px; }
.tile span { display: block; color: var(--soft); font-size: 12px; } .tile b { font-size: 18px; }
.tile small { display: block; font-weight: normal; font-size: 12px; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--rule); font-weight: normal; }
th:first-child { text-align: left; } thead th { color: var(--soft); font-size: 12px; }
.acts td, .told td { text-align: left; } .told th { white-space: nowrap; vertical-align: top; }
.acts th { white-space: nowrap; }
figure { margin: 10px 0; page-break-inside: avoid; } figcaption { font-size: 13px; font-weight: 600; }
.unit { color: var(--soft); font-weight: normal; } svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--rule); } .zero { stroke: var(--ink); } .tick { font-size: 10px; fill: var(--soft); }
.row { font-size: 12px; fill: var(--ink); } .interval { stroke: var(--cool); stroke-width: 3; }
.mean { fill: var(--cool); }
polyline { fill: none; stroke-width: 1.8; } .price { stroke: var(--ink); } .would { stroke: var(--heat); }
.load { stroke: var(--cool); } .own { stroke: var(--soft); stroke-dasharray: 4 3; }
.limit { stroke: var(--heat); stroke-width: 1.2; } .spread { fill: var(--spread); }
.line { display: inline-block; width: 18px; height: 0; margin: 0 5px 3px 0; border-top: 2px solid var(--ink); }
.line.load { border-color: var(--cool); } .line.own { border-top: 2px dashed var(--soft); }
.line.limit, .line.room { border-color: var(--heat); } .key.band { background: var(--accepted); }
.key.spread { background: var(--spread); }
.room { stroke: var(--heat); } .band { fill: var(--accepted); } .paid { fill: #7dd3fc; }
.meter { fill: #0369a1; background: #0369a1; } .counter { fill: #0284c7; background: #0284c7; }
.power { fill: #38bdf8; background: #38bdf8; }
.total { fill: #a5b4fc; background: #a5b4fc; } .model { fill: #cbd5e1; background: #cbd5e1; }
.mode-MIN { fill: #6366f1; background: #6366f1; } .mode-LOW { fill: var(--rest); background: var(--rest); }
.mode-MID { fill: #fb923c; background: #fb923c; } .mode-MAX { fill: #dc2626; background: #dc2626; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e5e9f0; --soft: #9fb0c3; --rule: #3b485a; --heat: #fb923c; --cool: #38bdf8;
    --sheet: #1b2430; --around: #0f151d; --accepted: #463c1c; --rest: #4b596b; --spread: #5b3a1e; }
}
@page { size: A4; margin: 10mm; }
@media print { body { background: #fff; } section { margin: 0; padding: 0; max-width: none; } }
"""
