// One message with what can be done with it.
import { el } from "./dom.js";
import { blocksOf } from "./blocks.js";
import { markdown, mrkdwn } from "./text.js";

const EMOJI = { "+1": "👍", "-1": "👎", white_check_mark: "✅", eyes: "👀", heart: "❤️" };

export function messageOf(message, state, deeds, { inThread }) {
  const names = { ...state.names, ...state.channel_names };
  const about = { channel: message.channel, ts: message.ts };
  const mine = message.user === state.me;
  const chosen = {};
  const context = {
    names,
    chosen,
    act: (action, choice) => deeds.does(choice === undefined
      ? { do: "press", action, chosen, ...about }
      : { do: "choose", action, choice, chosen, ...about }),
    rate: (good) => deeds.does({ do: "rate", good, ...about }),
  };
  const body = el("div", { className: "body" },
    el("div", { className: "head" },
      el("strong", {}, names[message.user] ?? "Slackbot"),
      message.bot_id && el("span", { className: "badge" }, "APP"),
      el("time", {}, new Date(Number(message.ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })),
      message.edited && el("small", {}, "(edited)"),
      message.is_ephemeral && el("small", {}, "Only visible to you")),
    said(message, names, context),
    (message.files ?? []).map((file) => el("div", { className: "file" }, `📎 ${file.title} (${file.size} bytes)`)),
    el("div", { className: "reactions" }, (message.reactions ?? []).map((each) => {
      const own = each.users.includes(state.me);
      return el("button", { type: "button", className: own ? "own" : "", onclick: () => deeds.does({ do: own ? "unreact" : "react", name: each.name, ...about }) },
        `${EMOJI[each.name] ?? `:${each.name}:`} ${each.count}`);
    })),
    !inThread && message.reply_count
      ? el("button", { type: "button", className: "replies", onclick: () => deeds.openThread(message.thread_ts) },
        message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`)
      : null);
  const tools = el("div", { className: "tools" }, message.is_ephemeral ? [] : [
    Object.entries(EMOJI).slice(0, 3).map(([name, shown]) => el("button", { type: "button", "aria-label": `React with ${name}`, onclick: () => deeds.does({ do: "react", name, ...about }) }, shown)),
    el("button", { type: "button", onclick: () => deeds.openThread(message.thread_ts ?? message.ts) }, "Reply"),
    mine && el("button", { type: "button", onclick: () => edit(message, body, about, deeds) }, "Edit"),
    mine && el("button", { type: "button", onclick: () => deeds.does({ do: "delete", ...about }) }, "Delete"),
  ]);
  return el("article", { className: message.bot_id ? "message bot" : "message", dataset: { ts: message.ts } }, body, tools);
}

function said(message, names, context) {
  if (message.streaming_state && message.streaming_state !== "errored") {
    return [
      el("div", { className: message.streaming_state === "in_progress" ? "streaming" : "streamed" }, markdown(message.text, names)),
      tasks(message),
      blocksOf(message.blocks, context),
    ];
  }
  if (message.blocks) return blocksOf(message.blocks, context);
  return message.streaming_state ? markdown(message.text, names) : mrkdwn(message.text, names);
}

function tasks(message) {
  const marks = { complete: "✓", error: "✗", in_progress: "…", pending: "·" };
  return (message.chunks ?? []).filter((chunk) => chunk.title).map((chunk) =>
    el("div", { className: "task" }, `${marks[chunk.status] ?? ""} ${chunk.title}`));
}

function edit(message, body, about, deeds) {
  const field = el("textarea", { rows: 2, "aria-label": "Edit the message" });
  field.value = message.text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  const form = el("form", { onsubmit: (event) => {
    event.preventDefault();
    deeds.does({ do: "edit", text: field.value, ...about });
  } }, field, el("button", { className: "primary" }, "Save"));
  body.replaceChildren(form);
  field.focus();
}

