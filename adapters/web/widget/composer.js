// Where the visitor writes.

import { icon } from "./icons.js";
import { made } from "./log.js";

const LONGEST = 8_000;
const TALLEST_PX = 140;

export class Composer {
  constructor({ send, stop }) {
    this.send = send;
    this.field = made("textarea", "", {
      rows: "1",
      dir: "auto",
      maxlength: String(LONGEST),
      placeholder: "Write a message…",
      "aria-label": "Your message",
      enterkeyhint: "send",
    });
    this.sendButton = made("button", "send", { type: "submit", "aria-label": "Send" }, icon("send"));
    this.stopButton = made("button", "send stop", { type: "button", "aria-label": "Stop the answer" }, icon("stop"));
    this.stopButton.hidden = true;
    this.node = made("form", "composer");
    this.node.append(this.field, this.stopButton, this.sendButton);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("input", () => this.grow());
    this.field.addEventListener("keydown", (event) => {
      // An input method's Enter picks a word; it does not send.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.stopButton.addEventListener("click", () => stop());
    this.grow();
  }

  submit() {
    const text = this.field.value;
    if (text.trim() === "") return;
    this.field.value = "";
    this.grow();
    this.send({ text });
  }

  grow() {
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${Math.min(this.field.scrollHeight, TALLEST_PX)}px`);
    this.sendButton.disabled = this.field.value.trim() === "";
  }

  canStop(isStreaming) {
    this.stopButton.hidden = !isStreaming;
    this.sendButton.hidden = isStreaming;
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }
}
