// The calls of the web protocol.

export class CallRefused extends Error {
  constructor(status, code, detail, retryAfterMs = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same call may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  constructor(server, site) {
    this.root = new URL("web/v1/", server);
    this.site = site;
    this.token = null;
  }

  face = () => this.call("GET", `sites/${encodeURIComponent(this.site)}`);
  openSession = () => this.call("POST", "sessions", { site: this.site });
  ticket = () => this.call("POST", "tickets");
  send = (message) => this.call("POST", "messages", message);
  history = (before) => this.call("GET", before ? `messages?before=${before}` : "messages");
  reply = (id, waitS, signal) => this.call("GET", `messages/${id}?wait=${waitS}`, undefined, signal);

  socketAddress(ticket, cursor) {
    const address = new URL("ws", this.root);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("ticket", ticket);
    if (cursor) address.searchParams.set("cursor", cursor);
    return address;
  }

  /** Answers the JSON. Throws CallRefused, with status 0 when there was no answer at all. */
  async call(method, path, body, signal) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const limit = AbortSignal.timeout(30_000);
    let response;
    let answer;
    try {
      response = await fetch(new URL(path, this.root), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "omit",
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      answer = await response.json();
    } catch (error) {
      if (response) throw new CallRefused(response.status, "unreadable", "The answer is not readable.");
      throw new CallRefused(0, "unreachable", String(error));
    }
    if (response.ok) return answer;
    const retryAfterMs = 1000 * Number(response.headers.get("Retry-After") || 0);
    const { code = "unknown", detail = response.statusText } = answer.error || {};
    throw new CallRefused(response.status, code, detail, retryAfterMs);
  }
}
