/** Chinese and English: each page has a table of key -> [Chinese, English]. */

export type Language = "zh" | "en";
export type Table = Record<string, readonly [zh: string, en: string]>;
export type Translate<T extends Table> = (key: keyof T & string, values?: Record<string, string | number>) => string;

const COOKIE = "gridbeat_lang";

/** The language that the server chose for this page: it reads address, cookie and browser. */
export function language(): Language {
  return document.documentElement.lang.startsWith("en") ? "en" : "zh";
}

/** Remember another language, and show the page in it. */
export function switchLanguage(to: Language): void {
  document.cookie = `${COOKIE}=${to}; max-age=31536000; path=/; secure; samesite=lax`;
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  if (address.href === location.href) location.reload();
  else location.replace(address);
}

/** Return what gives a page's texts; `{name}` in a text is filled from `values`. */
export function translator<T extends Table>(table: T): Translate<T> {
  return (key, values) => {
    const pair = table[key];
    if (pair === undefined) throw new Error(`no text for ${key}`);
    const text = pair[language() === "en" ? 1 : 0];
    return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
  };
}

/** Of a thing that has both names, the one to show. */
export function named(item: { name: string; name_en?: string | null }): string {
  return language() === "en" && item.name_en ? item.name_en : item.name;
}

const locale = (): string => (language() === "en" ? "en-GB" : "zh-CN");

export function number(value: number, digits = 0): string {
  return value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A time as clock and, if it is not today, day; `zone` is the jurisdiction's. */
export function clock(at: Date, zone: string, { day = false } = {}): string {
  // Swedish is written as ISO 8601 is, which both languages read: 2026-10-31 23:11:05.
  const whole = at.toLocaleString("sv-SE", { timeZone: zone });
  return day ? whole.slice(5, 16) : whole.slice(11, 16);
}

/** How long ago, in the largest unit that fits. */
export function ago(seconds: number): string {
  const form = new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" });
  const past = Math.max(0, seconds);
  if (past < 90) return form.format(-Math.round(past), "second");
  if (past < 5400) return form.format(-Math.round(past / 60), "minute");
  if (past < 129600) return form.format(-Math.round(past / 3600), "hour");
  return form.format(-Math.round(past / 86400), "day");
}
