/** Where units on duty are: asked only while it is looked at, for each read is logged. */

import { may } from "../shared/api";
import type { Address } from "./address";
import { readUnits, type UnitSeen } from "./data";
import type { Layers } from "./layers";

export class Units {
  private found: { at: number; units: UnitSeen[] } = { at: 0, units: [] };

  constructor(
    private readonly layers: Layers,
    private readonly address: Address,
    private readonly isLive: () => boolean,
  ) {}

  /** Ask once when the layer is switched on. */
  readFirst(): void {
    if (this.address.layers.includes("tracks") && this.found.at === 0) void this.read();
  }

  async read(): Promise<void> {
    if (!may("tracks.read")) return;
    if (!this.isLive()) this.found = { at: 0, units: [] };
    try {
      const isShown = this.address.layers.includes("tracks") && this.isLive() && !document.hidden;
      if (isShown) this.found = await readUnits(this.address.code);
    } catch {
      // What is shown says its age, which goes on growing.
    }
    this.draw();
  }

  draw(): void {
    this.layers.drawUnits(this.found.units, Date.now() / 1000);
  }
}
