// The list of messages. Finished ones are in a live region; what is still being written waits below it.

import { icon } from "./icons.js";
import { element, markdown } from "./markdown.js";
import { attached, choices, rich } from "./rich.js";

const SAME_BREATH_MS = 5 * 60_000;
const NEAR_END_PX = 80;

export class Log {
  /** `press(choice)` when a quick reply is used, `retry(entry)` for a message that was not sent. */
  constructor({ press, retry }) {
    this.press = press;
    this.retry = retry;
    this.nodes = new Map();
    this.greeting = null;
    this.finished = made("div", "finished", { role: "log", "aria-live": "polite", "aria-label": "Conversation" });
    this.open = made("div", "open");
    this.dots = made("div", "message bot typing", { role: "status" });
    const bubble = made("div", "bubble dots");
    bubble.append(made("i"), made("i"), made("i"));
    this.dots.append(bubble, hidden("is typing"));
    this.node = made("div", "log", { tabindex: "0" });
    this.node.append(made("div", "space"), this.finished, this.open);
    this.newer = made("button", "newer", { type: "button", hidden: "" });
    this.newer.append(icon("down"), hidden("Show the newest message"));
    this.newer.addEventListener("click", () => this.toEnd("smooth"));
    this.node.addEventListener("scroll", () => this.newer.toggleAttribute("hidden", this.isAtEnd));
  }

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  toEnd(behavior = "instant") {
    this.node.scrollTo({ top: this.node.scrollHeight, behavior });
    this.newer.hidden = true;
  }

  greet(text, name) {
    this.greeting = { key: "greeting", sender: "bot", content: text, type: "text", at: null, state: "done", name };
  }

  /** Bring the page in line with the conversation, touching only what changed. */
  show(conversation) {
    const wasAtEnd = this.isAtEnd;
    const entries = this.greeting ? [this.greeting, ...conversation.entries] : conversation.entries;
    const last = conversation.lastSaid;
    const finished = [];
    const open = [];
    entries.forEach((entry, at) => {
      const before = entries[at - 1];
      const after = entries[at + 1];
      const answer = entry === last || !after ? null : after.sender === "user" ? String(after.content) : "";
      const node = this.nodeOf(entry, answer);
      const isNewDay = entry.at && (!before?.at || entry.at.toDateString() !== before.at.toDateString());
      node.classList.toggle("first", isNewDay || !isTogether(before, entry));
      node.classList.toggle("last", !isTogether(entry, after));
      if (isNewDay) finished.push(this.dayOf(entry));
      (entry.state === "streaming" ? open : finished).push(node);
    });
    if (conversation.typing) open.push(this.dots);
    arrange(this.finished, finished);
    arrange(this.open, open);
    if (wasAtEnd) this.toEnd();
    else this.newer.hidden = false;
  }

  clear() {
    this.nodes.clear();
    arrange(this.finished, []);
    arrange(this.open, []);
  }

  dayOf(entry) {
    const key = `day ${entry.at.toDateString()}`;
    if (!this.nodes.has(key)) {
      const isToday = entry.at.toDateString() === new Date().toDateString();
      const day = isToday ? "Today" : entry.at.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
      this.nodes.set(key, { node: made("div", "day", {}, day) });
    }
    return this.nodes.get(key).node;
  }

  nodeOf(entry, answer) {
    const version = JSON.stringify([entry.content, entry.state, answer, entry.detail, entry.files?.map(({ attachment_id }) => attachment_id)]);
    const known = this.nodes.get(entry.key);
    if (known?.version === version) return known.node;
    const node = known?.node ?? made("div");
    node.className = `message ${entry.sender === "user" ? "user" : "bot"} ${entry.state}`;
    node.replaceChildren(...this.partsOf(entry, answer));
    this.nodes.set(entry.key, { node, version });
    return node;
  }

  partsOf(entry, answer) {
    const isOwn = entry.sender === "user";
    const bubble = made("div", "bubble", { dir: "auto" });
    if (isOwn) bubble.append(String(entry.content));
    else if (typeof entry.content === "string") bubble.append(markdown(entry.content));
    else bubble.append(rich(entry.content));
    for (const file of entry.files ?? []) bubble.append(attached(file));
    const parts = [hidden(isOwn ? "You said:" : ""), bubble];
    const given = !isOwn && entry.content?.choices;
    if (Array.isArray(given) && given.length) parts.push(choices(given, answer, this.press));
    parts.push(this.footOf(entry, isOwn));
    return parts;
  }

  footOf(entry, isOwn) {
    const foot = made("div", "foot");
    if (entry.state === "failed") {
      const why = made("span", "why");
      why.append(icon("alert"), made("span", "", {}, entry.detail ? `Not sent. ${entry.detail}` : "Not answered."));
      foot.append(why);
      const again = made("button", "retry", { type: "button" }, "Try again");
      again.addEventListener("click", () => this.retry(entry));
      foot.append(again);
    } else if (entry.state === "waiting") foot.append("Sending…");
    else if (entry.at && entry.state !== "streaming") {
      const time = entry.at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
      foot.append(made("bdi", "", {}, time));
      if (isOwn) foot.append(icon("check"), hidden("sent"));
    }
    return foot;
  }
}

function isTogether(one, other) {
  if (!one || !other || (one.sender === "user") !== (other.sender === "user")) return false;
  if (one.state === "failed" || other.state === "failed") return false;
  return !one.at || !other.at || Math.abs(other.at - one.at) < SAME_BREATH_MS;
}

function arrange(parent, nodes) {
  nodes.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastChild.remove();
}

export function made(tag, className = "", attributes = {}, ...content) {
  const node = element(tag, ...content);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function hidden(text) {
  return made("span", "hidden", {}, text);
}
