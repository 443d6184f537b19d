/** A question and a notice: the browser's own dialog, which keeps focus and closes by Escape. */

import { h } from "./dom";
import { translator } from "./words";

const t = translator({
  cancel: ["取消", "Cancel"],
  close: ["关闭", "Close"],
  ok: ["确定", "OK"],
});

export interface Question {
  title: string;
  text?: string;
  /** Ask for a sentence, too; this is its label. */
  label?: string;
  ok?: string;
  /** The sentence may be left out. */
  optional?: boolean;
}

/** Ask; return what was written ("" where nothing was asked for), or null if cancelled. */
export function ask(question: Question): Promise<string | null> {
  return new Promise((resolve) => {
    const field = question.label ? h("textarea", { id: "ask-field", rows: 3, required: !question.optional }) : null;
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, question.title),
      question.text ? h("p", {}, question.text) : null,
      field && h("label", { for: "ask-field" }, question.label ?? ""),
      field,
      h(
        "div",
        { class: "row" },
        h("button", { type: "submit", value: "cancel", formnovalidate: true }, t("cancel")),
        h("button", { type: "submit", value: "ok", class: "main" }, question.ok ?? t("ok")),
      ),
    );
    const dialog = h("dialog", { "aria-labelledby": "ask-title" }, form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "ok" ? (field?.value.trim() ?? "") : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    field?.focus();
  });
}

/** Show something larger, with one button to close it. */
export function show(title: string, ...content: (Node | string)[]): HTMLDialogElement {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "show-title" },
    h("h2", { id: "show-title" }, title),
    ...content,
    h("form", { method: "dialog", class: "row" }, h("button", { class: "main" }, t("close"))),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Say something in passing; a screen reader says it, too. */
export function toast(text: string, { bad = false, seconds = 6 } = {}): void {
  let place = document.querySelector<HTMLElement>(".toasts");
  if (place === null) {
    place = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(place);
  }
  const made = h("div", { class: bad ? "toast bad" : "toast" }, text);
  place.append(made);
  window.setTimeout(() => made.remove(), seconds * 1000);
}
