/** What the tablet keeps in IndexedDB: today's work, the outbox, photos, what failed, track points. */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";

export interface Item {
  /** Made here; the server does each once. */
  entry_id: string;
  login: string;
  sequence: number;
  at: string;
  kind: "report" | "step" | "arrive" | "leave" | "duty" | "photo";
  /** The rest of the entry, as the server takes it; of a photo its form. */
  body: Record<string, unknown>;
  /** Of a photo. */
  blob?: Blob;
}

export interface Trouble extends Item {
  outcome: "conflict" | "rejected";
  zh: string;
  en: string;
}

export interface Point {
  id?: number;
  device: string;
  /** Without a gap, for each device. */
  seq: number;
  at: string;
  lon: number;
  lat: number;
}

interface Schema extends DBSchema {
  outbox: { key: string; value: Item; indexes: { sequence: number } };
  trouble: { key: string; value: Trouble };
  points: { key: number; value: Point };
  notes: { key: string; value: unknown };
}

export class Keep {
  private constructor(private readonly db: IDBPDatabase<Schema>) {}

  static async open(): Promise<Keep> {
    const db = await openDB<Schema>("gridbeat-field", 1, {
      upgrade(made) {
        made.createObjectStore("outbox", { keyPath: "entry_id" }).createIndex("sequence", "sequence");
        made.createObjectStore("trouble", { keyPath: "entry_id" });
        made.createObjectStore("points", { keyPath: "id", autoIncrement: true });
        made.createObjectStore("notes");
      },
    });
    await navigator.storage?.persist?.().catch(() => false);
    return new Keep(db);
  }

  async note<T>(key: string): Promise<T | undefined> {
    return (await this.db.get("notes", key)) as T | undefined;
  }

  async setNote(key: string, value: unknown): Promise<void> {
    await this.db.put("notes", value, key);
  }

  /** The number of this device; made once. */
  async device(): Promise<string> {
    const known = await this.note<string>("device");
    if (known) return known;
    const made = crypto.randomUUID();
    await this.setNote("device", made);
    return made;
  }

  /** Keep items in one transaction, numbered in their order: all are kept, or none. */
  async add(items: Omit<Item, "sequence">[]): Promise<Item[]> {
    const work = this.db.transaction(["outbox", "notes"], "readwrite");
    let next = ((await work.objectStore("notes").get("sequence")) as number | undefined) ?? 0;
    const kept: Item[] = [];
    for (const item of items) {
      const numbered = { ...item, sequence: ++next };
      kept.push(numbered);
      await work.objectStore("outbox").add(numbered);
    }
    await work.objectStore("notes").put(next, "sequence");
    await work.done;
    return kept;
  }

  /** What waits to be sent, of everybody, in its order. */
  outbox(): Promise<Item[]> {
    return this.db.getAllFromIndex("outbox", "sequence");
  }

  /** Take away what is done, and keep what failed where it is shown, in one transaction. */
  async settle(done: string[], failed: Trouble[]): Promise<void> {
    const work = this.db.transaction(["outbox", "trouble"], "readwrite");
    for (const trouble of failed) await work.objectStore("trouble").put(trouble);
    for (const id of [...done, ...failed.map((one) => one.entry_id)]) await work.objectStore("outbox").delete(id);
    await work.done;
  }

  troubles(): Promise<Trouble[]> {
    return this.db.getAll("trouble");
  }

  async dropTrouble(id: string): Promise<void> {
    await this.db.delete("trouble", id);
  }

  /** Keep a point under the next number of its device; a fresh device begins with the time in ms. */
  async addPoint(point: Omit<Point, "seq" | "id">): Promise<void> {
    const work = this.db.transaction(["points", "notes"], "readwrite");
    const key = `track:${point.device}`;
    const last = ((await work.objectStore("notes").get(key)) as number | undefined) ?? Date.now();
    await work.objectStore("points").add({ ...point, seq: last + 1 });
    await work.objectStore("notes").put(last + 1, key);
    await work.done;
  }

  async points(most: number): Promise<Point[]> {
    return this.db.getAll("points", undefined, most);
  }

  countPoints(): Promise<number> {
    return this.db.count("points");
  }

  async dropPoints(points: Point[]): Promise<void> {
    const work = this.db.transaction("points", "readwrite");
    for (const point of points) if (point.id !== undefined) await work.store.delete(point.id);
    await work.done;
  }
}
