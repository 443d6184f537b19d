/** Which of the six outcomes that are not a case, and what the caller was told. */

import { h } from "../shared/dom";
import { actionWord } from "../shared/cases";
import type { Choices } from "./types";
import { t } from "./words";

export function pickOutcome(outcomes: Choices["outcomes"]): Promise<{ outcome: string; reason: string } | null> {
  return new Promise((resolve) => {
    const said = h("textarea", { id: "told", rows: 3, required: true, maxlength: 4000 });
    const choices = outcomes.map((one) =>
      h(
        "label",
        { class: "choice" },
        h("input", { type: "radio", name: "outcome", value: one.outcome, required: true, onchange: () => fill(one) }),
        actionWord(one),
      ),
    );
    const fill = (one: { zh: string; en: string }): void => {
      said.value = actionWord(one);
    };
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "outcome-title" }, t("no_case_title")),
      h("fieldset", {}, h("legend", { class: "quiet" }, t("no_case_title")), ...choices),
      h("label", { for: "told" }, t("no_case_say")),
      said,
      h(
        "div",
        { class: "row" },
        h("button", { type: "submit", value: "cancel", formnovalidate: true }, t("cancel")),
        h("button", { type: "submit", value: "ok", class: "main" }, t("no_case_title")),
      ),
    );
    const dialog = h("dialog", { "aria-labelledby": "outcome-title" }, form);
    dialog.addEventListener("close", () => {
      const outcome = form.querySelector<HTMLInputElement>("input[name=outcome]:checked")?.value;
      resolve(dialog.returnValue === "ok" && outcome ? { outcome, reason: said.value.trim() } : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
