// The little Markdown that bots write, built as nodes: no HTML is ever parsed, and images are not shown.

const INLINE = /`([^`]+)`|\*\*(?=\S)([\s\S]*?\S)\*\*|__(?=\S)([\s\S]*?\S)__|\*(?=[^\s*])([^*]*[^\s*])\*|(?<![\w])_(?=[^\s_])([^_]*[^\s_])_(?![\w])|\[([^\[\]]+)\]\(([^\s()]+)\)|(https?:\/\/[^\s<>"]*[^\s<>".,;:!?')\]])/g;
const ITEM = /^\s{0,3}(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const FENCE = /^\s{0,3}```/;
const DEEPEST = 6;

/** The text as a fragment of paragraphs, lists and code blocks. */
export function markdown(text) {
  const fragment = document.createDocumentFragment();
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  let paragraph = [];
  const close = () => {
    if (paragraph.length) fragment.append(inParagraph(paragraph));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    if (FENCE.test(line)) {
      close();
      const end = lines.findIndex((each, index) => index > at && FENCE.test(each));
      const stop = end < 0 ? lines.length : end;
      fragment.append(element("pre", element("code", lines.slice(at + 1, stop).join("\n"))));
      at = stop;
    } else if (ITEM.test(line)) {
      close();
      let stop = at;
      while (stop < lines.length && ITEM.test(lines[stop])) stop++;
      fragment.append(list(lines.slice(at, stop)));
      at = stop - 1;
    } else if (line.trim() === "") close();
    else paragraph.push(line);
  }
  close();
  return fragment;
}

function list(lines) {
  const [, first] = ITEM.exec(lines[0]);
  const node = element(first === undefined ? "ul" : "ol");
  if (first !== undefined && first !== "1") node.start = Number(first);
  for (const line of lines) node.append(element("li", ...inline(ITEM.exec(line)[2])));
  return node;
}

function inParagraph(lines) {
  const node = element("p");
  lines.forEach((line, index) => {
    if (index) node.append(element("br"));
    node.append(...inline(line));
  });
  return node;
}

function inline(text, depth = 0) {
  if (depth > DEEPEST) return [text];
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, strong2, em, em2, label, target, bare] = match;
    if (match.index > from) nodes.push(text.slice(from, match.index));
    from = match.index + whole.length;
    const bold = strong ?? strong2;
    const italic = em ?? em2;
    if (code !== undefined) nodes.push(element("code", code));
    else if (bold !== undefined) nodes.push(element("strong", ...inline(bold, depth + 1)));
    else if (italic !== undefined) nodes.push(element("em", ...inline(italic, depth + 1)));
    else if (bare !== undefined) nodes.push(link(bare, [bare]));
    else nodes.push(link(target, inline(label, depth + 1)) ?? whole);
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

/** A link to the web or to a mailbox; null for any other address. */
export function link(target, content) {
  let address;
  try {
    address = new URL(target);
  } catch {
    return null;
  }
  if (!["http:", "https:", "mailto:"].includes(address.protocol)) return null;
  const node = element("a", ...content);
  node.href = address.href;
  node.rel = "noopener noreferrer nofollow";
  node.target = "_blank";
  return node;
}

/** A new element with nodes and texts in it. */
export function element(name, ...content) {
  const node = document.createElement(name);
  node.append(...content);
  return node;
}
