/** A call: words, class, place, what it may repeat, where it would go; filed, joined or ended. */

import { call, Problem } from "../shared/api";
import { areaOf, channelWord, stateWord, type CaseView } from "../shared/cases";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock, language, named, number } from "../shared/words";
import { pickOutcome } from "./outcome";
import { PlaceField, type Place } from "./place";
import { zone } from "./queue";
import type { DeskMap } from "./map";
import type { Choices, Suggested, Unfiled } from "./types";
import { t } from "./words";

const WAIT_MS = 300;
const CHANNELS = ["hotline", "counter", "feed"];

interface Does {
  filed: (view: CaseView) => void;
  open: (caseId: number) => void;
}

export class Intake {
  private id: string = crypto.randomUUID();
  private taken: Unfiled | null = null;
  private suggested: Suggested | null = null;
  private waiting = 0;
  private ticket = 0;
  private busy = false;
  private readonly words = h("textarea", { id: "words", rows: 4, maxlength: 4000, placeholder: t("words_hint"), "aria-describedby": "taken" });
  private readonly category: HTMLSelectElement;
  private readonly best = h("div", { class: "best", role: "group", "aria-label": t("class_hint") });
  private readonly channel = h("select", { id: "channel" }, ...CHANNELS.map((one) => h("option", { value: one }, channelWord(one))));
  private readonly name = h("input", { id: "contact-name", maxlength: 60, autocomplete: "off" });
  private readonly phone = h("input", { id: "contact-phone", type: "tel", maxlength: 40, autocomplete: "off" });
  private readonly similar = h("div", { class: "similar", "aria-live": "polite" });
  private readonly route = h("div", { class: "route", "aria-live": "polite" });
  private readonly from = h("p", { id: "taken", class: "taken", hidden: true });
  private readonly place: PlaceField;

