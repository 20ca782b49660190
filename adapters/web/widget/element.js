// <parley-chat site="demo">: puts conversation, connection and panel together.

import { Api } from "./api.js";
import { accents } from "./colour.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { newId, remember } from "./memory.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { plain } from "./rich.js";
import { styles } from "./styles.js";

const WIDE_ENOUGH = "(min-width: 720px)";
const TYPING_LIMIT_MS = 45_000;

class ParleyChat extends HTMLElement {
  connectedCallback() {
    if (this.panel) return;
    const server = this.getAttribute("server") || new URL("..", import.meta.url).href;
    const site = this.getAttribute("site") || "";
    const { lasting, passing } = remember(server, site);
    this.lasting = lasting;
    this.passing = passing;
    this.unread = 0;
    this.connectionState = "idle";
    this.api = new Api(server, site);
    this.outbox = new Outbox(passing);
    this.conversation = new Conversation(() => this.draw());
    this.panel = new Panel({
      send: (written) => this.send(written),
      stop: () => this.connection.say({ type: "stop" }),
      retry: (entry) => this.retry(entry),
      toggle: () => this.toggle(),
    });
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = styles();
    root.append(this.panel.node, this.panel.launcher);
    this.connection = this.connect();
    for (const { id, text, payload } of this.outbox.items) this.conversation.write({ id, text, payload });
    this.introduce();
  }

  disconnectedCallback() {
    this.connection?.stop();
  }

  connect() {
    const { api, lasting, outbox } = this;
    return new Connection({
      api,
      lasting,
      outbox,
      hear: (frame) => this.hear(frame),
      show: (state) => {
        this.connectionState = state;
        this.draw();
      },
    });
  }

  async introduce() {
    try {
      const face = await this.api.face();
      const properties = accents(face.colour);
      for (const [name, value] of Object.entries(properties || {})) this.style.setProperty(name, value);
      this.panel.introduce(face);
    } catch (error) {
      this.panel.introduce({ name: "Chat", greeting: "This chat cannot be reached just now.", suggestions: [] });
      this.tell("error", { code: error.code, detail: error.message });
    }
    const opened = this.passing.get("opened");
    const asked = this.hasAttribute("open") && window.matchMedia(WIDE_ENOUGH).matches;
    if (opened ?? asked) this.open({ focus: false });
    this.connection.start();
    this.draw();
    this.tell("ready", {});
  }

  draw() {
    if (!this.panel) return;
    this.panel.show(this.conversation, this.connectionState);
    clearTimeout(this.typingTimer);
    if (this.conversation.typing) {
      this.typingTimer = setTimeout(() => {
        this.conversation.typing = false;
        this.draw();
      }, TYPING_LIMIT_MS);
    }
  }

  send({ text, payload, id = newId() }) {
    this.conversation.write({ text, payload, id });
    this.outbox.add({ id, text, payload });
    this.panel.log.toEnd();
    this.connection.flush();
  }

  retry(entry) {
    // The server remembers the ids that it took: what it could not answer is asked anew.
    this.conversation.remove(entry);
    this.send({ text: entry.content, payload: entry.payload, id: entry.id ? newId() : entry.clientId });
  }

  hear(frame) {
    const { conversation } = this;
    switch (frame.type) {
      case "ack":
        return conversation.acknowledge(frame);
      case "refused":
        conversation.refuse(frame);
        return this.tell("error", { code: frame.code, detail: frame.detail });
      case "message":
        if (conversation.receive(frame)) this.notice(frame);
        return undefined;
      case "status":
        return conversation.mark(frame);
      case "delta":
        return conversation.stream(frame);
      case "typing":
        conversation.typing = true;
        return this.draw();
      case "answered":
        conversation.typing = false;
        return this.draw();
      case "history":
        return this.hearHistory(frame.messages);
      case "error":
        return this.tell("error", { code: frame.code, detail: frame.detail });
      default:
        return undefined;
    }
  }

  hearHistory(messages) {
    const { conversation } = this;
    const isFirst = !conversation.whole;
    conversation.whole = true;
    const news = messages.filter(({ message_id: id, sender_type: sender }) => sender !== "user" && !conversation.byId.has(id));
    const { finished } = this.panel.log;
    if (isFirst) finished.setAttribute("aria-busy", "true");
    conversation.merge(messages);
    if (isFirst) requestAnimationFrame(() => finished.removeAttribute("aria-busy"));
    const seen = messages.findIndex(({ message_id: id }) => id === this.lasting.get("seen"));
    const isNews = ({ message_id: id }) => !isFirst || messages.findIndex((each) => each.message_id === id) > seen;
    if (!isFirst || seen >= 0) for (const message of news.filter(isNews)) this.notice(message);
    if (isFirst) this.panel.log.toEnd();
  }

  /** Something new was said to the visitor. */
  notice(message) {
    if (this.panel.isOpen && !document.hidden) this.lasting.set("seen", message.message_id);
    else if (!this.panel.isOpen) this.panel.unread(++this.unread);
    this.tell("message", { ...message, text: plain({ type: message.content_type, content: message.content }) });
  }

  open({ focus = true } = {}) {
    if (this.panel.isOpen) return;
    this.unread = 0;
    this.panel.open({ focus });
    this.passing.set("opened", true);
    const last = this.conversation.entries.findLast(({ id, sender }) => id && sender !== "user");
    if (last) this.lasting.set("seen", last.id);
    this.tell("opened", {});
  }

  close() {
    if (!this.panel.isOpen) return;
    this.panel.close();
    this.passing.set("opened", false);
    this.tell("closed", {});
  }

  toggle() {
    if (this.panel.isOpen) this.close();
    else this.open();
  }

  /** Forget this visitor: the next message begins a new conversation as somebody new. */
  reset() {
    this.outbox.clear();
    this.lasting.remove("seen");
    this.connection.forget();
    this.conversation.clear();
    this.panel.log.clear();
    this.unread = 0;
    this.panel.unread(0);
    this.draw();
  }

  /** Events: ready, opened, closed, message, error. */
  on(name, listener) {
    this.addEventListener(name, listener);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

if (!customElements.get("parley-chat")) customElements.define("parley-chat", ParleyChat);
