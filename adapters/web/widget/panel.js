// The launcher and the panel that it opens.

import { icon } from "./icons.js";
import { Composer } from "./composer.js";
import { Log, hidden, made } from "./log.js";

const STATES = {
  idle: "Answers at once",
  open: "Answers at once",
  polling: "Answers at once",
  connecting: "Connecting…",
  offline: "Waiting for the connection…",
  refused: "Not available on this page",
};

export class Panel {
  constructor({ send, stop, retry, toggle }) {
    this.toggle = toggle;
    this.badge = made("span", "badge", { hidden: "" });
    this.launcher = made("button", "launcher", { type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" });
    this.launcher.append(icon("chat"), icon("down"), this.badge, hidden("Chat"));
    this.launcher.addEventListener("click", () => toggle());

    this.title = made("h2", "title", { id: "title" });
    this.status = made("p", "status", { role: "status" });
    this.avatar = made("div", "avatar", { "aria-hidden": "true" });
    const closer = made("button", "closer", { type: "button", "aria-label": "Close the chat" }, icon("close"));
    closer.addEventListener("click", () => toggle());
    const header = made("header", "header");
    const names = made("div", "names");
    names.append(this.title, this.status);
    header.append(this.avatar, names, closer);

    this.log = new Log({ press: send, retry });
    this.suggestions = made("div", "suggestions", { role: "group", "aria-label": "Suggestions", hidden: "" });
    this.composer = new Composer({ send, stop });
    this.node = made("section", "panel", { role: "dialog", "aria-labelledby": "title", hidden: "" });
    this.node.append(header, this.log.node, this.log.newer, this.suggestions, this.composer.node);
    this.node.addEventListener("keydown", (event) => this.onKey(event));
    this.send = send;
  }

  get isOpen() {
    return !this.node.hidden;
  }

  introduce({ name, greeting, suggestions }) {
    this.title.textContent = name;
    this.avatar.textContent = [...name][0] ?? "";
    this.log.greet(greeting, name);
    this.suggestions.replaceChildren(
      ...suggestions.map((text) => {
        const button = made("button", "choice", { type: "button" }, text);
        button.addEventListener("click", () => this.send({ text }));
        return button;
      }),
    );
  }

  show(conversation, connectionState) {
    this.log.show(conversation);
    const isFresh = conversation.entries.length === 0 && this.suggestions.children.length > 0;
    this.suggestions.hidden = !isFresh;
    this.composer.canStop(conversation.streaming && connectionState === "open");
    this.status.textContent = STATES[connectionState];
    this.status.dataset.state = connectionState;
    this.avatar.dataset.state = connectionState;
  }

  open({ focus }) {
    this.node.hidden = false;
    this.launcher.classList.add("opened");
    this.launcher.setAttribute("aria-expanded", "true");
    this.unread(0);
    this.log.toEnd();
    this.composer.grow();
    if (focus) this.composer.focus();
  }

  close() {
    const hadFocus = this.node.contains(this.node.getRootNode().activeElement);
    this.node.hidden = true;
    this.launcher.classList.remove("opened");
    this.launcher.setAttribute("aria-expanded", "false");
    if (hadFocus) this.launcher.focus();
  }

  unread(count) {
    this.badge.hidden = count === 0;
    this.badge.replaceChildren(count > 9 ? "9+" : String(count), hidden(" unread"));
  }

  onKey(event) {
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      this.toggle();
    } else if (event.key === "Tab") this.keepFocus(event);
  }

  /** Tab goes round inside the panel; Escape leads out. */
  keepFocus(event) {
    const stops = [...this.node.querySelectorAll("button, a[href], textarea, [tabindex='0']")].filter(
      (node) => !node.disabled && node.checkVisibility(),
    );
    const at = stops.indexOf(this.node.getRootNode().activeElement);
    const next = event.shiftKey ? at - 1 : at + 1;
    if (at >= 0 && next >= 0 && next < stops.length) return;
    event.preventDefault();
    stops.at(event.shiftKey ? -1 : 0)?.focus();
  }
}
