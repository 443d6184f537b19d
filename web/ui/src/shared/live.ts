/** What happens, as server-sent events: resumes by itself, and says when it does not hear. */

export type LiveState = "connecting" | "connected" | "lost" | "signed-out";

export interface LiveOptions {
  /** Kinds of events to hear: incident, case, plan, alert. */
  kinds: string[];
  /** Hear when a desk steers this wall. */
  wall?: string;
  /** Hear all since this event; a page takes it from the document that it began with. */
  last?: number;
  onEvent: (kind: string, body: Record<string, unknown>, number: number) => void;
  onLayer?: (layer: string) => void;
  onDirect?: () => void;
  onState?: (state: LiveState, heardAt: number) => void;
  /** The log does not reach back so far: load everything anew. */
  onReset?: () => void;
}

const SILENT_MS = 40_000; // the server says something every 15 s
const AGAIN_MS = 2_000;

export class Live {
  private source: EventSource | null = null;
  private timer = 0;
  private state: LiveState = "connecting";
  /** When anything was last heard, as `Date.now()`. */
  heardAt = 0;
  last: number | undefined;

  constructor(private readonly options: LiveOptions) {
    this.last = options.last;
    this.open();
    this.timer = window.setInterval(() => this.watch(), 1000);
    window.addEventListener("online", () => this.reopen());
  }

  close(): void {
    window.clearInterval(this.timer);
    this.source?.close();
  }

  private open(): void {
    const query = new URLSearchParams(this.options.kinds.map((kind) => ["kind", kind]));
    if (this.last !== undefined) query.set("last", String(this.last));
    if (this.options.wall) query.set("wall", this.options.wall);
    const source = new EventSource(`/live?${query}`);
    this.source = source;
    source.onopen = () => this.hear();
    source.onerror = () => this.tell("lost");
    for (const kind of this.options.kinds) {
      source.addEventListener(kind, (event) => this.take(kind, event as MessageEvent<string>));
    }
    source.addEventListener("beat", (event) => {
      this.hear();
      // Nothing was said to us up to here: no need to have it searched again when we come back.
      const number = Number((event as MessageEvent<string>).lastEventId);
      if (number > (this.last ?? 0)) this.last = number;
    });
    source.addEventListener("layer", (event) => {
      this.hear();
      this.options.onLayer?.((JSON.parse((event as MessageEvent<string>).data) as { layer: string }).layer);
    });
    source.addEventListener("direct", () => this.options.onDirect?.());
    source.addEventListener("reset", () => this.options.onReset?.());
    source.addEventListener("signed-out", () => {
      this.tell("signed-out");
      this.close();
    });
  }

  private take(kind: string, event: MessageEvent<string>): void {
    this.hear();
    const number = Number(event.lastEventId);
    if (this.last !== undefined && number <= this.last) return;
    this.last = number;
    this.options.onEvent(kind, JSON.parse(event.data) as Record<string, unknown>, number);
  }

  private hear(): void {
    this.heardAt = Date.now();
    this.tell("connected");
  }

  private tell(state: LiveState): void {
    this.state = state;
    this.options.onState?.(state, this.heardAt);
  }

  private reopen(): void {
    this.source?.close();
    this.heardAt = Date.now();
    this.open();
  }

  /** A cable that was pulled gives no error: silence is one, and a closed source is opened anew. */
  private watch(): void {
    if (this.state === "signed-out") return;
    const silent = Date.now() - this.heardAt;
    if (this.state === "connected" && silent > SILENT_MS) this.tell("lost");
    const isClosed = this.source?.readyState === EventSource.CLOSED;
    if (this.state === "lost" && (isClosed ? silent > AGAIN_MS : silent > SILENT_MS)) this.reopen();
  }
}
