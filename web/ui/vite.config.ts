import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

// Every page of this folder is an entry: wall.html, plan.html, ...
const pages = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".html"));

export default defineConfig({
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
    rolldownOptions: { input: pages.map((name) => `${import.meta.dirname}/${name}`) },
  },
});
