// The few drawings of the widget, made as nodes.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  chat: "M12 3c5.2 0 9 3.4 9 7.9s-3.8 7.9-9 7.9c-1 0-2-.1-2.9-.4L4.6 21l.9-4.1C3.9 15.4 3 13.3 3 10.9 3 6.4 6.8 3 12 3Z",
  close: "m6 6 12 12M18 6 6 18",
  down: "m6 9 6 6 6-6",
  send: "M12 19V5m-6.5 6.5L12 5l6.5 6.5",
  stop: "M6.5 6.5h11v11h-11z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  alert: "M12 8v5m0 3.2v.1M12 3.5 21 19.5H3L12 3.5Z",
  file: "M7 3.5h7l4 4V20a.5.5 0 0 1-.5.5h-10.5a.5.5 0 0 1-.5-.5V4a.5.5 0 0 1 .5-.5ZM14 3.5V8h4",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon", `icon-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
