// Slack's mrkdwn, and Markdown, as elements.
import { el, link } from "./dom.js";

const MRKDWN = [
  [/```([\s\S]+?)```/, (found) => el("pre", {}, unescape(found[1]))],
  [/`([^`\n]+)`/, (found) => el("code", {}, unescape(found[1]))],
  [/<([^<>\n]+)>/, (found, names) => marked(found[1], names)],
  [/(?<![\w*])\*([^*\n]+)\*(?![\w*])/, (found, names) => el("strong", {}, inline(found[1], MRKDWN, names))],
  [/(?<!\w)_([^_\n]+)_(?!\w)/, (found, names) => el("em", {}, inline(found[1], MRKDWN, names))],
  [/(?<!\w)~([^~\n]+)~(?!\w)/, (found, names) => el("s", {}, inline(found[1], MRKDWN, names))],
];
const MARKDOWN = [
  [/`([^`\n]+)`/, (found) => el("code", {}, found[1])],
  [/!?\[([^\]\n]*)\]\(([^)\s]+)\)/, (found) => link(found[2], found[1])],
  [/<(https?:[^<>\s]+)>/, (found) => link(found[1])],
  [/\*\*([^\n]+?)\*\*/, (found, names) => el("strong", {}, inline(found[1], MARKDOWN, names))],
  [/~~([^\n]+?)~~/, (found, names) => el("s", {}, inline(found[1], MARKDOWN, names))],
  [/(?<![\w*])[*_]([^*_\n]+)[*_](?![\w*])/, (found, names) => el("em", {}, inline(found[1], MARKDOWN, names))],
];

export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function mrkdwn(text, names) {
  const box = el("div", { className: "text" });
  for (const [index, part] of text.split(/(```[\s\S]+?```)/).entries()) {
    if (index % 2) {
      box.append(el("pre", {}, unescape(part.slice(3, -3))));
      continue;
    }
    for (const line of part.replace(/^\n|\n$/g, "").split("\n")) {
      const quoted = line.startsWith("&gt;") || line.startsWith(">");
      const said = quoted ? line.replace(/^(&gt;|>) ?/, "") : line;
      if (part) box.append(el(quoted ? "blockquote" : "p", {}, inline(said, MRKDWN, names, unescape)));
    }
  }
  return box;
}

export function markdown(text, names) {
  const box = el("div", { className: "text" });
  const lines = text.split("\n");
  while (lines.length) box.append(markdownBlock(lines, names));
  return box;
}

function markdownBlock(lines, names) {
  const line = lines.shift();
  const fence = /^ {0,3}(```|~~~)/.exec(line);
  if (fence) {
    const code = [];
    while (lines.length && !lines[0].trimStart().startsWith(fence[1])) code.push(lines.shift());
    lines.shift();
    return el("pre", {}, code.join("\n"));
  }
  const heading = /^(#{1,6}) +(.*)$/.exec(line);
  if (heading) return el("h4", {}, inline(heading[2], MARKDOWN, names));
  if (/^ {0,3}(-{3,}|\*{3,})$/.test(line)) return el("hr");
  if (/^ *([-*+]|\d+[.)]) +/.test(line)) {
    lines.unshift(line);
    const list = el(/^ *\d/.test(line) ? "ol" : "ul");
    while (lines.length && /^ *([-*+]|\d+[.)]) +/.test(lines[0])) {
      list.append(el("li", {}, inline(lines.shift().replace(/^ *([-*+]|\d+[.)]) +/, ""), MARKDOWN, names)));
    }
    return list;
  }
  if (line.startsWith(">")) return el("blockquote", {}, inline(line.replace(/^> ?/, ""), MARKDOWN, names));
  if (line.includes("|") && lines.length && /^ *\|?( *:?-+:? *\|)+( *:?-+:? *)?$/.test(lines[0])) {
    const rows = [cells(line)];
    lines.shift();
    while (lines.length && lines[0].includes("|")) rows.push(cells(lines.shift()));
    return table(rows.map((row) => row.map((cell) => inline(cell, MARKDOWN, names))));
  }
  return el("p", {}, inline(line, MARKDOWN, names));
}

export function table(rows) {
  const [head, ...body] = rows;
  return el("table", {},
    el("thead", {}, el("tr", {}, head.map((cell) => el("th", {}, cell)))),
    el("tbody", {}, body.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell))))));
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
}

// The text's nodes: the earliest rule that fits is taken, again and again.
function inline(text, rules, names, plain = (said) => said) {
  const nodes = [];
  let rest = text;
  while (rest) {
    let first = null;
    for (const [pattern, make] of rules) {
      const found = pattern.exec(rest);
      if (found && (first === null || found.index < first.found.index)) first = { found, make };
    }
    if (first === null) break;
    nodes.push(plain(rest.slice(0, first.found.index)), first.make(first.found, names));
    rest = rest.slice(first.found.index + first.found[0].length);
  }
  nodes.push(plain(rest));
  return nodes;
}

function marked(inside, names) {
  const [target, label] = inside.split("|", 2);
  if (target.startsWith("@")) return el("span", { className: "mention" }, `@${names[target.slice(1)] ?? target.slice(1)}`);
  if (target.startsWith("#")) return el("span", { className: "mention" }, `#${names[target.slice(1)] ?? label ?? target.slice(1)}`);
  if (target.startsWith("!")) return el("span", { className: "mention loud" }, `@${label ?? target.slice(1)}`);
  return link(target, label && unescape(label));
}

export function richText(block, names) {
  const box = el("div", { className: "text" });
  for (const part of block.elements ?? []) {
    const tag = { rich_text_preformatted: "pre", rich_text_quote: "blockquote", rich_text_list: "ul" }[part.type] ?? "p";
    const children = part.type === "rich_text_list"
      ? (part.elements ?? []).map((item) => el("li", {}, (item.elements ?? []).map((each) => richElement(each, names))))
      : (part.elements ?? []).map((each) => richElement(each, names));
    box.append(el(tag, {}, children));
  }
  return box;
}

function richElement(element, names) {
  switch (element.type) {
    case "link": return link(element.url, element.text);
    case "user": return marked(`@${element.user_id}`, names);
    case "channel": return marked(`#${element.channel_id}`, names);
    case "broadcast": return marked(`!${element.range}`, names);
    case "emoji": return `:${element.name}:`;
    default: {
      let node = document.createTextNode(element.text ?? "");
      for (const [style, tag] of [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]]) {
        if (element.style?.[style]) node = el(tag, {}, node);
      }
      return node;
    }
  }
}
