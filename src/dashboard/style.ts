/** The one style sheet: no image, no font from elsewhere, light and dark by the reader's own setting. */
export const STYLE_CSS = `
:root{color-scheme:light dark;--bg:#f6f7f9;--surface:#fff;--raised:#fafbfc;--line:#dde2e8;--strong:#c4ccd6;--text:#18202a;--muted:#566170;--accent:#1c5bb8;--accent-text:#fff;--bar:#5b8fd9;--good:#146c43;--good-bg:#e6f4ec;--warn:#7d5200;--warn-bg:#fdf3dc;--bad:#b3261e;--bad-bg:#fdeceb;--badbar:#d9534a;--calm-bg:#edf1f6;--focus:#1c5bb8}
@media(prefers-color-scheme:dark){:root{--bg:#0e1217;--surface:#151b22;--raised:#1a212a;--line:#28313c;--strong:#3b4755;--text:#e4e9ef;--muted:#9aa7b5;--accent:#8ab8ff;--accent-text:#0b1622;--bar:#4f86d1;--good:#7fd3a3;--good-bg:#12291d;--warn:#eec06a;--warn-bg:#2b220f;--bad:#ff9d94;--bad-bg:#331816;--badbar:#e0695f;--calm-bg:#202934;--focus:#8ab8ff}}
*{box-sizing:border-box}
html{font:14px/1.5 Inter,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Open Sans",Arial,sans-serif;background:var(--bg);color:var(--text);-webkit-text-size-adjust:100%}
body{margin:0}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:3px}
main:focus{outline:none}
p a:not(.button){text-decoration:underline;text-underline-offset:2px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--surface);padding:8px 12px;z-index:2}
.top{display:flex;align-items:center;gap:10px;padding:10px 24px;background:var(--surface);border-bottom:1px solid var(--line);min-height:52px}
.brand{display:inline-flex;align-items:center;gap:8px;font-weight:650;color:var(--text);letter-spacing:-.01em}
.where{display:inline-flex;gap:10px;min-width:0;font-weight:550}
.who{margin-left:auto;display:flex;align-items:center;gap:12px;color:var(--muted);min-width:0}
.who form{margin:0}
.tabs{display:flex;gap:4px;padding:0 16px;background:var(--surface);border-bottom:1px solid var(--line);overflow-x:auto}
.tabs a{padding:10px 10px 8px;color:var(--muted);border-bottom:2px solid transparent;white-space:nowrap}
.tabs a:hover{color:var(--text);text-decoration:none}
.tabs a[aria-current]{color:var(--text);border-color:var(--accent);font-weight:600}
.tabs a:focus-visible{outline-offset:-3px}
main{max-width:1240px;margin:0 auto;padding:20px 24px 56px}
h1{font-size:20px;line-height:1.3;font-weight:650;letter-spacing:-.015em;margin:0}
h2{font-size:14px;font-weight:650;margin:0}
h3{font-size:13px;font-weight:650;margin:16px 0 6px}
p{margin:0 0 10px;max-width:75ch}
.page-head{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;margin-bottom:16px;min-height:32px}
.page-head .aside{margin-left:auto;display:flex;flex-wrap:wrap;align-items:center;gap:8px 12px}
.muted,.hint,.note{color:var(--muted)}
.panel{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:14px 16px 16px;margin-bottom:16px;min-width:0}
.panel>.head{display:flex;flex-wrap:wrap;align-items:center;gap:6px 12px;margin-bottom:10px}
.panel>.head .aside{margin-left:auto;color:var(--muted);display:flex;flex-wrap:wrap;gap:8px;align-items:center}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 16px;align-items:start}
.stats{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));background:var(--surface);border:1px solid var(--line);border-radius:8px;overflow:hidden;margin:0 0 16px}
.stat{padding:12px 16px;border:solid var(--line);border-width:0 1px 1px 0;margin:0 -1px -1px 0}
.stat dt{color:var(--muted);font-size:12.5px}
.stat dd{margin:2px 0 0}
.stat .value{font-size:22px;font-weight:620;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.stat .unit{color:var(--muted)}
.stat .note{display:block;font-size:12.5px}
.stat.bad .value{color:var(--bad)}.stat.warn .value{color:var(--warn)}.stat.good .value{color:var(--good)}
.meter{display:block;width:100%;height:6px;margin-top:6px;border-radius:3px}
.meter .rest{fill:var(--calm-bg)}.meter .part{fill:var(--bar)}.meter.warn .part{fill:var(--warn)}.meter.bad .part{fill:var(--badbar)}
.scroll{position:relative;overflow-x:auto;margin:0 -16px;padding:0 16px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;font-size:12.5px;color:var(--muted);white-space:nowrap;border-bottom:1px solid var(--strong)}
th,td{padding:6px 16px 6px 0;vertical-align:top}
th:last-child,td:last-child{padding-right:0}
td{border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
td time{white-space:nowrap}
.number{text-align:right}
th.number,td.number{padding-right:24px;white-space:nowrap}th.number:last-child,td.number:last-child{padding-right:0}
td button{white-space:nowrap}
.name{overflow-wrap:anywhere}
.name.brief{white-space:pre}
td .name:not(.brief){display:inline-block;min-width:18ch}
.name.short{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;max-width:34ch;display:inline-block;vertical-align:bottom}
code,pre,.code,textarea.code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{overflow-wrap:anywhere}td>span>code,td>a>code{white-space:nowrap}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:0 0 10px;max-height:420px;overflow:auto}
.badge{display:inline-block;padding:0 7px;border-radius:10px;font-size:12px;font-weight:600;line-height:20px;white-space:nowrap}
.badge.good{background:var(--good-bg);color:var(--good)}.badge.bad{background:var(--bad-bg);color:var(--bad)}.badge.warn{background:var(--warn-bg);color:var(--warn)}.badge.calm{background:var(--calm-bg);color:var(--muted)}
.alert{border:1px solid var(--line);border-left-width:4px;border-radius:6px;background:var(--surface);padding:10px 14px;margin-bottom:16px;overflow-wrap:anywhere}
.alert.bad{border-color:var(--bad)}.alert.good{border-color:var(--good)}.alert.warn{border-color:var(--warn)}
.alert p:last-child{margin:0}
.empty{color:var(--muted);margin:4px 0}
button,.button{font:inherit;font-weight:600;border:1px solid var(--accent);background:var(--accent);color:var(--accent-text);border-radius:6px;padding:4px 12px;min-height:32px;cursor:pointer;display:inline-block}
button:hover,.button:hover{filter:brightness(1.08);text-decoration:none}
button.quiet,.button.quiet{background:transparent;color:var(--text);border-color:var(--strong)}
button.danger{background:transparent;color:var(--bad);border-color:var(--bad)}
button:disabled{opacity:.6;cursor:default}
.choice{display:inline-flex;flex-wrap:wrap;border:1px solid var(--strong);border-radius:6px;overflow:hidden}
.choice a{padding:4px 11px;color:var(--muted);border-right:1px solid var(--line);line-height:22px}
.choice a:last-child{border-right:0}.choice a:hover{text-decoration:none;color:var(--text)}
.choice a[aria-current]{background:var(--calm-bg);color:var(--text);font-weight:600}
.choice a:focus-visible{outline-offset:-2px}
.field{margin-bottom:12px;min-width:0}
.field label{display:block;font-weight:600;margin-bottom:3px}
.field .hint{font-size:12.5px;margin:3px 0 0}
input,select,textarea{font:inherit;color:var(--text);background:var(--surface);border:1px solid var(--strong);border-radius:6px;padding:4px 9px;min-height:32px;width:100%;max-width:100%}
textarea{min-height:76px;resize:vertical}
textarea.code{min-height:260px}
input[type=checkbox]{width:auto;min-height:0;margin:0 6px 0 0}
.fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:0 14px;align-items:start}
.row{display:flex;flex-wrap:wrap;gap:8px;align-items:center}
.row form{margin:0}.row select{width:auto}
.chart{display:grid;grid-template-columns:auto minmax(0,1fr);column-gap:8px}
.chart svg{display:block;width:100%;height:200px;border-bottom:1px solid var(--strong);overflow:visible}
.chart .axis{display:flex;flex-direction:column;justify-content:space-between;height:200px;font-size:11.5px;color:var(--muted);text-align:right;font-variant-numeric:tabular-nums;line-height:1;transform:translateY(-5px)}
.chart .along{grid-column:2;display:flex;justify-content:space-between;font-size:11.5px;color:var(--muted);padding-top:4px}
.chart .grid-line{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.chart .granted{fill:var(--bar)}.chart .refused{fill:var(--badbar)}
.chart g:hover rect{opacity:.75}
.chart .limit{stroke:var(--text);stroke-width:1.5;stroke-dasharray:6 4;vector-effect:non-scaling-stroke}
.chart.small svg,.chart.small .axis{height:96px}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--muted);font-size:12.5px;margin:10px 0 0;padding:0;list-style:none}
.legend svg{width:14px;height:10px;vertical-align:0;margin-right:6px}
.legend .granted{fill:var(--bar)}.legend .refused{fill:var(--badbar)}.legend .limit{stroke:var(--text);stroke-width:2;stroke-dasharray:4 2}
.sign{max-width:440px;margin:8vh auto 0}
.sign .panel{padding:22px 24px}
.sign h1{margin-bottom:6px}
details{margin-top:10px}summary{cursor:pointer;color:var(--accent);width:fit-content}
dl.facts{display:grid;grid-template-columns:minmax(110px,auto) minmax(0,1fr);gap:5px 18px;margin:0}
dl.facts dt{color:var(--muted)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.bars{list-style:none;margin:0;padding:0}
.bars li{padding:5px 0;border-bottom:1px solid var(--line)}.bars li:last-child{border-bottom:0}
.bars .line{display:flex;gap:12px;justify-content:space-between}
.bars .line .number{white-space:nowrap;font-variant-numeric:tabular-nums}
.diff{display:grid;grid-template-columns:1fr 1fr;gap:12px}
.live{display:inline-flex;gap:8px;align-items:center;color:var(--muted);font-size:12.5px}
.live button{min-height:26px;padding:0 9px;font-size:12.5px}
@media(max-width:820px){.grid,.diff{grid-template-columns:minmax(0,1fr)}main{padding:14px 14px 40px}.top{padding:8px 14px;flex-wrap:wrap}.tabs{padding:0 6px}.panel{padding:12px 14px}.scroll{margin:0 -14px;padding:0 14px}.page-head .aside,.panel>.head .aside{margin-left:0}.who .name.brief{white-space:pre}
td .name:not(.brief){display:inline-block;min-width:18ch}
.name.short{max-width:14ch}}
@media print{.tabs,.who,.live,button{display:none}}
@media(forced-colors:active){.badge,.choice a[aria-current]{border:1px solid}}
`;
