/** axe-core finds nothing serious on any page, in either scheme; each is kept as pictures for eyes. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, picture, signIn } from "../browser.mjs";
import { PAGES } from "../pages";

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

/** Half of the looks there are, so that each language and each scheme is seen once. */
const LOOKS = [
  { language: "vi", scheme: "dark" },
  { language: "en", scheme: "light" },
] as const;

describe.skipIf(!hasChromium).each(LOOKS)("every page, $language, $scheme", (look) => {
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
    await signIn(page, mock.url, { username: "engineer" });
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
      await picture(page, name, look.language);
    },
  );
});
