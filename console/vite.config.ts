import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds an attache to talk to. */
const admin = process.env.ATTACHE_ADMIN ?? "http://127.0.0.1:8081";
const paths = ["/v1", "/console", "/openapi.json", "/metrics", "/healthz", "/readyz"];

export default defineConfig({
  plugins: [react(), tailwind()],
  resolve: { alias: { "~": new URL("./src", import.meta.url).pathname } },
  build: {
    target: "es2022",
    // No data: URLs and no inline scripts: the Content-Security-Policy of the console has neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    // One file, and the charts': together they are a tenth smaller than a file for each page.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "charts", test: /uplot|live\/chart/, priority: 2 },
            { name: "console", test: /./, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: Object.fromEntries(paths.map((it) => [it, { target: admin }])) },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
