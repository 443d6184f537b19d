/** Taking photos: made small at once, shown, and kept with time and position. */

import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { shrink } from "../shared/picture";
import type { Item } from "./keep";
import { findPosition, type Fix } from "./position";
import { t } from "./words";

interface Taken {
  id: string;
  blob: Blob;
  at: string;
  fix: Fix | null;
  element: HTMLElement;
}

export class PhotoStrip {
  photos: Taken[] = [];
  private readonly file: HTMLInputElement;
  private readonly add: HTMLElement;
  readonly element: HTMLElement;

  constructor(label: string) {
    this.file = h("input", { type: "file", accept: "image/*", capture: "environment", "aria-label": label, onchange: () => void this.take() });
    this.add = h("label", { class: "button add" }, label, this.file);
    this.element = h("div", { class: "strip" }, this.add);
  }

  /** The photos as the outbox keeps them. */
  items(of: { case_id?: number; report_id?: string; kind: string }): Pick<Item, "kind" | "body" | "blob" | "entry_id">[] {
    return this.photos.map(({ id, blob, at, fix }) => ({
      entry_id: id,
      kind: "photo",
      blob,
      body: { ...of, taken_at: at, lon: fix?.lon, lat: fix?.lat, accuracy_m: fix?.accuracy_m },
    }));
  }

  private async take(): Promise<void> {
    const picked = this.file.files?.[0];
    if (picked === undefined) return;
    const at = new Date().toISOString();
    try {
      const [blob, fix] = await Promise.all([shrink(picked), findPosition(1500)]);
      this.show({ id: crypto.randomUUID(), blob, at, fix });
    } catch (error) {
      toast(t("photo_failed", { why: error instanceof Error ? error.message : "" }), { bad: true });
    }
    this.file.value = "";
  }

  private show(taken: Omit<Taken, "element">): void {
    const address = URL.createObjectURL(taken.blob);
    const element = h(
      "figure",
      {},
      h("img", { src: address, alt: t("photo_n", { n: this.photos.length + 1 }) }),
      h("button", { type: "button", "aria-label": t("remove"), onclick: () => this.remove(taken.id) }, "×"),
    );
    this.photos.push({ ...taken, element });
    this.add.before(element);
  }

  private remove(id: string): void {
    this.photos.find((one) => one.id === id)?.element.remove();
    this.photos = this.photos.filter((one) => one.id !== id);
  }
}
