// Messages that the server has not taken yet. They keep their ids, so sending one again is harmless.

const KEY = "outbox";

export class Outbox {
  constructor(shelf) {
    this.shelf = shelf;
    this.items = shelf.get(KEY) || [];
  }

  get isEmpty() {
    return this.items.length === 0;
  }

  add(item) {
    if (!this.items.some(({ id }) => id === item.id)) this.items.push(item);
    this.keep();
  }

  drop(id) {
    this.items = this.items.filter((item) => item.id !== id);
    this.keep();
  }

  clear() {
    this.items = [];
    this.keep();
  }

  keep() {
    if (this.isEmpty) this.shelf.remove(KEY);
    else this.shelf.set(KEY, this.items);
  }
}

/** What goes over the wire: the label of a pressed button is its text. */
export function wireForm({ id, text, payload }) {
  return payload === undefined ? { id, text } : { id, text, payload };
}
