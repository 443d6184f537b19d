/** On duty or off it; the track is kept while on duty, thinned, and only then. */

import { h } from "../shared/dom";
import type { Keep } from "./keep";
import type { Outbox } from "./outbox";
import { followPosition, type Fix } from "./position";
import { t } from "./words";

const EVERY_MS = 15_000;
const WORST_M = 100;

export class Duty {
  private on = false;
  private stop: (() => void) | null = null;
  private lastAt = 0;
  readonly element = h("button", { type: "button", class: "duty", role: "switch", "aria-checked": "false", title: t("duty_why"), onclick: () => void this.toggle() });

  constructor(
    private readonly keep: Keep,
    private readonly outbox: Outbox,
    private readonly login: string,
  ) {}

  /** Show what stands, and follow or stop following. */
  tell(duty: { on: boolean } | null): void {
    this.on = duty?.on ?? false;
    this.element.setAttribute("aria-checked", String(this.on));
    this.element.textContent = this.on ? t("on_duty") : t("off_duty");
    if (this.on && this.stop === null) this.stop = followPosition((fix) => void this.note(fix), (why) => this.fail(why));
    if (!this.on && this.stop !== null) {
      this.stop();
      this.stop = null;
    }
  }

  private async toggle(): Promise<void> {
    await this.outbox.add({ entry_id: crypto.randomUUID(), kind: "duty", body: { on: !this.on } });
  }

  private async note(fix: Fix): Promise<void> {
    const now = Date.now();
    if (!this.on || now - this.lastAt < EVERY_MS || fix.accuracy_m > WORST_M) return;
    this.lastAt = now;
    this.element.title = t("duty_why");
    await this.keep.addPoint({ login: this.login, at: new Date(now).toISOString(), ...fix });
  }

  private fail(why: string): void {
    this.element.title = t("track_off", { why });
  }
}
