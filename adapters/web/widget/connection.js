// Keeps one visitor in touch: a socket where that works, polling where it does not, patience where nothing does.

import { CallRefused } from "./api.js";
import { pollOnce } from "./polling.js";
import { openSocket } from "./socket.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const SOCKET_FAILURES = 2;
const SOCKET_AGAIN_MS = 60_000;
const TRIES = 5;

export class Connection {
  /** `hear(frame)` gets what the server says, `show(state)` how we are: idle, connecting, open, polling, offline, refused. */
  constructor({ api, lasting, outbox, hear, show }) {
    Object.assign(this, { api, lasting, outbox, hear, show });
    this.api.token = lasting.get("token") || null;
    this.socket = null;
    this.failures = 0;
    this.socketFailures = 0;
    this.historyDue = true;
    this.lastReply = null;
    this.tries = new Map();
    this.stopped = false;
    this.wake = () => {};
  }

  start() {
    this.leave = new AbortController();
    const { signal } = this.leave;
    window.addEventListener("online", () => this.hurry(), { signal });
    window.addEventListener("offline", () => this.socket?.close(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry(), { signal });
    this.run();
  }

  stop() {
    this.stopped = true;
    this.leave?.abort();
    this.socket?.close();
    this.wake();
  }

  /** A person did something or the network came back: do not sit out the delay. */
  hurry() {
    this.failures = 0;
    this.wake();
  }

  /** The outbox has something new. */
  flush() {
    if (this.socket) this.socket.flush();
    else this.hurry();
  }

  say(frame) {
    this.socket?.say(frame);
  }

  forget() {
    this.api.token = null;
    this.lastReply = null;
    this.lasting.remove("token");
    this.lasting.remove("cursor");
    this.socket?.close();
  }

  async run() {
    while (!this.stopped) {
      try {
        if (!this.api.token && this.outbox.isEmpty) {
          this.show("idle");
          await this.rest(Infinity);
          continue;
        }
        await this.talk();
      } catch (error) {
        if (this.stopped) return;
        await this.recover(error instanceof CallRefused ? error : new CallRefused(0, "defect", String(error)));
      }
    }
  }

  async talk() {
    if (!this.api.token) await this.enter();
    if (this.historyDue) await this.readHistory();
    if (this.socketFailures >= SOCKET_FAILURES) {
      this.show("polling");
      const end = Date.now() + SOCKET_AGAIN_MS;
      while (Date.now() < end && !this.stopped && this.api.token) await pollOnce(this);
      this.socketFailures = SOCKET_FAILURES - 1;
      return;
    }
    this.show("connecting");
    await openSocket(this);
  }

  async enter() {
    this.show("connecting");
    const { token } = await this.api.openSession();
    this.api.token = token;
    this.lasting.set("token", token);
    this.historyDue = false;
  }

  async readHistory() {
    const { messages, cursor } = await this.api.history();
    this.historyDue = false;
    if (cursor) this.lasting.set("cursor", cursor);
    this.hear({ type: "history", messages });
  }

  taken(id, messageId) {
    this.tries.delete(id);
    this.outbox.drop(id);
    this.hear({ type: "ack", id, message_id: messageId });
  }

  /** The server refused one message: for good, or worth another try. Answers how long to wait, or null. */
  refused(id, refusal) {
    const tries = (this.tries.get(id) || 0) + 1;
    this.tries.set(id, tries);
    if (refusal.passing && tries < TRIES) return Math.max(refusal.retryAfterMs, this.delay());
    this.tries.delete(id);
    this.outbox.drop(id);
    this.hear({ type: "refused", id, code: refusal.code, detail: refusal.message });
    return null;
  }

  async recover(error) {
    if (error.status === 401) {
      this.forget();
      this.historyDue = false;
      if (this.failures++ === 0) return;
    } else if (error.status === 403 || error.status === 404) {
      this.show("refused");
      this.hear({ type: "error", code: error.code, detail: error.message });
      await this.rest(Infinity);
      return;
    }
    if (!this.api.token && this.outbox.isEmpty) return;
    this.show(error.wasOpen && navigator.onLine ? "connecting" : "offline");
    await this.rest(Math.max(error.retryAfterMs, this.delay()));
    this.failures += 1;
  }

  /** Full jitter, so that a thousand visitors do not come back in the same instant. */
  delay() {
    const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures);
    return ceiling / 4 + Math.random() * ceiling * 0.75;
  }

  rest(ms) {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? 0 : setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
