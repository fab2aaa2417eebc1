/** axe-core finds nothing serious on any page, in either scheme, and nothing lies over or runs out of anything; each is kept as pictures. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../mock/server.mjs";
import { hasChromium, launch, openPage, picture, signIn } from "./browser.mjs";
import { PAGES } from "./pages";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  // A text, since axe is injected into the page and this file knows no type for it.
  const run = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }).then((r) => r.violations)`;
  const found = (await page.evaluate(run)) as Finding[];
  return found
    .filter((f) => f.impact === "serious" || f.impact === "critical")
    .flatMap((f) => f.nodes.map((n) => `${f.id}: ${n.target.join(" ")}: ${n.failureSummary.split("\n").slice(0, 3).join(" ")}`));
}

/**
 * What a person sees at once and axe does not: a control that something else lies over, and words cut off in the middle of a letter.
 * Only what is in sight counts; where a dialog is open, only the dialog.
 */
const crowded = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const out: string[] = [];
    const root = document.querySelector("[aria-modal=true]") ?? document.body;
    const name = (e: Element) =>
      `${e.tagName.toLowerCase()} "${(e.getAttribute("aria-label") ?? e.textContent ?? "").trim().slice(0, 40)}"`;
    /** What of it its scrolling ancestors let through. */
    const seen = (e: Element): DOMRect => {
      let { left, top, right, bottom } = e.getBoundingClientRect();
      for (let p = e.parentElement; p; p = p.parentElement) {
        if (getComputedStyle(p).overflow === "visible") continue;
        const r = p.getBoundingClientRect();
        [left, top, right, bottom] = [Math.max(left, r.left), Math.max(top, r.top), Math.min(right, r.right), Math.min(bottom, r.bottom)];
      }
      return new DOMRect(left, top, right - left, bottom - top);
    };
    for (const control of root.querySelectorAll("button, a[href], input, h1, h2")) {
      if (control.closest(".hidden-visually") || control.matches(".hidden-visually, [aria-hidden=true], [disabled]")) continue;
      const whole = control.getBoundingClientRect();
      const r = seen(control);
      if (whole.width < 4 || r.width < whole.width * 0.6 || r.height < whole.height * 0.6) continue;
      for (const share of [0.15, 0.5, 0.85]) {
        const hit = document.elementFromPoint(r.left + r.width * share, r.top + r.height / 2);
        // What shows only under the mouse, and the signs inside an input's own frame, cover nothing.
        if (hit?.checkVisibility({ opacityProperty: true }) === false || hit?.closest(".mantine-Input-wrapper")?.contains(control))
          continue;
        if (!hit || control.contains(hit) || hit.contains(control) || hit.closest("[data-portal], label")) continue;
        out.push(`${name(control)} lies under ${name(hit)}`);
        break;
      }
    }
    for (const box of root.querySelectorAll<HTMLElement>("main *, header *, [aria-modal=true] *")) {
      const style = getComputedStyle(box);
      const hides = style.overflowX === "hidden" || style.overflowX === "clip";
      if (!hides || style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none" || box.closest(".hidden-visually, [data-cut]"))
        continue;
      if (box.clientWidth > 8 && box.scrollWidth > box.clientWidth + 2 && box.textContent?.trim()) out.push(`${name(box)} is cut`);
    }
    return [...new Set(out)];
  });

export interface Look {
  language: "vi" | "en";
  scheme: "dark" | "light";
}

export const everyPage = (look: Look) =>
  describe.skipIf(!hasChromium)(`every page, ${look.language}, ${look.scheme}`, () => {
    let browser: Browser;
    let mock: Awaited<ReturnType<typeof startMock>>;
    let page: Page;
    let login: string[];
    beforeAll(async () => {
      browser = await launch();
      mock = await startMock({ live: false });
      ({ page } = await openPage(browser, look));
      await page.goto(`${mock.url}/login`);
      await page.getByTestId("login-username").waitFor();
      login = await findings(page);
      await picture(page, "login", look.language);
      await signIn(page, mock.url, { username: "chief" });
      await page.getByTestId("nav-overview").waitFor();
    });
    afterAll(async () => {
      await browser?.close();
      await mock?.stop();
    });

    it("login", () => {
      expect(login).toEqual([]);
    });

    it.each([...PAGES, ["wall", "/wall?grid=1x1", (page: Page) => page.getByTestId("wall-panel").waitFor()] as const])(
      "%s",
      async (name, path, prepare) => {
        await page.goto(mock.url + path);
        await page.waitForLoadState("networkidle").catch(() => null);
        await prepare?.(page);
        await page.waitForTimeout(400);
        expect(await findings(page)).toEqual([]);
        if (name !== "wall") expect(await crowded(page)).toEqual([]);
        await picture(page, name, look.language);
      },
    );
  });
