/** On duty or off it; the track is kept while on duty, thinned, and only then. */

import { call, Problem } from "../shared/api";
import { h } from "../shared/dom";
import type { Keep, Point } from "./keep";
import type { Outbox } from "./outbox";
import { followPosition, type Fix } from "./position";
import { t } from "./words";

const EVERY_MS = 15_000;
const SEND_MS = 60_000;
const WORST_M = 100;
const MOST = 500;

export class Duty {
  private on = false;
  private device: string | null = null;
  private stop: (() => void) | null = null;
  private lastAt = 0;
  readonly element = h("button", { type: "button", class: "duty", role: "switch", "aria-checked": "false", title: t("duty_why"), onclick: () => void this.toggle() });

  constructor(
    private readonly keep: Keep,
    private readonly outbox: Outbox,
  ) {
    window.setInterval(() => void this.send(), SEND_MS);
  }

  /** Show what stands, and follow or stop following; without a device of one's own nothing is kept. */
  tell(today: { duty: { on: boolean }; device: string | null } | null): void {
    this.on = today?.duty.on ?? false;
    this.device = today?.device ?? null;
    this.element.setAttribute("aria-checked", String(this.on));
    this.element.textContent = this.on ? t("on_duty") : t("off_duty");
    this.element.title = this.device === null ? t("no_device") : t("duty_why");
    const follows = this.on && this.device !== null;
    if (follows && this.stop === null) this.stop = followPosition((fix) => void this.note(fix), (why) => this.fail(why));
    if (!follows && this.stop !== null) {
      this.stop();
      this.stop = null;
    }
  }

  private async toggle(): Promise<void> {
    await this.outbox.add({ entry_id: crypto.randomUUID(), kind: "duty", body: { on: !this.on } });
    if (!this.on) await this.send();
  }

  private async note({ lon, lat, accuracy_m }: Fix): Promise<void> {
    const now = Date.now();
    const device = this.device;
    if (!this.on || device === null || now - this.lastAt < EVERY_MS || accuracy_m > WORST_M) return;
    const isFirst = this.lastAt === 0;
    this.lastAt = now;
    await this.keep.addPoint({ device, at: new Date(now).toISOString(), lon, lat });
    if (isFirst) await this.send();
  }

  /** Send points in their order; all before the number that comes back may be forgotten. */
  private async send(): Promise<void> {
    if (!navigator.onLine || this.device === null) return;
    await navigator.locks.request("gridbeat-track", { ifAvailable: true }, async (lock) => {
      if (lock === null) return;
      const points = unbroken((await this.keep.points(MOST)).filter((point) => point.device === this.device));
      const first = points[0];
      if (first === undefined) return;
      const fixes = points.map(({ at, lon, lat }) => ({ at, lon, lat }));
      try {
        const { next_seq } = await call<{ next_seq: number }>("/api/v1/tracks", {
          body: { device: first.device, first_seq: first.seq, sent_at: new Date().toISOString(), fixes },
        });
        await this.keep.dropPoints(points.filter((point) => point.seq < next_seq));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        this.element.title = error.message; // kept, and sent again in a minute
      }
    });
  }

  private fail(why: string): void {
    this.element.title = t("track_off", { why });
  }
}

/** The points up to the first gap in their numbers. */
function unbroken(points: Point[]): Point[] {
  const end = points.findIndex((point, place) => place > 0 && point.seq !== (points[place - 1]?.seq ?? 0) + 1);
  return end < 0 ? points : points.slice(0, end);
}
