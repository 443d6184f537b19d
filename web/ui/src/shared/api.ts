/** Talking to this server: the session's cookie, its CSRF token, and problems as sentences. */

import { language, translator } from "./words";

export interface Session {
  login: string | null;
  name: string | null;
  roles: string[];
  permissions: string[];
  areas: number[] | null;
  screen: string | null;
  must_change_password: boolean;
  csrf: string | null;
  pages: string[];
}

/** An RFC 9457 problem, or no answer at all (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail && detail !== title ? `${title}: ${detail}` : title);
  }
}

const t = translator({
  unreachable: ["服务器没有响应，请检查网络后重试。", "The server does not answer: check the network and try again."],
  odd: ["服务器的回答无法识别。", "The server's answer cannot be read."],
});

let session: Session | null = null;

/** Who is signed in; asked once a page. */
export async function readSession(): Promise<Session> {
  session ??= await call<Session>("/api/v1/session");
  return session;
}

export function may(permission: string): boolean {
  return session?.permissions.includes(permission) ?? false;
}

interface Asked {
  method?: string;
  /** Sent as JSON; FormData as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Ask and return the answer; throws `Problem` where it is one. */
export async function send(path: string, asked: Asked = {}): Promise<Response> {
  const method = asked.method ?? (asked.body === undefined ? "GET" : "POST");
  const headers: Record<string, string> = { "Accept-Language": language(), Accept: "application/json", ...asked.headers };
  let body: BodyInit | undefined;
  if (asked.body instanceof FormData || asked.body instanceof Blob) body = asked.body;
  else if (asked.body !== undefined) {
    headers["Content-Type"] ??= "application/json";
    body = JSON.stringify(asked.body);
  }
  if (method !== "GET" && session?.csrf) headers["X-CSRF-Token"] = session.csrf;
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body, credentials: "same-origin", signal: asked.signal });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, t("unreachable"), "");
  }
  if (!answer.ok) throw await readProblem(answer);
  return answer;
}

/** Ask and return the JSON of the answer; undefined where it has no body. */
export async function call<T>(path: string, asked: Asked = {}): Promise<T> {
  const answer = await send(path, asked);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

async function readProblem(answer: Response): Promise<Problem> {
  try {
    const body = (await answer.json()) as { title?: string; detail?: string };
    return new Problem(answer.status, body.title ?? `${answer.status}`, body.detail ?? "");
  } catch {
    return new Problem(answer.status, `${answer.status} ${answer.statusText}`.trim(), t("odd"));
  }
}

/** Go and sign in, and come back here. */
export function goSignIn(): void {
  location.assign(`/login?to=${encodeURIComponent(location.pathname + location.search)}`);
}
