/// <reference types="vitest/config" />

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The API a developer's `npm run dev` talks to: the mock server, or a running Fansipan.
const api = process.env.FANSIPAN_URL ?? "http://127.0.0.1:8444";

/** Large, and of few pages: loaded by these alone. */
const LARGE = /[\\/]node_modules[\\/](echarts|zrender|@codemirror|@lezer|style-mod|w3c-keyname|crelt)[\\/]/;

/**
 * `early` runs as soon as it is there, before styles and frame, and the first paint waits for the look that it chooses. `shared`, which
 * every page uses, is read beside the frame instead of after it.
 */
const early = (): Plugin => ({
  name: "fansipan-early",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle = {} }) {
      const tag = /\s*<link rel="modulepreload"[^>]* href="(\/assets\/early-[\w-]+\.js)">/.exec(html);
      if (!tag) throw new Error("index.html names no file `early`: vite.config.ts no longer splits it off");
      const shared = Object.values(bundle).find((file) => file.type === "chunk" && file.name === "shared");
      if (!shared) throw new Error("there is no file `shared`: vite.config.ts no longer splits it off");
      return html
        .replace(tag[0], `\n    <link rel="modulepreload" crossorigin href="/${shared.fileName}">`)
        .replace(/(?=<script )/, `<script type="module" crossorigin async blocking="render" src="${tag[1]}"></script>\n    `);
    },
  },
});

/** Fonts and pictures are compressed already, and what is small gains nothing. */
const PACKED = /\.(js|css|json|svg)$/;
const LEAST = 1024;

/** Beside each file the same in brotli, as small as it gets: the server hands it out as it is. */
const packed = (): Plugin => ({
  name: "fansipan-packed",
  apply: "build",
  writeBundle({ dir = "dist" }, bundle) {
    for (const [name, file] of Object.entries(bundle)) {
      const bytes = Buffer.from(file.type === "chunk" ? file.code : file.source);
      if (!PACKED.test(name) || bytes.length < LEAST) continue;
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
      writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes, { params })); // the best it can, unless told otherwise
    }
  },
});

export default defineConfig({
  plugins: [react(), early(), packed()],
  build: {
    outDir: "dist",
    // The server's CSP allows data: for images only, so no font or script may be inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    sourcemap: false,
    rollupOptions: {
      output: {
        // A file costs the browser more than its bytes: one for what is there before any page, one for what pages share.
        codeSplitting: {
          groups: [
            { name: "early", test: /src[\\/]early\.ts$/, priority: 4 },
            { name: "frame", tags: ["$initial"], priority: 3 },
            { name: "echarts", test: /[\\/]node_modules[\\/](echarts|zrender)[\\/]/, priority: 2 },
            { name: "shared", test: (id) => !LARGE.test(id), minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
  },
  // The field registry lies with the model: one list for server and console.
  server: { fs: { allow: [".", "../../model/data"] }, proxy: { "/api": { target: api, secure: false, changeOrigin: true } } },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", environment: "jsdom", include: ["tests/unit/**/*.test.{ts,tsx}"], setupFiles: ["tests/unit/setup.ts"] },
      },
      {
        extends: true,
        test: {
          name: "browser",
          environment: "node",
          include: ["tests/browser/**/*.test.ts"],
          testTimeout: 60_000,
          // What a slow machine needs to answer; how fast the console is, is measured, not asserted.
          expect: { poll: { timeout: 20_000 } },
          hookTimeout: 120_000,
          // A browser waits half of the time, and two find room on two cores; they begin when the unit tests are done.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
