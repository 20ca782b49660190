// The page: it reads the whole state after each change, and draws again what has become different.
import { el } from "./dom.js";
import { composer } from "./composer.js";
import { messageOf } from "./message.js";
import { homeOf, showView } from "./modal.js";

const at = (id) => document.getElementById(id);
const place = { user: sessionStorage.getItem("user") ?? "", channel: null, thread: null, home: false };
const drawn = new WeakMap();
let state = null;

const deeds = {
  async does(deed) {
    const answer = await (await fetch("/page/do", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: state.me, ...deed }),
    })).json();
    const said = answer.ok ? answer.failure : [answer.error, ...(answer.response_metadata?.messages ?? [])].join(" ");
    at("trouble").hidden = !said;
    at("trouble").textContent = said ? `The app did not take it: ${said}` : "";
    await refresh();
    return answer;
  },
  openThread(ts) {
    place.thread = ts;
    draw();
    at("thread-composer").querySelector("textarea").focus();
  },
};

let asked = false;
let asking = null;
async function refresh() {
  asked = true;
  asking ??= (async () => {
    while (asked) {
      asked = false;
      state = await (await fetch(`/page/state?user=${encodeURIComponent(place.user)}`)).json();
      draw();
    }
    asking = null;
  })();
  await asking;
}

function draw() {
  place.user = state.me;
  const channels = state.channels;
  if (!channels.some((each) => each.id === place.channel)) place.channel = state.app?.dm ?? channels[0]?.id ?? null;
  const channel = channels.find((each) => each.id === place.channel);
  at("workspace").textContent = state.workspace;
  drawPeople();
  at("channels").replaceChildren(...channels.map((each) => el("li", {},
    el("button", { type: "button", className: each.id === place.channel && !place.home ? "current" : "", onclick: () => go(each.id) },
      `${each.kind === "channel" ? "#" : each.kind === "private" ? "🔒" : "●"} ${each.name}`))));
  drawApp();
  at("title").textContent = place.home ? `${state.app?.name} – Home` : channel?.name ?? "";
  at("composer").hidden = place.home;
  if (place.home) {
    at("timeline").replaceChildren(...homeOf(state.home, state, deeds));
    drawn.delete(at("timeline"));
  } else {
    const messages = channel?.messages ?? [];
    list(at("timeline"), messages.filter((each) => !isReply(each) || each.subtype === "thread_broadcast"), false);
    under(at("under-timeline"), null);
    const replies = messages.filter((each) => each.ts === place.thread || each.thread_ts === place.thread);
    at("thread").hidden = place.thread === null || !replies.length;
    if (!at("thread").hidden) {
      list(at("replies"), replies, true);
      under(at("under-replies"), place.thread);
    }
  }
  showView(at("modal"), state.view, state, deeds);
}

function isReply(message) {
  return message.thread_ts && message.thread_ts !== message.ts;
}

function drawPeople() {
  const options = state.people.map((each) => el("option", { value: each.id }, `${each.name} (${each.workspace})`));
  if (at("person").length !== options.length) at("person").replaceChildren(...options);
  at("person").value = state.me;
}

function drawApp() {
  const box = at("app");
  const key = JSON.stringify([state.app, state.install_url]);
  if (drawn.get(box) === key) return;
  drawn.set(box, key);
  const button = (label, deed) => el("button", { type: "button", onclick: () => deeds.does(deed) }, label);
  if (!state.app) {
    box.replaceChildren(el("p", {}, "The app is not installed."),
      state.install_url ? el("a", { className: "button", href: state.install_url }, "Install") : "",
      button("Install without asking", { do: "install" }));
    return;
  }
  box.replaceChildren(el("h2", {}, state.app.name),
    el("button", { type: "button", onclick: () => { go(state.app.dm); void deeds.does({ do: "open", looking_at: null }); } }, "Open as agent"),
    el("button", { type: "button", onclick: () => { place.home = true; void deeds.does({ do: "open", tab: "home" }); } }, "Home"),
    button("Uninstall", { do: "uninstall" }));
}

// Draw the messages that are new or have changed; the others keep their elements, and what is chosen in them.
function list(box, messages, inThread) {
  const old = drawn.get(box) ?? new Map();
  const now = new Map();
  for (const message of messages) {
    const key = JSON.stringify([state.me, message]);
    const kept = old.get(message.ts);
    now.set(message.ts, kept?.key === key ? kept : { key, node: messageOf(message, state, deeds, { inThread }) });
  }
  const nodes = [...now.values()].map((each) => each.node);
  const same = nodes.length === box.children.length && nodes.every((node, index) => node === box.children[index]);
  drawn.set(box, now);
  if (same) return;
  box.replaceChildren(...nodes);
  box.scrollTop = box.scrollHeight;
}

// What the app shows below a thread: its status, prompts, and Stop.
function under(box, ts) {
  const threads = state.threads.filter((each) => each.channel === place.channel && (ts === null || each.ts === ts || each.ts === ""));
  const key = JSON.stringify(threads);
  if (drawn.get(box) === key) return;
  drawn.set(box, key);
  box.replaceChildren(...threads.flatMap((each) => [
    each.title && ts !== null ? el("div", { className: "thread-title" }, each.title) : "",
    each.status ? el("div", { className: "status" }, `${state.app?.name ?? ""} ${each.status}`) : "",
    each.session === "processing" && state.app?.can_be_stopped
      ? el("button", { type: "button", className: "stop", onclick: () => deeds.does({ do: "stop", channel: each.channel, thread: each.ts }) }, "Stop")
      : "",
    ...each.prompts.map((prompt) => el("button", { type: "button", className: "prompt", onclick: () =>
      deeds.does({ do: "write", text: prompt.message, channel: place.channel, thread: each.ts || null }) }, prompt.title)),
  ]));
}

function go(channel) {
  place.channel = channel;
  place.thread = null;
  place.home = false;
  draw();
}

at("person").addEventListener("change", () => {
  place.user = at("person").value;
  place.channel = place.thread = null;
  place.home = false;
  sessionStorage.setItem("user", place.user);
  void refresh();
});
at("close-thread").addEventListener("click", () => { place.thread = null; draw(); });
at("modal").addEventListener("cancel", (event) => { event.preventDefault(); void deeds.does({ do: "close" }); });
at("composer").append(composer(deeds, { label: "Write a message", where: () => ({ channel: place.channel, thread: null }) }));
at("thread-composer").append(composer(deeds, { label: "Reply", where: () => ({ channel: place.channel, thread: place.thread }) }));

await refresh();
new EventSource("/page/changes").addEventListener("message", () => void refresh());
document.documentElement.dataset.ready = "";
