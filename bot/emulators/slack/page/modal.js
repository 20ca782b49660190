// A modal's form, and the Home tab.
import { el } from "./dom.js";
import { blocksOf } from "./blocks.js";

let shown = null;

export function showView(dialog, view, state, deeds) {
  if (!view) {
    if (dialog.open) dialog.close();
    shown = null;
    return;
  }
  if (shown === view.id + view.hash && dialog.open) return;
  shown = view.id + view.hash;
  const chosen = {};
  const fault = el("p", { className: "fault", role: "alert" });
  const form = el("form", {},
    el("h2", {}, view.title?.text ?? ""),
    blocksOf(view.blocks, contextOf(state, deeds, chosen, { isForm: true })),
    fault,
    el("div", { className: "row" },
      el("button", { type: "button", onclick: () => deeds.does({ do: "close" }) }, view.close?.text ?? "Close"),
      view.submit && el("button", { className: "primary" }, view.submit.text)));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const each of form.querySelectorAll(".fault")) each.textContent = "";
    const answer = await deeds.does({ do: "submit", values: chosen });
    if (answer.failure) fault.textContent = "We had some trouble connecting. Try again?";
    for (const [block, said] of Object.entries(answer.errors ?? {})) {
      const place = [...form.querySelectorAll("[data-block]")].find((each) => each.dataset.block === block);
      (place ?? fault).textContent = said;
    }
  });
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}

export function homeOf(view, state, deeds) {
  if (!view) return [el("p", { className: "text" }, "The app shows nothing on its Home tab.")];
  return blocksOf(view.blocks, contextOf(state, deeds, {}, { home: true }));
}

// Which of the elements speak at once: those of a form only when it is submitted, buttons always.
function contextOf(state, deeds, chosen, { isForm = false, home = false }) {
  return {
    names: { ...state.names, ...state.channel_names },
    chosen,
    isForm,
    act: (action, choice) => deeds.does({ do: "press_in_view", action, choice, home }),
    rate: () => {},
  };
}
