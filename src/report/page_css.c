// SPDX-License-Identifier: MIT
/*
 * The page's style sheet. One column of text at a comfortable measure, figures wider than it; a
 * serif for reading, a sans serif for figures and tables, tabular digits; colours only where they
 * mean something. Narrow screens get their own drawing of each figure instead of a shrunk one.
 */
#include "report/page_parts.h"
#include "report/palette.h"

static const char colours[] =
	":root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--muted:#59616b;--rule:#d8dce1;"
	"--tint:#f6f7f8;--link:#0a5ea8;--good:#0b6b45;--good-bg:#e3f4ec;--bad:#a83200;"
	"--bad-bg:#fdeade;--open:#59616b;--open-bg:#eef0f2;--info:#0a5ea8;--info-bg:#e4f0fa;"
	"--serif:Charter,'Bitstream Charter','Iowan Old Style','Source Serif 4',Georgia,"
	"'Liberation Serif',serif;"
	"--sans:'Helvetica Neue',Arial,'Liberation Sans',system-ui,sans-serif;"
	"--mono:ui-monospace,'SF Mono',Menlo,Consolas,'Liberation Mono',monospace}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e8eaed;"
	"--muted:#a3abb5;--rule:#343b44;--tint:#1c2026;--link:#7cc0f2;--good:#6fd6ac;"
	"--good-bg:#12372a;--bad:#ffa574;--bad-bg:#432414;--open:#b3bac3;--open-bg:#2a3037;"
	"--info:#8cc8f5;--info-bg:#14304a}}\n";

static const char text[] =
	"*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
	"body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 var(--serif);"
	"overflow-wrap:break-word}"
	"main,header,footer{max-width:80rem;margin:0 auto;padding:0 clamp(1rem,4vw,3rem)}"
	"header{padding-top:clamp(1.5rem,5vw,4rem)}"
	"h1{font-size:clamp(1.7rem,4.2vw,2.6rem);line-height:1.15;font-weight:600;"
	"letter-spacing:-.01em;margin:.2rem 0 .8rem;max-width:24em;text-wrap:balance}"
	"h2{font-size:1.45rem;line-height:1.25;font-weight:600;margin:3.5rem 0 1rem;"
	"padding-top:1rem;border-top:1px solid var(--rule)}"
	"h3{font-size:1.06rem;line-height:1.35;font-weight:600;margin:0 0 .5rem}"
	"p{margin:.5rem 0;max-width:42rem}"
	".lead{font-size:1.12rem}"
	".kicker,.facts,nav,.note,footer,figcaption,table,details,.tally{font-family:var(--sans)}"
	".kicker{font-size:.8rem;letter-spacing:.06em;color:var(--muted);margin:0}"
	".note{font-size:.86rem;line-height:1.5;color:var(--muted)}"
	"a{color:var(--link);text-underline-offset:.15em;text-decoration-thickness:from-font}"
	":focus-visible{outline:2px solid var(--link);outline-offset:2px}"
	"code,pre{font-family:var(--mono);font-size:.8rem}"
	".facts{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:1.4rem 0;font-size:.88rem}"
	".facts div{display:flex;gap:.5rem}.facts dt{color:var(--muted)}.facts dd{margin:0}"
	".tally{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0;padding:0;list-style:none;"
	"font-size:.88rem}"
	"nav{font-size:.9rem;margin:1.2rem 0}nav a{margin-right:1.4rem;white-space:nowrap}"
	".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem}"
	"footer{font-size:.84rem;color:var(--muted);padding-bottom:3rem;margin-top:4rem}\n";

static const char figures[] =
	"section section{margin-top:3rem}section>figure,section>h3{margin-top:1.6rem}"
	".figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:2.8rem 3rem}"
	"figure{margin:0;min-width:0}figure.full{grid-column:1/-1}"
	"figure svg{display:block;width:100%;height:auto}"
	"figure.full svg{max-width:68rem}"
	"figcaption{margin-bottom:.6rem}"
	"figcaption h3{font-family:var(--serif)}"
	".narrow{display:none}.narrow svg{max-width:30rem}"
	"svg a{cursor:pointer}svg a:hover rect{opacity:.8}svg a:hover circle{stroke:currentColor}"
	"@media(max-width:62rem){.figures{grid-template-columns:minmax(0,1fr)}"
	"figure svg{max-width:46rem}}"
	"@media(max-width:40rem){.wide{display:none}.narrow{display:block}body{font-size:16px}}\n";

