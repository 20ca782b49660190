// Talking by plain HTTP, for networks that do not let sockets through.

import { CallRefused } from "./api.js";
import { wireForm } from "./outbox.js";

const WAIT_S = 20;
const SEEN_MS = 4_000;
const HIDDEN_MS = 20_000;

/** Sends what waits, waits for the answer that is due, reads what is new; then rests a little. */
export async function pollOnce(connection) {
  const { api, outbox } = connection;
  for (const item of [...outbox.items]) {
    try {
      const { message_id, reply_id } = await api.send(wireForm(item));
      connection.taken(item.id, message_id);
      connection.lastReply = reply_id;
    } catch (error) {
      if (!(error instanceof CallRefused) || error.status === 401 || error.status === 0) throw error;
      if (connection.refused(item.id, error) !== null) throw error;
    }
  }
  const awaited = connection.lastReply;
  if (awaited) {
    const leave = new AbortController();
    connection.wake = () => leave.abort();
    const state = await api.reply(awaited, WAIT_S, leave.signal).catch((error) => {
      if (leave.signal.aborted) return { status: "pending" };
      if (error.status === 404) return { status: "failed" };
      throw error;
    });
    if (state.status !== "pending" && connection.lastReply === awaited) {
      connection.lastReply = null;
      connection.hear({ type: "answered" });
    }
  }
  await connection.readHistory();
  connection.failures = 0;
  if (!connection.lastReply && outbox.isEmpty) await connection.rest(document.hidden ? HIDDEN_MS : SEEN_MS);
}
