/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The API a developer's `npm run dev` talks to: the mock server, or a running Fansipan.
const api = process.env.FANSIPAN_URL ?? "http://127.0.0.1:8444";

/** Libraries of the frame around every page. tslib too: the charts share it, and must not be loaded for its sake. */
const FRAME =
  /[\\/]node_modules[\\/](react|react-dom|scheduler|react-i18next|i18next|tslib|clsx|@floating-ui|@tanstack[\\/](react-query|query-core|react-router|router-core|history|store|react-store)|react-remove-scroll|react-remove-scroll-bar|react-style-singleton|use-callback-ref|use-sidecar|lucide-react)[\\/]/;

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    // The server's CSP allows data: for images only, so no font or script may be inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    sourcemap: false,
    rollupOptions: {
      output: {
        // One file each for what every page needs and for the large charts: fifty small files cost more than they spare.
        codeSplitting: {
          groups: [
            { name: "frame", test: FRAME, priority: 2 },
            { name: "echarts", test: /[\\/]node_modules[\\/](echarts|zrender)[\\/]/, priority: 1 },
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
          fileParallelism: false,
        },
      },
    ],
  },
});
