// What a reply may hold besides text: a card, an image, a file, its sources, and choices as quick replies.

import { icon } from "./icons.js";
import { element, link, markdown } from "./markdown.js";

/** The parts of a `rich` reply as nodes; unknown parts are passed over. */
export function rich(content) {
  const fragment = document.createDocumentFragment();
  if (typeof content !== "object" || content === null) return fragment;
  if (content.text) fragment.append(markdown(String(content.text)));
  if (content.card) fragment.append(card(content.card));
  if (content.image) fragment.append(image(content.image));
  if (content.file) fragment.append(file(content.file));
  if (Array.isArray(content.citations) && content.citations.length) fragment.append(citations(content.citations));
  return fragment;
}

/** The text that stands for a reply where only text goes. */
export function plain({ type, content }) {
  if (type === "text" || typeof content === "string") return String(content);
  return content?.text || content?.card?.title || "";
}

/** Buttons for the choices; they work once, and only while nothing has been said since (`answer` null). */
export function choices(given, answer, press) {
  const row = element("div");
  row.className = "choices";
  row.setAttribute("role", "group");
  for (const { label, payload } of given) {
    const button = element("button", String(label));
    button.type = "button";
    button.className = "choice";
    button.disabled = answer !== null;
    button.classList.toggle("pressed", answer === String(label));
    button.addEventListener("click", () => {
      for (const each of row.children) each.disabled = true;
      button.classList.add("pressed");
      press({ text: String(label), payload });
    });
    row.append(button);
  }
  return row;
}

function card({ title, text, fields, link: target, image: picture }) {
  const node = element("div");
  node.className = "card";
  if (picture) node.append(image({ url: picture, alt: "" }));
  if (title) node.append(named("div", "card-title", title));
  if (text) node.append(markdown(String(text)));
  if (Array.isArray(fields) && fields.length) {
    const list = element("dl");
    for (const [name, value] of fields) list.append(element("dt", String(name)), element("dd", String(value)));
    node.append(list);
  }
  const anchor = target && link(String(target), [String(target).replace(/^https?:\/\//, "")]);
  if (anchor) node.append(anchor);
  return node;
}

function image({ url, alt }) {
  const node = document.createElement("img");
  // The flow's author set this address; pictures in a model's text are never shown.
  if (/^https?:\/\//i.test(String(url))) node.src = String(url);
  node.alt = String(alt || "");
  node.loading = "lazy";
  node.referrerPolicy = "no-referrer";
  return node;
}

function file({ url, name }) {
  const anchor = link(String(url), [icon("file"), named("span", "file-name", name || url)]);
  if (!anchor) return named("span", "file-name", name || "");
  anchor.className = "file";
  return anchor;
}

/** A file of a message; its link is a path on our own server, where this module comes from. */
export function attached({ url, name }) {
  return file({ url: new URL(String(url), import.meta.url).href, name });
}

/** What a text rests on; `[1]` in it stands for the first. The quote is there to be opened. */
function citations(given) {
  const list = element("ol");
  list.className = "citations";
  list.setAttribute("aria-label", "Sources");
  for (const { title, url, quote } of given) {
    const item = element("li");
    const name = (url && link(String(url), [String(title)])) || element("span", String(title));
    if (quote) {
      const more = element("details");
      const summary = element("summary");
      summary.append(name);
      more.append(summary, element("blockquote", String(quote)));
      item.append(more);
    } else item.append(name);
    list.append(item);
  }
  return list;
}

function named(tag, className, text) {
  const node = element(tag, String(text));
  node.className = className;
  return node;
}
