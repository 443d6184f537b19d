/** What says whether the screen may be believed: the connection, old data, numbers that were not renewed. */

import { byId } from "../shared/dom";
import type { LiveState } from "../shared/live";
import { ago, clock } from "../shared/words";
import type { WallState } from "./data";
import { t, type Word } from "./words";

/** Older than this, the numbers are said to be old even where events still come in. */
const STALE_MS = 150_000;

export class Signs {
  private freshAt = Date.now();

  /** The numbers were renewed just now. */
  renewed(): void {
    this.freshAt = Date.now();
  }

  /** The newest incident is of long ago. */
  old(state: WallState): void {
    const old = byId("old");
    old.hidden = !state.is_old;
    const last = state.last_incident_at;
    old.textContent = last === null ? t("no_data") : t("old_data", { at: clock(new Date(last * 1000), state.place.time_zone, { day: true }), ago: ago(state.at - last) });
  }

  connected(state: WallState, connection: LiveState, heardAt = 0): void {
    const chip = byId("connection");
    const word: Record<LiveState, Word> = { connecting: "connecting", connected: "connected", lost: "lost", "signed-out": "signed_out" };
    chip.textContent = t(word[connection]);
    chip.className = `chip ${connection}`;
    const banner = byId("lost");
    const isLost = connection === "lost" || connection === "signed-out";
    if (isLost && banner.hidden) {
      const at = clock(new Date(Math.max(heardAt, state.at * 1000)), state.place.time_zone);
      banner.textContent = connection === "lost" ? t("lost_since", { at }) : t("signed_out");
    }
    banner.hidden = !isLost;
  }

  /** Events may come while the numbers cannot be worked out: that is said, too. */
  stale(state: WallState): void {
    const banner = byId("stale");
    banner.hidden = Date.now() - this.freshAt < STALE_MS;
    if (!banner.hidden) {
      banner.textContent = t("stale", { at: clock(new Date(state.at * 1000), state.place.time_zone, { day: true }) });
    }
  }
}
