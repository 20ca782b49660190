// The look of what was said.

export const logStyles = `
.log {
  grid-area: 2 / 1; display: flex; flex-direction: column; padding: 12px 16px 8px;
  overflow-y: auto; overscroll-behavior: contain; scrollbar-width: thin; scrollbar-color: var(--line) transparent;
}
.log:focus-visible { outline-offset: -3px; }
.space { flex: 1; }
.finished, .open { display: flex; flex-direction: column; }
.day {
  align-self: center; margin: 14px 0 4px; font-size: 12.5px; font-weight: 550; color: var(--quiet);
}

.message { display: flex; flex-direction: column; align-items: flex-start; max-width: 100%; margin-block-start: 3px; animation: appear .22s ease-out; }
@keyframes appear { from { opacity: 0; transform: translateY(6px); } }
.message.first { margin-block-start: 14px; }
.message.user { align-items: flex-end; }
.bubble {
  max-width: min(86%, 34em); padding: 9px 14px; border-radius: 18px; background: var(--raised); color: var(--ink);
  overflow-wrap: anywhere; unicode-bidi: plaintext;
}
.bot .bubble { border-start-start-radius: 6px; border-end-start-radius: 6px; }
.bot.first .bubble { border-start-start-radius: 18px; }
.bot.last .bubble { border-end-start-radius: 6px; }
.user .bubble { background: var(--accent); color: var(--on-accent); white-space: pre-wrap; border-start-end-radius: 6px; border-end-end-radius: 6px; }
.user.first .bubble { border-start-end-radius: 18px; }
.user.failed .bubble { background: var(--raised); color: var(--ink); box-shadow: inset 0 0 0 1.5px var(--bad); }

.foot {
  display: none; align-items: center; flex-wrap: wrap; gap: 4px; margin: 3px 6px 0;
  font-size: 12.5px; line-height: 1.35; color: var(--quiet);
}
.last > .foot:not(:empty), .failed > .foot, .waiting > .foot { display: flex; }
.foot .icon { width: 14px; height: 14px; stroke-width: 2.4; }
.failed > .foot { color: var(--bad); justify-content: flex-end; }
.why { display: flex; gap: 5px; }
.why .icon { margin-block-start: 1px; }
.retry { min-height: 44px; padding: 0 10px; margin-block: -10px; font-weight: 600; color: var(--accent-ink); text-decoration: underline; text-underline-offset: 2px; }

.bubble p, .bubble ul, .bubble ol, .bubble pre { margin: 0; }
.bubble > :not(:first-child) { margin-block-start: 8px; }
.bubble ul, .bubble ol { padding-inline-start: 1.35em; }
.bubble li + li { margin-block-start: 3px; }
.bubble a { color: var(--accent-ink); text-decoration: underline; text-underline-offset: 2px; }
.bubble code { padding: .1em .35em; border-radius: 5px; background: light-dark(rgb(20 24 40 / .08), rgb(255 255 255 / .1)); font: .9em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.bubble pre { padding: 10px 12px; border-radius: 10px; overflow-x: auto; background: light-dark(#fff, #17191e); }
.bubble pre code { padding: 0; background: none; }
.bubble img { display: block; max-width: 100%; max-height: 240px; border-radius: 10px; background: var(--line); }
.streaming .bubble > :last-child:not(ul, ol)::after,
.streaming .bubble > :is(ul, ol):last-child > li:last-child::after {
  content: ""; display: inline-block; width: .5em; height: 1em; margin-inline-start: 3px; vertical-align: -.15em;
  border-radius: 2px; background: var(--accent-ink); animation: blink 1.1s steps(2, jump-none) infinite;
}
@keyframes blink { from { opacity: 1; } to { opacity: .15; } }

.card { padding: 12px 14px; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); }
.card > :not(:first-child) { margin-block-start: 8px; }
.card-title { font-weight: 650; }
.card dl { display: grid; grid-template-columns: auto 1fr; gap: 5px 14px; margin-block-end: 0; }
.card dt { color: var(--quiet); }
.card dd { margin: 0; text-align: end; font-variant-numeric: tabular-nums; font-weight: 550; }
.bubble .file { display: inline-flex; align-items: center; gap: 8px; min-height: 44px; padding: 6px 14px 6px 10px; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); text-decoration: none; font-weight: 550; }

.bubble .citations { padding-block-start: 8px; border-block-start: 1px solid var(--line); font-size: 13px; color: var(--quiet); }
.citations summary { cursor: pointer; min-height: 24px; }
.citations blockquote { margin: 4px 0 2px; padding-inline-start: 10px; border-inline-start: 2px solid var(--line); white-space: pre-line; }

.choices { display: flex; flex-wrap: wrap; gap: 8px; margin-block-start: 8px; max-width: 100%; }
.choice {
  min-height: 44px; padding: 8px 16px; border: 1.5px solid var(--accent-ink); border-radius: 22px;
  background: var(--surface); color: var(--accent-ink); font-size: 14.5px; font-weight: 600; line-height: 1.3; text-align: center;
  transition: background .15s, color .15s; overflow-wrap: anywhere;
}
.choice:hover:not(:disabled) { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.choice:disabled { border-color: var(--line); color: var(--quiet); }
.choice.pressed:disabled { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }

.dots { display: flex; align-items: center; gap: 5px; height: 41px; padding-inline: 16px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--quiet); animation: nod 1.2s ease-in-out infinite; }
.dots i:nth-child(2) { animation-delay: .15s; }
.dots i:nth-child(3) { animation-delay: .3s; }
@keyframes nod { 0%, 60%, 100% { transform: none; opacity: .5; } 30% { transform: translateY(-4px); opacity: 1; } }
.typing { margin-block-start: 14px; }

.newer {
  grid-area: 2 / 1; align-self: end; justify-self: center; z-index: 1; margin-block-end: 10px;
  display: grid; place-items: center; width: 44px; height: 44px; border-radius: 50%;
  background: var(--surface); color: var(--ink); box-shadow: var(--shadow);
}
`;
