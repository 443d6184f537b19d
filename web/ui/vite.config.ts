import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vite";

// Every page of this folder is an entry: wall.html, plan.html, ...
const pages = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".html"));

// What stands in the head of each page, once.
const head = readFileSync(`${import.meta.dirname}/src/shared/head.html`, "utf-8").trim();

export default defineConfig({
  plugins: [{ name: "head", transformIndexHtml: { order: "pre", handler: (html) => html.replace("<!-- head -->", head) } }],
  root: import.meta.dirname,
  base: "/app/",
  build: {
    outDir: "../assets/app",
    emptyOutDir: true,
    target: "es2022",
    // A strict content policy allows no data: scripts and no inline styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1600,
    rolldownOptions: {
      input: {
        ...Object.fromEntries(pages.map((name) => [name.replace(/\.html$/, ""), `${import.meta.dirname}/${name}`])),
        "field-worker": `${import.meta.dirname}/src/field/worker.ts`,
      },
      // The service worker keeps its name: a browser looks for a new one at the same address.
      output: { entryFileNames: ({ name }) => (name === "field-worker" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
});
