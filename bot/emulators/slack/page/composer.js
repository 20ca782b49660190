// The field in which a person writes, with a file if they like.
import { el } from "./dom.js";

export function composer(deeds, { label, where }) {
  const field = el("textarea", { rows: 2, "aria-label": label, placeholder: label });
  const file = el("input", { type: "file", "aria-label": "Attach a file" });
  const form = el("form", { className: "composer" }, field, el("div", { className: "row" }, file, el("button", { className: "primary" }, "Send")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value;
    const attached = file.files[0];
    if (!text.trim() && !attached) return;
    field.value = "";
    file.value = "";
    const { channel, thread } = where();
    const [word, ...rest] = text.split(" ");
    if (word.startsWith("/") && !thread && !attached) {
      await deeds.does({ do: "command", command: word, text: rest.join(" "), channel });
      return;
    }
    await deeds.does({ do: "write", text, channel, thread, file: attached && { name: attached.name, content: await base64(attached) } });
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  return form;
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}
