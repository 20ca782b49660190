// What has been said, as this page knows it: one list of entries, whatever order the news come in.

/**
 * An entry: `key`, `sender` (user, bot, agent, system), `content`, `type` (text, json, rich), `at` (Date),
 * `state` (waiting, sent, failed, streaming, done), and where known `id` (the server's), `clientId` and `files`.
 */
export class Conversation {
  constructor(changed) {
    this.changed = changed;
    this.clear();
  }

  clear() {
    this.entries = [];
    this.byId = new Map();
    this.byClientId = new Map();
    this.typing = false;
    this.whole = false;
  }

  get streaming() {
    return this.entries.some(({ state }) => state === "streaming");
  }

  /** The buttons under the last message are the only ones that still work. */
  get lastSaid() {
    return this.entries.findLast(({ state }) => state !== "failed");
  }

  write({ text, payload, id }) {
    const entry = { key: id, clientId: id, sender: "user", content: text, payload, type: "text", at: new Date(), state: "waiting" };
    this.byClientId.set(id, entry);
    this.entries.push(entry);
    this.changed();
    return entry;
  }

  acknowledge({ id, message_id }) {
    const entry = this.byClientId.get(id);
    if (!entry) return;
    const twin = this.byId.get(message_id);
    if (twin && twin !== entry) this.entries.splice(this.entries.indexOf(twin), 1);
    entry.id = message_id;
    entry.state = "sent";
    this.byId.set(message_id, entry);
    // A person who has taken over answers when they can.
    this.typing = this.entries.findLast(({ sender }) => sender !== "user")?.sender !== "agent";
    this.changed();
  }

  refuse({ id, code, detail }) {
    const entry = this.byClientId.get(id);
    if (!entry) return;
    Object.assign(entry, { state: "failed", code, detail });
    this.changed();
  }

  remove(entry) {
    this.entries = this.entries.filter((each) => each !== entry);
    this.byId.delete(entry.id);
    this.byClientId.delete(entry.clientId);
  }

  /** A committed message. Answers whether it was news. */
  receive(message) {
    const entry = this.byId.get(message.message_id);
    const isNews = !entry || entry.state === "streaming";
    if (entry) Object.assign(entry, said(message), { key: entry.key });
    else this.append(said(message));
    if (message.sender_type !== "user") this.typing = false;
    // What the bot was saying when a person came will never be finished.
    if (message.sender_type === "agent") this.entries.filter(({ state }) => state === "streaming").forEach((each) => this.remove(each));
    this.changed();
    return isNews && message.sender_type !== "user";
  }

  mark({ message_id, status }) {
    const entry = this.byId.get(message_id);
    if (!entry || entry.sender !== "user") return;
    if (status === "failed") entry.state = "failed";
    this.changed();
  }

  /** A piece of a message under way: a new attempt starts over, pieces of an older one are late. */
  stream({ message_id, attempt, seq, text }) {
    let entry = this.byId.get(message_id);
    if (entry && entry.state !== "streaming") return;
    if (!entry) {
      entry = { key: message_id, id: message_id, sender: "bot", content: "", type: "text", at: new Date(), state: "streaming", attempt, next: 0 };
      this.append(entry);
    }
    if (attempt < entry.attempt) return;
    if (attempt > entry.attempt) Object.assign(entry, { attempt, content: "", next: 0 });
    // After a piece that was lost the rest waits for the whole message.
    if (seq === entry.next || entry.content === "") {
      entry.content += text;
      entry.next = seq + 1;
    }
    this.typing = false;
    this.changed();
  }

  /** A page of history: those known keep their place in it, what is newer than the page stays behind it. */
  merge(messages, { older = false } = {}) {
    const page = messages.map((message) => {
      const known = this.byId.get(message.message_id);
      if (!known) return said(message);
      return Object.assign(known, said(message), { key: known.key });
    });
    const paged = new Set(page);
    const rest = this.entries.filter((entry) => !paged.has(entry));
    const firstAt = page[0]?.at ?? 0;
    const before = older ? [] : rest.filter(({ id, at }) => id && at < firstAt);
    const after = older ? rest : rest.filter((entry) => !before.includes(entry));
    this.entries = [...before, ...page, ...after];
    for (const entry of page) this.byId.set(entry.id, entry);
    const last = page.at(-1);
    if (last && last.sender !== "user" && !older) this.typing = false;
    this.changed();
  }

  append(entry) {
    // What has not been sent yet stays last.
    const waiting = this.entries.findIndex(({ state }) => state === "waiting");
    if (waiting < 0) this.entries.push(entry);
    else this.entries.splice(waiting, 0, entry);
    this.byId.set(entry.id, entry);
  }
}

function said({ message_id, sender_type, content, content_type, status, created_at, attachments }) {
  const isOwn = sender_type === "user";
  const state = isOwn ? (status === "failed" ? "failed" : "sent") : "done";
  const files = Array.isArray(attachments) ? attachments : [];
  return { key: message_id, id: message_id, sender: sender_type, content, type: content_type, at: new Date(created_at), state, files };
}
