// The look, as constructed style sheets: they need no inline styles, and the host page's do not reach them.

import { logStyles } from "./styles-log.js";

const panelStyles = `
:host {
  all: initial;
  color-scheme: light dark;
  --accent-on-light: #3451b2;
  --accent-on-dark: #5b78dc;
  --ink-on-light-accent: #fff;
  --ink-on-dark-accent: #fff;
  --accent-ink-on-light: #3451b2;
  --accent-ink-on-dark: #a9bbff;
  --accent: light-dark(var(--accent-on-light), var(--accent-on-dark));
  --on-accent: light-dark(var(--ink-on-light-accent), var(--ink-on-dark-accent));
  --accent-ink: light-dark(var(--accent-ink-on-light), var(--accent-ink-on-dark));
  --surface: light-dark(#fff, #1c1e24);
  --raised: light-dark(#f1f2f5, #2c2f38);
  --ink: light-dark(#1a1c21, #eceef2);
  --quiet: light-dark(#5d626d, #a8adb8);
  --line: light-dark(#e3e5ea, #363a45);
  --edge: light-dark(#7d828e, #858b98);
  --bad: light-dark(#b3261e, #ff9a90);
  --good: light-dark(#1c8a4b, #4cc380);
  --shadow: 0 0 0 1px light-dark(rgb(20 24 40 / .06), rgb(255 255 255 / .07)),
    0 12px 32px light-dark(rgb(20 24 40 / .16), rgb(0 0 0 / .5)), 0 2px 8px rgb(20 24 40 / .08);
  font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: var(--ink);
  text-align: start;
  -webkit-text-size-adjust: 100%;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
button, textarea { font: inherit; color: inherit; margin: 0; }
button { cursor: pointer; border: 0; background: none; padding: 0; }
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--accent-ink); outline-offset: 2px; }
.icon { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.launcher {
  position: fixed; z-index: 2147483000; inset-block-end: 20px; inset-inline-end: 20px;
  display: grid; place-items: center; width: 60px; height: 60px; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); box-shadow: var(--shadow);
  transition: transform .2s cubic-bezier(.3, 1.4, .6, 1);
}
.launcher:hover { transform: scale(1.06); }
.launcher:active { transform: scale(.96); }
.launcher .icon { grid-area: 1 / 1; width: 28px; height: 28px; transition: opacity .18s, transform .25s; }
.launcher .icon-down, .launcher.opened .icon-chat { opacity: 0; transform: rotate(-60deg) scale(.6); }
.launcher.opened .icon-down { opacity: 1; transform: none; }
.badge {
  position: absolute; inset-block-start: -3px; inset-inline-end: -3px; min-width: 23px; height: 23px; padding: 0 6px;
  display: grid; place-items: center; border-radius: 12px; background: #c62828; color: #fff;
  font-size: 12.5px; font-weight: 650; line-height: 1; box-shadow: 0 0 0 2px var(--surface);
}

.panel {
  position: fixed; z-index: 2147483001; inset-block-end: 96px; inset-inline-end: 20px;
  display: grid; grid-template: auto minmax(0, 1fr) auto auto / minmax(0, 1fr);
  width: min(400px, calc(100vw - 40px)); height: min(660px, calc(100dvh - 120px));
  border-radius: 20px; overflow: hidden; background: var(--surface); box-shadow: var(--shadow);
  animation: rise .28s cubic-bezier(.2, .9, .3, 1);
  transform-origin: 100% 100%;
}
@keyframes rise { from { opacity: 0; transform: translateY(14px) scale(.97); } }

.header {
  display: flex; align-items: center; gap: 12px; padding: 14px 12px 14px 18px;
  padding-inline: 18px 12px; border-block-end: 1px solid var(--line);
}
.avatar {
  position: relative; flex: none; display: grid; place-items: center; width: 42px; height: 42px; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); font-size: 18px; font-weight: 650;
}
.avatar::after {
  content: ""; position: absolute; inset-block-end: 0; inset-inline-end: 0; width: 11px; height: 11px;
  border-radius: 50%; background: var(--good); box-shadow: 0 0 0 2.5px var(--surface);
}
.avatar[data-state="connecting"]::after { background: #d99a1c; }
.avatar[data-state="offline"]::after, .avatar[data-state="refused"]::after { background: var(--edge); }
.names { flex: 1; min-width: 0; }
.title { margin: 0; font-size: 16px; font-weight: 650; line-height: 1.3; letter-spacing: -.005em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.status { margin: 0; font-size: 13px; line-height: 1.35; color: var(--quiet); }
.closer { display: grid; place-items: center; width: 44px; height: 44px; border-radius: 12px; color: var(--quiet); }
.closer:hover { background: var(--raised); color: var(--ink); }
.closer .icon { width: 20px; height: 20px; }

.suggestions { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; padding: 4px 16px 12px; }

.composer {
  display: flex; align-items: flex-end; gap: 4px; margin: 4px 12px 12px; padding: 4px;
  border: 1px solid var(--edge); border-radius: 26px; background: var(--surface); transition: border-color .15s, box-shadow .15s;
}
.composer:focus-within { border-color: var(--accent-ink); box-shadow: 0 0 0 1px var(--accent-ink); }
.composer textarea {
  flex: 1; min-width: 0; min-height: 44px; padding: 10px 6px 10px 14px; padding-inline: 14px 6px;
  border: 0; outline: 0; background: none; resize: none; font-size: 16px; line-height: 24px;
  scrollbar-width: thin;
}
.composer textarea::placeholder { color: var(--quiet); opacity: 1; }
.send { flex: none; display: grid; place-items: center; width: 44px; height: 44px; border-radius: 50%; background: var(--accent); color: var(--on-accent); transition: background .15s, color .15s; }
.send:disabled { background: var(--raised); color: var(--quiet); }
.send .icon { width: 21px; height: 21px; }
.send.stop { background: var(--ink); color: var(--surface); }
.send.stop .icon { fill: currentColor; stroke-width: 1; }

@media (max-width: 520px), (max-height: 480px) {
  .panel { inset: 0; width: 100%; height: 100dvh; border-radius: 0; box-shadow: none; }
  .header { padding-block: max(10px, env(safe-area-inset-top)) 10px; }
  .composer { margin-block-end: max(12px, env(safe-area-inset-bottom)); }
  .launcher.opened { display: none; }
}
@media (max-width: 340px), (max-height: 340px) {
  .avatar { display: none; }
  .header { padding-block: 2px; }
  .log { padding-block: 4px; }
  .suggestions { flex-wrap: nowrap; overflow-x: auto; justify-content: flex-start; padding: 2px 12px 4px; scrollbar-width: none; }
  .suggestions .choice { flex: none; white-space: nowrap; }
  .composer { margin: 2px 6px 6px; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  .panel, .bubble, .choice, .launcher { border: 1px solid; }
}
@media print { :host { display: none; } }
`;

/** One sheet for each part, made once for all chats of the page. */
let sheets = null;

export function styles() {
  sheets ??= [panelStyles, logStyles].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  return sheets;
}
