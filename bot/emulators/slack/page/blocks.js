// Block Kit as elements. `act(action, choice, chosen)` is called when somebody presses or chooses.
import { el, link } from "./dom.js";
import { markdown, mrkdwn, richText, table } from "./text.js";

export function blocksOf(blocks, context) {
  return (blocks ?? []).map((block) => el("div", { className: `block ${block.type}` }, blockOf(block, context)));
}

function textOf(text, context) {
  if (!text) return null;
  return text.type === "mrkdwn" ? mrkdwn(text.text, context.names) : el("div", { className: "text" }, text.text);
}

function blockOf(block, context) {
  switch (block.type) {
    case "section":
      return [
        el("div", { className: "said" }, textOf(block.text, context),
          block.fields && el("div", { className: "fields" }, block.fields.map((field) => textOf(field, context)))),
        block.accessory && elementOf(block.accessory, block, context),
      ];
    case "header": return el("h3", {}, block.text.text);
    case "divider": return el("hr");
    case "markdown": return markdown(block.text, context.names);
    case "rich_text": return richText(block, context.names);
    case "image": return image(block);
    case "context":
      return block.elements.map((each) => (each.type === "image" ? image(each) : textOf(each, context)));
    case "actions":
    case "context_actions": return block.elements.map((each) => elementOf(each, block, context));
    case "table": return table(block.rows.map((row) => row.map((cell) => cellOf(cell, context))));
    case "input":
      return el("label", {}, el("span", { className: "label" }, block.label.text), elementOf(block.element, block, context),
        block.hint && el("small", {}, block.hint.text), el("span", { className: "fault", role: "alert", dataset: { block: block.block_id ?? "" } }));
    default: return el("div", { className: "text" }, `[${block.type}]`);
  }
}

function cellOf(cell, context) {
  return cell.type === "rich_text" ? richText(cell, context.names) : String(cell.text ?? cell.value ?? "");
}

function image(block) {
  // The page asks nobody else for anything, so a picture is a link.
  const label = `🖼 ${block.title?.text ?? block.alt_text ?? "image"}`;
  return el("figure", {}, block.image_url ? link(block.image_url, label) : label);
}

export function elementOf(element, block, context) {
  const act = (choice) => context.act(element.action_id, choice);
  switch (element.type) {
    case "button":
      if (element.url) {
        const anchor = link(element.url, element.text.text);
        if (anchor instanceof HTMLElement) anchor.classList.add("button");
        anchor.addEventListener("click", () => act());
        return anchor;
      }
      return el("button", { type: "button", className: element.style ?? "", onclick: () => act(), title: element.accessibility_label ?? "" }, element.text.text);
    case "icon_button":
      return el("button", { type: "button", onclick: () => act() }, element.text?.text ?? element.icon);
    case "feedback_buttons":
      return el("span", { className: "feedback" },
        el("button", { type: "button", onclick: () => context.rate(true) }, element.positive_button.text.text),
        el("button", { type: "button", onclick: () => context.rate(false) }, element.negative_button.text.text));
    case "static_select":
    case "overflow":
    case "multi_static_select":
      return select(element, context, act);
    case "radio_buttons":
    case "checkboxes":
      return options(element, context, act);
    case "image": return image(element);
    default: return input(element, context, act);
  }
}

function select(element, context, act) {
  const several = element.type.startsWith("multi");
  const groups = element.option_groups ?? [{ options: element.options }];
  const made = groups.map((group) => {
    const listed = group.options.map((option) => el("option", { value: option.value }, option.text.text));
    return group.label ? el("optgroup", { label: group.label.text }, listed) : listed;
  });
  const field = el("select", { multiple: several, "aria-label": element.placeholder?.text ?? element.action_id, dataset: { action: element.action_id } },
    several ? null : el("option", { value: "" }, element.placeholder?.text ?? (element.type === "overflow" ? "⋯" : "Choose…")), made);
  if (element.initial_option) field.value = element.initial_option.value;
  field.addEventListener("change", () => {
    if (!several && !field.value) return;
    const choice = several ? [...field.selectedOptions].map((each) => each.value) : field.value;
    context.chosen[element.action_id] = choice;
    if (!context.isForm) act(choice);
  });
  return field;
}

function options(element, context, act) {
  const kind = element.type === "checkboxes" ? "checkbox" : "radio";
  const box = el("fieldset", {});
  for (const option of element.options) {
    const field = el("input", { type: kind, name: element.action_id, value: option.value });
    field.checked = [element.initial_option, ...(element.initial_options ?? [])].some((each) => each?.value === option.value);
    field.addEventListener("change", () => {
      const picked = [...box.querySelectorAll("input:checked")].map((each) => each.value);
      context.chosen[element.action_id] = kind === "radio" ? picked[0] : picked;
      if (!context.isForm) act(context.chosen[element.action_id]);
    });
    box.append(el("label", {}, field, option.text.text));
  }
  return box;
}

function input(element, context, act) {
  const type = { number_input: "number", email_text_input: "email", url_text_input: "url", datepicker: "date", timepicker: "time" }[element.type] ?? "text";
  const field = element.multiline ? el("textarea", { rows: 4 }) : el("input", { type });
  field.setAttribute("aria-label", element.placeholder?.text ?? element.action_id);
  field.placeholder = element.placeholder?.text ?? "";
  field.value = element.initial_value ?? element.initial_date ?? element.initial_time ?? "";
  field.dataset.action = element.action_id;
  field.addEventListener("input", () => { context.chosen[element.action_id] = field.value; });
  if (!context.isForm) field.addEventListener("change", () => act(field.value));
  return field;
}
