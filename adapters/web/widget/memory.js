// What a browser keeps for one site. Where storage is blocked, the page's memory has to do.

class Shelf {
  constructor(prefix, storage) {
    this.prefix = prefix;
    this.storage = storage;
    this.fallback = new Map();
  }

  get(name) {
    try {
      const text = this.storage().getItem(this.prefix + name);
      return text === null ? this.fallback.get(name) : JSON.parse(text);
    } catch {
      return this.fallback.get(name);
    }
  }

  set(name, value) {
    this.fallback.set(name, value);
    try {
      this.storage().setItem(this.prefix + name, JSON.stringify(value));
    } catch {
      // Blocked or full: the fallback has it.
    }
  }

  remove(name) {
    this.fallback.delete(name);
    try {
      this.storage().removeItem(this.prefix + name);
    } catch {
      // Blocked: there is nothing to remove.
    }
  }
}

/** `lasting` outlives the visit: token, cursor. `passing` ends with the tab: unsent messages, open or not. */
export function remember(server, site) {
  const prefix = `parley:${server}:${site}:`;
  return {
    lasting: new Shelf(prefix, () => window.localStorage),
    passing: new Shelf(prefix, () => window.sessionStorage),
  };
}

/** A new id of our own for a message; crypto.randomUUID is missing on pages without TLS. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
