// One socket, from its ticket to its end.

import { CallRefused } from "./api.js";
import { wireForm } from "./outbox.js";

const ACK_WITHIN_MS = 10_000;
const OPEN_WITHIN_MS = 10_000;
const TOKEN_EXPIRED = 4401;

/** Opens a socket and stays until it ends. Always throws in the end: CallRefused says how to go on. */
export async function openSocket(connection) {
  const { api, lasting, outbox } = connection;
  let ticket;
  try {
    ({ ticket } = await api.ticket());
  } catch (error) {
    // Tickets need a service that messages do not: poll meanwhile.
    if (error.status >= 500) connection.socketFailures += 2;
    throw error;
  }
  const socket = new WebSocket(api.socketAddress(ticket, lasting.get("cursor")));
  const sent = new Set();
  let ackTimer = 0;
  let wasOpen = false;

  const say = (frame) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };
  const flush = () => {
    for (const item of outbox.items) {
      if (sent.has(item.id)) continue;
      sent.add(item.id);
      say({ type: "message", ...wireForm(item) });
    }
    watch();
  };
  // A connection that is dead without saying so shows by the missing acknowledgement.
  const watch = () => {
    clearTimeout(ackTimer);
    if (!outbox.isEmpty) ackTimer = setTimeout(() => socket.close(), ACK_WITHIN_MS);
  };
  const again = (id) => {
    sent.delete(id);
    flush();
  };
  const refuse = (frame) => {
    const passing = frame.retry_after !== undefined;
    const refusal = new CallRefused(passing ? 503 : 400, frame.code, frame.detail, 1000 * (frame.retry_after || 0));
    const waitMs = connection.refused(frame.id, refusal);
    if (waitMs !== null) {
      clearTimeout(ackTimer);
      setTimeout(() => again(frame.id), waitMs);
    } else {
      sent.delete(frame.id);
      watch();
    }
  };
  const hear = (frame) => {
    if (frame.cursor) lasting.set("cursor", frame.cursor);
    if (frame.type === "ack") {
      connection.taken(frame.id, frame.message_id);
      watch();
    } else if (frame.type === "error" && frame.id) refuse(frame);
    else if (frame.type === "resync") void connection.readHistory().catch(() => socket.close());
    else connection.hear(frame);
  };

  const openTimer = setTimeout(() => socket.close(), OPEN_WITHIN_MS);
  const ended = await new Promise((resolve) => {
    socket.onopen = () => {
      clearTimeout(openTimer);
      wasOpen = true;
      connection.failures = 0;
      connection.socketFailures = 0;
      connection.socket = { say, flush, close: () => socket.close() };
      connection.show("open");
      flush();
    };
    socket.onmessage = ({ data }) => hear(JSON.parse(data));
    socket.onclose = resolve;
    socket.onerror = () => {};
  });
  clearTimeout(openTimer);
  clearTimeout(ackTimer);
  connection.socket = null;
  if (!wasOpen) connection.socketFailures += 1;
  const error = new CallRefused(ended.code === TOKEN_EXPIRED ? 401 : 0, "socket", "The connection ended.");
  error.wasOpen = wasOpen;
  throw error;
}
