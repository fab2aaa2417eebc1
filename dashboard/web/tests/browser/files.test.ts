/** What a page is made of before anybody sees it: few files, all styles, and nothing asked of the server twice. */
import { readdirSync, readFileSync } from "node:fs";
import type { Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Mock, startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

const DIST = new URL("../../dist/assets/", import.meta.url);
const MANTINE = ["core", "dates", "notifications"].map(
  (name) => new URL(`../../node_modules/@mantine/${name}/styles.css`, import.meta.url),
);

const all = (ending: string) =>
  readdirSync(DIST)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(new URL(name, DIST), "utf8"))
    .join("\n");
const classes = (text: string, before: string) =>
  new Set([...text.matchAll(new RegExp(`${before}(m_[0-9a-f]+)`, "g"))].map((m) => m[1] ?? ""));

/** Each page, and what shows that it is there. */
const PAGES: [string, string][] = [
  ["/", "counter-events"],
  ["/alerts", "alert-row"],
  ["/incidents", "incident-row"],
  ["/search?q=event.outcome:failure&since=24h", "result-row"],
  ["/entity?kind=address&value=10.0.0.5", "entity"],
  ["/rules", "rule-row"],
  ["/rules?view=coverage", "technique"],
  ["/handover", "handover"],
  ["/account", "own-session"],
  ["/wall", "wall-age"],
];

describe.skipIf(!hasChromium)("files", () => {
  let mock: Mock;
  let browser: Awaited<ReturnType<typeof launch>>;

  beforeAll(async () => {
    mock = await startMock({ live: false });
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    await mock.stop();
  });

  it("every part of Mantine that the code draws has its styles", () => {
    const known = classes(MANTINE.map((file) => readFileSync(file, "utf8")).join("\n"), "\\.");
    const drawn = [...classes(all(".js"), "\\b")].filter((name) => known.has(name));
    expect(drawn.length).toBeGreaterThan(100);
    const styled = classes(all(".css"), "\\.");
    expect(drawn.filter((name) => !styled.has(name))).toEqual([]);
  });

  it("a page comes in few files and asks for each number once", async () => {
    const { page, context, problems } = await openPage(browser);
    await signIn(page, mock.url, { username: "chief" });
    await page.getByTestId("nav-overview").waitFor();
    // What comes by the stream is asked for again, as it should be; here it is about the first picture.
    await context.route("**/api/v1/stream", (route) => route.abort());
    for (const [path, shown] of PAGES) {
      // what the page before still asks for is not this one's
      await page.waitForLoadState("networkidle");
      const asked: string[] = [];
      const note = (request: Request) => {
        if (request.isNavigationRequest()) asked.length = 0;
        asked.push(request.url().replace(mock.url, ""));
      };
      page.on("request", note);
      await page.goto(`${mock.url}${path}`);
      await page.getByTestId(shown).first().waitFor();
      await page.waitForTimeout(300);
      page.off("request", note);
      const numbers = asked.filter((url) => url.startsWith("/api/") && !url.includes("/stream"));
      expect(
        numbers.filter((url, i) => numbers.indexOf(url) !== i),
        path,
      ).toEqual([]);
      expect(asked.filter((url) => /\.(js|css)$/.test(url)).length, path).toBeLessThanOrEqual(14);
    }
    expect(problems.filter((p) => !p.includes("ERR_FAILED"))).toEqual([]); // the streams that were cut
    await context.close();
  });

  it("asks for the page's numbers before the page's code is there", async () => {
    const { page, context } = await openPage(browser);
    await signIn(page, mock.url);
    await page.getByTestId("nav-overview").waitFor();
    await page.route(/\/assets\/index-.*\.js/, async (route) => {
      await new Promise((done) => setTimeout(done, 1500));
      await route.continue();
    });
    const early = page.waitForRequest(/\/api\/v1\/overview/, { timeout: 1200 });
    const going = page.goto(mock.url);
    await early;
    await going;
    await page.getByTestId("counter-events").waitFor();
    await context.close();
  });
});
