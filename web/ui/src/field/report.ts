/** A find in a few taps: what it is, where the device is, send. */

import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { named } from "../shared/words";
import type { ClassRow } from "../shared/cases";
import type { Day } from "./day";
import type { Keep } from "./keep";
import type { FieldMap } from "./map";
import type { Outbox } from "./outbox";
import { PhotoStrip } from "./photos";
import { findPosition, type Fix } from "./position";
import { t } from "./words";

const CHIPS = 8;
const USED = "classes-used";

export class ReportSheet {
  private chosen: ClassRow | null = null;
  private fix: Fix | null = null;

  constructor(
    private readonly day: Day,
    private readonly outbox: Outbox,
    private readonly map: FieldMap,
    private readonly keep: Keep,
  ) {}

  /** Ask; true when something was noted. */
  async open(): Promise<boolean> {
    const used = (await this.keep.note<Record<number, number>>(USED)) ?? {};
    const classes = [...(this.day.today?.classes ?? [])].sort((a, b) => (used[b.category_id] ?? 0) - (used[a.category_id] ?? 0));
    const chips = h("div", { class: "chips", role: "group", "aria-label": t("report_class") });
    const others = h("select", { "aria-label": t("report_other") }, h("option", { value: "" }, t("report_other")));
    const buttons = new Map<number, HTMLElement>();
    const choose = (one: ClassRow | null): void => {
      this.chosen = one;
      for (const [id, button] of buttons) button.setAttribute("aria-pressed", String(id === one?.category_id));
    };
    for (const one of classes.slice(0, CHIPS)) {
      const made = h("button", { type: "button", "aria-pressed": "false", "data-class": one.category_id, onclick: () => choose(one) }, named(one));
      buttons.set(one.category_id, made);
      chips.append(made);
    }
    for (const one of classes) others.append(h("option", { value: one.category_id }, `${one.code} ${named(one)}`));
    others.addEventListener("change", () => choose(classes.find((one) => one.category_id === Number(others.value)) ?? null));
    const words = h("textarea", { id: "find-words", rows: 2, maxlength: 2000 });
    const strip = new PhotoStrip(t("report_photo"));
    const where = h("p", { class: "where", role: "status" }, t("report_place_wait"));
    const dialog = h(
      "dialog",
      { class: "sheet report", "aria-labelledby": "report-title" },
      h("h2", { id: "report-title" }, t("report_title")),
      chips,
      classes.length > CHIPS ? others : null,
      strip.element,
      h("label", { for: "find-words" }, t("report_words")),
      words,
      where,
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "main", id: "find-send", onclick: () => void send() }, t("send")),
        h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")),
      ),
    );
    void findPosition().then((fix) => {
      this.fix = fix;
      where.textContent = fix ? t("report_place_gps", { m: fix.accuracy_m }) : t("report_place_map");
    });
    let sent = false;
    const send = async (): Promise<void> => {
      if (this.chosen === null) {
        toast(t("report_need_class"), { bad: true });
        return;
      }
      if (sent) return;
      sent = true;
      try {
        await this.note(this.chosen, words.value.trim(), strip);
      } catch {
        sent = false;
        toast(t("storage"), { bad: true });
        return;
      }
      used[this.chosen.category_id] = (used[this.chosen.category_id] ?? 0) + 1;
      await this.keep.setNote(USED, used);
      dialog.close("sent");
    };
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "sent");
      });
    });
  }

  private async note(one: ClassRow, words: string, strip: PhotoStrip): Promise<void> {
    const id = crypto.randomUUID();
    const place = this.fix ?? this.map.centre();
    const body = {
      words: words || t("find", { name: named(one) }), category_id: one.category_id,
      lon: place.lon, lat: place.lat, accuracy_m: this.fix?.accuracy_m ?? null,
    };
    await this.outbox.add({ entry_id: id, kind: "report", body }, ...strip.items({ report_id: id, kind: "before" }));
  }
}
