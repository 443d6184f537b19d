/** Small drawings of numbers: hours against expectation, an interval with its mark, a line of weeks. */

const SVG = "http://www.w3.org/2000/svg";

function s(name: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

function picture(width: number, height: number, label: string, ...children: Node[]): SVGElement {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": label }, ...children);
}

/** Bars of counts by hour; the steps of the expectation lie over them; hours to come are empty. */
export function hourChart(counts: number[], expected: number[] | undefined, hour: number, label: string): SVGElement {
  const [w, h, foot] = [240, 64, 12];
  const most = Math.max(4, ...counts, ...(expected ?? []));
  const y = (value: number): number => h - foot - (value / most) * (h - foot - 4);
  const parts: Node[] = counts.map((count, n) =>
    s("rect", { x: n * 10 + 1.5, y: y(count), width: 7, height: h - foot - y(count), class: n === hour ? "bar now" : "bar" }),
  );
  parts.push(s("line", { x1: 0, x2: w, y1: h - foot, y2: h - foot, class: "axis" }));
  if (expected) {
    const steps = expected.map((value, n) => `${n === 0 ? "M" : "L"}${n * 10} ${y(value)}L${n * 10 + 10} ${y(value)}`);
    parts.push(s("path", { d: steps.join(""), class: "expected" }));
  }
  for (const n of [0, 6, 12, 18]) parts.push(s("text", { x: n * 10, y: h - 1.5, class: "tick" }, `${n}`));
  parts.push(s("text", { x: w, y: h - 1.5, class: "tick", "text-anchor": "end" }, "24"));
  return picture(w, h, label, ...parts);
}

/** An interval with the expectation in it and the count as a mark. */
export function intervalChart(low: number, mid: number, high: number, value: number, label: string): SVGElement {
  const [w, h] = [240, 22];
  const [from, to] = [Math.min(low, value) * 0.85, Math.max(high, value) * 1.12 + 1];
  const x = (n: number): number => 6 + ((n - from) / (to - from)) * (w - 12);
  return picture(
    w, h, label,
    s("line", { x1: 0, x2: w, y1: 11, y2: 11, class: "axis" }),
    s("rect", { x: x(low), y: 5, width: x(high) - x(low), height: 12, rx: 3, class: "range" }),
    s("line", { x1: x(mid), x2: x(mid), y1: 5, y2: 17, class: "expected" }),
    s("circle", { cx: x(value), cy: 11, r: 6.5, class: value > high ? "mark above" : value < low ? "mark below" : "mark" }),
  );
}

/** Eight weeks as a line; the last four, which are compared, are bold. */
export function weekLine(weeks: number[], label: string): SVGElement {
  const [w, h] = [84, 26];
  const most = Math.max(1, ...weeks);
  const at = weeks.map((value, n) => `${3 + (n * (w - 6)) / (weeks.length - 1)} ${h - 3 - (value / most) * (h - 6)}`);
  return picture(
    w, h, label,
    s("path", { d: `M${at.slice(0, 5).join("L")}`, class: "spark before" }),
    s("path", { d: `M${at.slice(4).join("L")}`, class: "spark" }),
  );
}

/** Shares of a whole as one bar. */
export function shareBar(shares: { value: number; kind: string }[], label: string): SVGElement {
  const parts: Node[] = [];
  let x = 0;
  for (const { value, kind } of shares) {
    parts.push(s("rect", { x: x * 240, y: 0, width: Math.max(0, value * 240), height: 12, class: `share ${kind}` }));
    x += value;
  }
  return picture(240, 12, label, ...parts);
}
