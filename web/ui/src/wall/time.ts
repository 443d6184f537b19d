/** The time slider: newest, or an hour of the last two days, or a day of the last eight weeks. */

import { h } from "../shared/dom";
import { clock } from "../shared/words";
import { t } from "./words";

export type TimeChoice = { mode: "live" } | { mode: "hours"; at: number } | { mode: "days"; index: number };
const HOURS = 48;
const STEP_MS = 900;

export class TimeBar {
  private shown: number | null = null;
  private mode: "hours" | "days" = "hours";
  private timer = 0;
  private end = 0;
  private days: string[] = [];
  private readonly slider = h("input", { type: "range", min: 0, max: HOURS, step: 1, value: HOURS, "aria-label": t("time") });
  private readonly label = h("output", { class: "time-label" });
  private readonly playButton = h("button", { type: "button", "aria-pressed": "false" }, t("play"));
  private readonly modes = {
    hours: h("button", { type: "button", "aria-pressed": "true" }, t("by_hours")),
    days: h("button", { type: "button", "aria-pressed": "false" }, t("by_days")),
  };

  constructor(
    place: HTMLElement,
    private readonly zone: string,
    private readonly chosen: (choice: TimeChoice) => void,
  ) {
    const now = h("button", { type: "button", onclick: () => this.toNewest() }, t("live_now"));
    place.append(this.playButton, this.modes.hours, this.modes.days, this.slider, this.label, now);
    this.slider.addEventListener("input", () => this.moved());
    this.playButton.addEventListener("click", () => this.togglePlay());
    for (const mode of ["hours", "days"] as const) this.modes[mode].addEventListener("click", () => this.setMode(mode));
  }

  /** The newest moment that there is, and the days of the slider. */
  setEnd(end: number, days: string[]): void {
    this.end = end;
    this.days = days;
    this.limits();
    if (!this.isLookingBack()) this.say();
  }

  /** Say how many single incidents the map shows of this time; null where it shows none by themselves. */
  tell(shown: number | null): void {
    this.shown = shown;
    this.say();
  }

  isLookingBack(): boolean {
    return Number(this.slider.value) < Number(this.slider.max);
  }

  toNewest(): void {
    this.stop();
    this.slider.value = this.slider.max;
    this.moved();
  }

  private setMode(mode: "hours" | "days"): void {
    this.mode = mode;
    for (const name of ["hours", "days"] as const) this.modes[name].setAttribute("aria-pressed", String(name === mode));
    this.limits();
    this.slider.value = this.slider.max;
    this.moved();
  }

  private limits(): void {
    const atEnd = !this.isLookingBack();
    this.slider.max = String(this.mode === "hours" ? HOURS : Math.max(1, this.days.length - 1));
    if (atEnd) this.slider.value = this.slider.max;
  }

  private togglePlay(): void {
    if (this.timer) {
      this.stop();
      return;
    }
    if (!this.isLookingBack()) this.slider.value = "0";
    this.playButton.textContent = t("pause");
    this.playButton.setAttribute("aria-pressed", "true");
    this.moved();
    this.timer = window.setInterval(() => {
      this.slider.value = String(Number(this.slider.value) + 1);
      this.moved();
      if (!this.isLookingBack()) this.stop();
    }, STEP_MS);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.playButton.textContent = t("play");
    this.playButton.setAttribute("aria-pressed", "false");
  }

  private moved(): void {
    this.say();
    this.chosen(this.choice());
  }

  private choice(): TimeChoice {
    const place = Number(this.slider.value);
    if (!this.isLookingBack()) return { mode: "live" };
    return this.mode === "hours" ? { mode: "hours", at: this.end - (HOURS - place) * 3600 } : { mode: "days", index: place };
  }

  private say(): void {
    const choice = this.choice();
    const at = choice.mode === "hours" ? choice.at : this.end;
    const text = choice.mode === "days" ? (this.days[choice.index] ?? "") : clock(new Date(at * 1000), this.zone, { day: true });
    const parts = [choice.mode === "live" ? t("live_now") : t("looking_back"), text];
    if (this.shown !== null) parts.push(t("shown_n", { n: this.shown }));
    this.label.textContent = parts.join(" · ");
    this.label.classList.toggle("back", choice.mode !== "live");
    this.slider.setAttribute("aria-valuetext", this.label.textContent);
  }
}
