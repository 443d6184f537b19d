/** The outbox: what was done on the device goes to the server in order, once, whatever the network does. */

import { call, Problem } from "../shared/api";
import type { Item, Keep, Trouble } from "./keep";

export interface Answer {
  entry_id: string;
  outcome: "done" | "already_done" | "conflict" | "rejected";
  zh: string;
  en: string;
}

interface Told {
  answers: Answer[];
  skew_s: number;
  clock_is_off: boolean;
}

export interface OutboxState {
  waiting: number;
  others: number;
  troubles: number;
  sending: boolean;
  /** When it is tried again, as `Date.now()`; 0 for not at all. */
  again: number;
  signedOut: boolean;
  skew: number | null;
}

const BATCH = 25;
const FIRST_MS = 2_000;
const LONGEST_MS = 5 * 60_000;

export class Outbox {
  readonly state: OutboxState = { waiting: 0, others: 0, troubles: 0, sending: false, again: 0, signedOut: false, skew: null };
  private tries = 0;
  private timer = 0;
  changed: (state: OutboxState) => void = () => undefined;
  /** Something was settled on the server: look anew. */
  settled: () => void = () => undefined;

  constructor(
    private readonly keep: Keep,
    private readonly device: string,
    private readonly login: string,
  ) {
    window.addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.now();
    });
  }

  /** Keep something that was done, then try to send; it is safe before this returns. */
  async add(...items: Pick<Item, "kind" | "body" | "blob" | "entry_id">[]): Promise<void> {
    const at = new Date().toISOString();
    await this.keep.add(items.map((item) => ({ ...item, login: this.login, at })));
    await this.count();
    this.now();
  }

  /** Try at once. */
  now(): void {
    window.clearTimeout(this.timer);
    this.state.again = 0;
    void this.send();
  }

  async count(): Promise<void> {
    const all = await this.keep.outbox();
    this.state.waiting = all.filter((item) => item.login === this.login).length;
    this.state.others = all.length - this.state.waiting;
    this.state.troubles = (await this.keep.troubles()).filter((one) => one.login === this.login).length;
    this.changed(this.state);
  }

  /** One sender among all tabs; what two send all the same is done once by its number. */
  private async send(): Promise<void> {
    await navigator.locks.request("gridbeat-outbox", { ifAvailable: true }, async (lock) => {
      if (lock === null) {
        this.later(FIRST_MS);
        return;
      }
      this.state.sending = true;
      this.changed(this.state);
      try {
        while (await this.sendNext()) this.tries = 0;
        this.tries = 0;
        this.state.signedOut = false;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        this.state.signedOut = error.status === 401;
        this.backOff();
      } finally {
        this.state.sending = false;
        await this.count();
      }
    });
  }

  /** Send what comes next: a photo, or entries up to the next photo; false when nothing is left. */
  private async sendNext(): Promise<boolean> {
    const mine = (await this.keep.outbox()).filter((item) => item.login === this.login);
    const first = mine[0];
    if (first === undefined) return false;
    if (first.kind === "photo") await this.sendPhoto(first);
    else {
      const end = mine.findIndex((item) => item.kind === "photo");
      await this.sendEntries(mine.slice(0, Math.min(BATCH, end < 0 ? BATCH : end)));
    }
    await this.count();
    this.settled();
    return true;
  }

  private async sendEntries(items: Item[]): Promise<void> {
    try {
      await this.sendBatch(items);
    } catch (error) {
      if (!(error instanceof Problem) || !isFinal(error.status)) throw error;
      const [only, ...rest] = items;
      if (only === undefined) return;
      // One entry that the server cannot read must not hold up the others.
      if (rest.length > 0) for (const item of items) await this.sendEntries([item]);
      else await this.keep.settle([], [{ ...only, outcome: "rejected", zh: error.message, en: error.message }]);
    }
  }

  private async sendBatch(items: Item[]): Promise<void> {
    const entries = items.map(({ entry_id, sequence, at, kind, body }) => ({ ...body, entry_id, sequence, at, kind }));
    const told = await call<Told>("/api/v1/field/sync", {
      body: { device_id: this.device, sent_at: new Date().toISOString(), entries },
    });
    this.state.skew = told.clock_is_off ? told.skew_s : null;
    const byId = new Map(told.answers.map((answer) => [answer.entry_id, answer]));
    const done: string[] = [];
    const failed: Trouble[] = [];
    for (const item of items) {
      const answer = byId.get(item.entry_id);
      if (answer === undefined) continue; // not answered: it stays and is sent again
      if (answer.outcome === "done" || answer.outcome === "already_done") done.push(item.entry_id);
      else failed.push({ ...item, outcome: answer.outcome, zh: answer.zh, en: answer.en });
    }
    if (done.length + failed.length === 0) throw new Problem(0, "", "");
    await this.keep.settle(done, failed);
  }

  private async sendPhoto(item: Item): Promise<void> {
    const form = new FormData();
    form.set("file", item.blob as Blob, "photo.jpg");
    for (const [name, value] of Object.entries(item.body)) if (value !== null && value !== undefined) form.set(name, String(value));
    try {
      await call(`/api/v1/photos/${item.entry_id}`, { method: "PUT", body: form });
    } catch (error) {
      if (!(error instanceof Problem) || !isFinal(error.status)) throw error;
      await this.keep.settle([], [{ ...item, outcome: error.status === 409 ? "conflict" : "rejected", zh: error.message, en: error.message }]);
      return;
    }
    await this.keep.settle([item.entry_id], []);
  }

  /** Twice as long each time, up to five minutes, by chance up to half less: not all at once. */
  private backOff(): void {
    const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries++);
    this.later(full * (0.5 + Math.random() / 2));
  }

  private later(wait: number): void {
    window.clearTimeout(this.timer);
    this.state.again = Date.now() + wait;
    this.timer = window.setTimeout(() => void this.send(), wait);
  }
}

/** An answer that sending again would not change. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 425, 429].includes(status);
}
