// The one line of a host page:
//   <script src="https://…/widget.js" data-site="demo" async></script>
// Calls may be made before the script has arrived:
//   window.Parley = window.Parley || []; Parley.push(["open"]);
(() => {
  const script = document.currentScript;
  if (!script || (window.Parley && !Array.isArray(window.Parley))) return;
  const early = window.Parley || [];

  const bodyReady = new Promise((resolve) => {
    if (document.body) resolve();
    else document.addEventListener("DOMContentLoaded", resolve, { once: true });
  });
  const { site, open, theme } = script.dataset;
  const chat = Promise.all([import(new URL("widget/element.js", script.src)), bodyReady]).then(() => {
    const present = document.querySelector("parley-chat");
    if (present || site === undefined) return present;
    const element = document.createElement("parley-chat");
    element.setAttribute("site", site);
    element.setAttribute("server", new URL(".", script.src).href);
    if (open !== undefined) element.setAttribute("open", "");
    if (theme !== undefined) element.setAttribute("theme", theme);
    document.body.append(element);
    return element;
  });
  chat.catch((error) => console.warn("Parley could not be loaded:", error));

  const later = (name) => (...given) => void chat.then((element) => element && element[name](...given));
  window.Parley = {
    open: later("open"),
    close: later("close"),
    toggle: later("toggle"),
    reset: later("reset"),
    on: later("on"),
    push([name, ...given]) {
      if (["open", "close", "toggle", "reset", "on"].includes(name)) window.Parley[name](...given);
    },
  };
  early.forEach(window.Parley.push);
})();
