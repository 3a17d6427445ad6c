/** What every page has in common: self-contained, no script, no request, light and dark. */
import { safe } from './style.ts';

const SIGNS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Data made harmless for HTML, in text and in attributes. */
export const escaped = (text: string): string => safe(text).replace(/[&<>"']/g, (sign) => SIGNS[sign] ?? sign);

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6877;--line:#dde3ea;--paper:#fff;--card:#f6f8fa;--red:#b3261e;--yellow:#8a5a00;--green:#1c7a3e;--none:#e4e9ee;
--s1:#2f6fd0;--s2:#d9822b;--s3:#2a9d6f;--s4:#8c5bc7;--s5:#c2416b;--s6:#6b7785}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9aa8b8;--line:#2c3742;--paper:#131a21;--card:#1b242d;--red:#ff8a80;--yellow:#f0c060;--green:#6fd394;--none:#27323c;
--s1:#6aa5f7;--s2:#f0a55a;--s3:#5fd0a0;--s4:#b892ea;--s5:#ee86a6;--s6:#a2aebb}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;max-width:1100px;padding:2rem 1.25rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}p{margin:.25rem 0}.soft{color:var(--soft)}
.red{color:var(--red)}.yellow{color:var(--yellow)}.green{color:var(--green)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}th{font-weight:600;color:var(--soft);white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}.scroll{overflow-x:auto}svg{max-width:100%;height:auto}`;

/** `body` is HTML whose data went through `escaped`. */
export const page = (title: string, style: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escaped(title)}</title><style>${STYLE}${style}</style></head><body>${body}</body></html>\n`;