static const char tables[] =
	".scroll{overflow-x:auto;max-width:100%}"
	"table{border-collapse:collapse;font-size:.84rem;line-height:1.4;"
	"font-variant-numeric:tabular-nums lining-nums;margin:.6rem 0}"
	"th,td{padding:.32rem .75rem;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--rule)}"
	"th:first-child,td:first-child{padding-left:0}"
	"thead th{font-weight:600;border-bottom:1.5px solid var(--ink);vertical-align:bottom}"
	"th.n,td.n{text-align:right;white-space:nowrap}"
	"th small{display:block;font-weight:400;color:var(--muted)}"
	"td a{color:inherit;text-decoration-color:var(--rule)}"
	"tbody tr:hover{background:var(--tint)}"
	"details{font-size:.88rem;margin:.4rem 0}"
	"summary{cursor:pointer;color:var(--link);padding:.15rem 0}"
	".badge{display:inline-block;font:600 .8rem/1.5 var(--sans);padding:.02rem .55rem;"
	"border-radius:1rem;white-space:nowrap}"
	".good{color:var(--good);background:var(--good-bg)}.bad{color:var(--bad);"
	"background:var(--bad-bg)}.open{color:var(--open);background:var(--open-bg)}"
	".info{color:var(--info);background:var(--info-bg)}"
	"th.n{white-space:normal}.claims{width:100%}.claims td{text-wrap:pretty}.claims "
	"td{padding-top:.7rem;padding-bottom:.7rem}.claims "
	"td:nth-child(2){min-width:15rem}"
	".claims small{display:block;color:var(--muted);font-size:.8rem;margin-top:.2rem}"
	"@media(max-width:40rem){.claims thead{position:absolute;left:-99rem}"
	".claims,.claims tbody,.claims tr,.claims td{display:block;width:100%}"
	".claims tr{border-bottom:1px solid var(--rule);padding:.7rem 0}"
	".claims td,.claims td:nth-child(2){border:0;padding:.15rem 0;min-width:0}"
	".claims td[data-h]:not(:empty)::before{content:attr(data-h)\": \";color:var(--muted)}}\n";

static const char runs[] =
	".run{border-bottom:1px solid var(--rule);margin:0}"
	".run>summary{display:flex;flex-wrap:wrap;gap:.2rem 1.5rem;padding:.45rem 0;"
	"color:var(--ink);list-style:none}"
	".run>summary::-webkit-details-marker{display:none}"
	".run>summary::before{content:\"\\25b8\";color:var(--muted);width:.8rem;margin-right:-."
	"9rem}"
	".run[open]>summary::before{content:\"\\25be\"}"
	".run>summary code{font-size:.84rem;flex:1 1 16rem}"
	".run>summary span{color:var(--muted);font-variant-numeric:tabular-nums;white-space:nowrap}"
	".group{font-family:var(--serif);margin:1.8rem 0 .4rem}"
	"pre{background:var(--tint);padding:.8rem 1rem;overflow-x:auto;line-height:1.45;"
	"border-radius:.3rem;margin:.4rem 0 1rem}"
	"pre.command{white-space:pre-wrap;overflow-wrap:anywhere}"
	"@media print{body{font-size:10pt}header,main,footer{max-width:none;padding:0}"
	"nav,.skip,.data{display:none}a{color:inherit;text-decoration:none}"
	"figure,tr,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}"
	".figures{grid-template-columns:repeat(2,minmax(0,1fr));gap:1.5rem}"
	".wide{display:block}.narrow{display:none}"
	".badge{border:1px solid currentColor;background:none}pre{border:1px solid var(--rule)}}\n";

void page_css(FILE *out)
{
	fputs("<style>\n", out);
	fputs(colours, out);
	fputs(text, out);
	fputs(figures, out);
	fputs(tables, out);
	fputs(runs, out);
	palette_dark_css(out);
	fputs("</style>\n", out);
}
