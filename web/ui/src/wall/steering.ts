/** One desk steers all screens of a wall: every screen turns to its view and says who steers. */

import { call, send } from "../shared/api";
import { toast } from "../shared/dialog";
import { byId } from "../shared/dom";
import { clock } from "../shared/words";
import type { Direction, View } from "./data";
import type { Tour } from "./tour";
import { t } from "./words";

interface Steered {
  wall: string;
  timeZone: string;
  tour: Tour;
  /** Seconds at each stop of the tour that goes on when the wall is let go. */
  tourSeconds: () => number;
  view: () => View;
  show: (view: View, duration: number) => void;
}

export class Steering {
  constructor(private readonly steered: Steered) {}

  private get address(): string {
    return `/api/v1/wall/direction?wall=${encodeURIComponent(this.steered.wall)}`;
  }

  /** Ask who steers, and look where they do; without anybody, the tour goes on. */
  async read(): Promise<void> {
    const { tour, tourSeconds, timeZone, show } = this.steered;
    const direction = await call<Direction>(this.address);
    const line = byId("directed");
    line.hidden = direction.view === null;
    if (direction.view === null) {
      if (!tour.isOn) tour.run(tourSeconds());
      return;
    }
    tour.run(0);
    const at = clock(new Date(direction.directed_at ?? 0), timeZone);
    line.textContent = t("directed", { who: direction.directed_by ?? "", at }) + (direction.view.note ? ` · ${direction.view.note}` : "");
    show(direction.view, 1500);
  }

  async direct(): Promise<void> {
    await send(this.address, { body: this.steered.view() });
    toast(t("directed_done", { wall: this.steered.wall }));
  }

  async release(): Promise<void> {
    await send(this.address, { method: "DELETE" });
    toast(t("released_done", { wall: this.steered.wall }));
  }
}
