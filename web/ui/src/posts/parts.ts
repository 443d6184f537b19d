/** Small pieces of the page: tables, labelled fields, forms that send and say what came of it. */

import { Problem } from "../shared/api";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";

type Cell = Node | string;

export function table(caption: string, heads: Cell[], rows: Cell[][], { rowHeads = true } = {}): HTMLElement {
  const row = (cells: Cell[]): HTMLElement =>
    h("tr", {}, ...cells.map((cell, n) => (n === 0 && rowHeads ? h("th", { scope: "row" }, cell) : h("td", {}, cell))));
  return h(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, ...heads.map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, ...rows.map(row))),
  );
}

export function labelled(label: string, field: HTMLElement): HTMLElement {
  return h("label", { class: "labelled" }, h("span", {}, label), field);
}

/** A form that sends; a problem is told and what was typed stays. */
export function sendForm(legend: string, fields: HTMLElement[], button: string, send: () => Promise<void>): HTMLFormElement {
  const form = h("form", { class: "add" }, h("h3", {}, legend), h("div", { class: "fields" }, ...fields), h("button", { class: "main", type: "submit" }, button));
  let busy = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    void attempt(send).finally(() => (busy = false));
  });
  return form;
}

export async function attempt(what: () => Promise<void>): Promise<void> {
  try {
    await what();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(error.message, { bad: true, seconds: 12 });
  }
}

export const note = (text: string): HTMLElement => h("p", { class: "note" }, text);