  constructor(
    place: HTMLElement,
    private readonly choices: Choices,
    map: DeskMap,
    private readonly does: Does,
  ) {
    this.place = new PlaceField(map, () => this.ask());
    this.category = h("select", { id: "category", onchange: () => this.ask() }, h("option", { value: "" }, t("class_other")));
    for (const one of choices.classes) this.category.append(h("option", { value: one.category_id }, `${one.code} ${named(one)}`));
    this.words.addEventListener("input", () => this.ask());
    const contact = choices.contacts.kept
      ? h(
          "details",
          { class: "contact" },
          h("summary", {}, t("contact")),
          h("p", { class: "note" }, t("contact_why", { days: choices.contacts.keep_days })),
          h("div", { class: "pair" }, h("label", {}, t("contact_name"), this.name), h("label", {}, t("contact_phone"), this.phone)),
        )
      : h("p", { class: "note" }, t("contact_off"));
    const form = h(
      "form",
      { class: "call" },
      h("div", { class: "head" }, h("h2", {}, t("intake")), h("label", { class: "inline", for: "channel" }, t("channel")), this.channel,
        h("button", { type: "button", onclick: () => this.begin() }, t("new_call"))),
      this.from,
      h("label", { for: "words" }, t("words")), this.words,
      h("label", { for: "place" }, t("place")), this.place.element,
      h("label", { for: "category" }, t("class")), this.best, this.category,
      h("h3", {}, t("similar")), this.similar,
      this.route,
      contact,
      h(
        "div",
        { class: "do" },
        h("button", { class: "main", type: "submit" }, t("file")),
        h("button", { type: "button", id: "file-send", onclick: () => void this.file({ send: true }) }, t("file_send")),
        h("button", { type: "button", onclick: () => void this.end() }, t("no_case")),
      ),
      h("p", { class: "keys" }, t("keys")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.file({ send: false });
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.ctrlKey) {
        event.preventDefault();
        void this.file({ send: false });
      }
    });
    place.append(form);
  }

  /** A fresh call. */
  begin(): void {
    this.id = crypto.randomUUID();
    this.taken = null;
    this.from.hidden = true;
    for (const field of [this.words, this.name, this.phone]) field.value = "";
    this.words.readOnly = false;
    this.category.value = "";
    this.place.clear();
    this.suggested = null;
    this.draw();
    this.mark();
    this.words.focus();
  }

  /** A report that came in by itself. */
  take(report: Unfiled): void {
    this.begin();
    this.taken = report;
    this.id = report.report_id;
    this.words.value = report.words;
    this.words.readOnly = true; // what somebody reported stays as they said it
    this.category.value = report.category_id === null ? "" : String(report.category_id);
    this.place.put({ lon: report.lon, lat: report.lat, area_id: null, text: report.address ?? areaOf(report) ?? t("point"), fixed: true });
    this.from.textContent = t("from_report", { channel: channelWord(report.channel), by: report.taken_by });
    this.from.hidden = false;
    this.ask();
  }

  /** Confirm one of the suggested classes. */
  choose(place: number): void {
    const one = this.suggested?.classes[place];
    if (one === undefined) return;
    this.category.value = String(one.category_id);
    this.ask();
  }

  private ask(): void {
    this.mark();
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => void this.look(), WAIT_MS);
  }

  private mark(): void {
    const unsaved = this.words.value.trim() !== "" && this.taken === null;
    if (unsaved) document.body.dataset.unsaved = "yes";
    else delete document.body.dataset.unsaved;
  }

  private async look(): Promise<void> {
    const ticket = ++this.ticket;
    const place = this.place.value;
    if (this.words.value.trim() === "" && place === null) return;
    try {
      const told = await call<Suggested>("/api/v1/reports/suggest", {
        body: { words: this.words.value, place: place && where(place), category_id: Number(this.category.value) || null },
      });
      if (ticket !== this.ticket) return;
      this.suggested = told;
      this.place.tell(told.area);
      this.draw();
    } catch (error) {
      if (error instanceof Problem && ticket === this.ticket) this.place.tellProblem(error.message);
    }
  }

  private draw(): void {
    const told = this.suggested;
    const isUnsure = told?.classifier && told.classes.length > 0 && !told.classes[0]?.sure;
    redraw(
      this.best,
      told?.classifier === null && this.words.value !== "" && h("p", { class: "note" }, t("no_classifier")),
      ...(told?.classes ?? []).map((one, place) =>
        h(
          "button",
          {
            type: "button", "aria-pressed": String(this.category.value === String(one.category_id)), "data-class": one.category_id, "data-sure": String(one.sure),
            accesskey: String(place + 1), onclick: () => this.choose(place),
          },
          h("kbd", {}, String(place + 1)), named(one), h("small", {}, share(one.confidence)),
        ),
      ),
      isUnsure ? h("p", { class: "note" }, t("class_unsure")) : null,
    );
    this.drawSimilar();
    this.drawRoute();
  }

  private drawSimilar(): void {
    const told = this.suggested;
    if (told === null || told.area === null) {
      redraw(this.similar, h("p", { class: "note" }, t("similar_wait")));
      return;
    }
    if (told.similar.length === 0) {
      redraw(this.similar, h("p", { class: "note" }, t("similar_none")));
      return;
    }
    redraw(
      this.similar,
      ...told.similar.slice(0, 4).map((one) =>
        h(
          "div",
          { class: "twin", "data-twin": one.case_id },
          h("button", { type: "button", class: "link", onclick: () => this.does.open(one.case_id) }, one.number),
          h("span", { class: "state", "data-state": one.state }, stateWord(one.state)),
          h("p", {}, one.words),
          h("small", {}, `${t("alike", { m: number(one.distance_m), p: number(one.alike * 100) })} · ${clock(new Date(one.opened_at), zone(), { day: true })}`),
          h("button", { type: "button", onclick: () => void this.join(one.case_id) }, t("join")),
        ),
      ),
    );
  }

  private drawRoute(): void {
    const told = this.suggested;
    this.route.replaceChildren();
    if (told === null || told.area === null) return;
    const zh = language() === "zh";
    if (told.route === null) this.route.append(h("p", { class: "note" }, t("route_none")));
    else {
      this.route.append(
        h("p", {}, `${t("route")} `, h("b", {}, named(told.route))),
        h("p", { class: "note" }, zh ? told.route.reason_zh : told.route.reason_en),
      );
    }
    if (told.due) {
      this.route.append(
        h("p", {}, `${t("due")} `, h("b", {}, clock(new Date(told.due.at), zone(), { day: true })), told.due.provisional ? t("provisional") : ""),
      );
    }
  }

  /** Write the report down; the same form sent twice is one report, by its number. */
  private async keep(): Promise<boolean> {
    if (this.words.value.trim() === "") return this.refuse(t("need_words"), this.words);
    const place = this.place.value;
    if (place === null) return this.refuse(t("need_place"), this.place.input);
    if (this.taken !== null) return true;
    const contact = this.name.value.trim() || this.phone.value.trim() ? { name: this.name.value, phone: this.phone.value } : null;
    await call(`/api/v1/reports/${this.id}`, {
      method: "PUT",
      body: {
        channel: this.channel.value, words: this.words.value, place: where(place), address: place.text || null,
        category_id: Number(this.category.value) || null, contact,
      },
    });
    return true;
  }

  private refuse(why: string, field: HTMLElement): boolean {
    toast(why, { bad: true });
    field.focus();
    return false;
  }

  private async file({ send }: { send: boolean }): Promise<void> {
    if (!this.category.value && this.words.value.trim() && this.place.value) {
      this.refuse(t("need_class"), this.category);
      return;
    }
    const department = this.suggested?.route?.department_id;
    await this.once(async () => {
      if (!(await this.keep())) return;
      let view = await call<CaseView>(`/api/v1/reports/${this.id}/file`, { body: { category_id: Number(this.category.value) } });
      if (send && department !== undefined && view.state === "accepted") {
        view = await call<CaseView>(`/api/v1/cases/${view.case_id}/steps`, {
          body: { action: "dispatch", request_id: crypto.randomUUID(), seen_version: view.version, department_id: department },
        });
      }
      toast(t("filed", { number: view.number }));
      this.end_with(view);
    });
  }

  private async join(caseId: number): Promise<void> {
    await this.once(async () => {
      if (!(await this.keep())) return;
      const view = await call<CaseView>(`/api/v1/reports/${this.id}/join`, { body: { case_id: caseId } });
      toast(t("joined", { number: view.number }), { seconds: 10 });
      this.end_with(view);
    });
  }

  private async end(): Promise<void> {
    const picked = await pickOutcome(this.choices.outcomes);
    if (picked === null) return;
    await this.once(async () => {
      if (!(await this.keep())) return;
      const view = await call<CaseView>(`/api/v1/reports/${this.id}/refuse`, { body: picked });
      toast(t("ended", { number: view.number }));
      this.end_with(view);
    });
  }

  private end_with(view: CaseView): void {
    this.begin();
    this.does.filed(view);
  }

  private async once(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(error.message, { bad: true, seconds: 12 });
    } finally {
      this.busy = false;
    }
  }
}

/** A probability in per cent; never a certainty. */
function share(chance: number): string {
  if (chance > 0.99) return t("sure", { p: ">99" });
  return chance < 0.01 ? t("sure", { p: "<1" }) : t("sure", { p: number(chance * 100) });
}

function where(place: Place): Record<string, number | null> {
  return place.lon === null || place.lat === null ? { area_id: place.area_id } : { lon: place.lon, lat: place.lat };
}
