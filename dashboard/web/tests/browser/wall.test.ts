/** The videowall in a real Chromium, six joined screens. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, picture, signIn } from "../browser.mjs";
import { SCENES } from "../pages";

type Mock = Awaited<ReturnType<typeof startMock>>;

describe.skipIf(!hasChromium)("the wall", () => {
  let browser: Browser;
  let mock: Mock;
  let page: Page;
  let context: BrowserContext;
  let problems: string[];
  const at = (id: string) => page.getByTestId(id);
  const scene = () => at("wall").getAttribute("data-scene");

  // Half the size of the real one, in both directions: everything on the wall scales with its screens.
  beforeAll(async () => {
    browser = await launch();
    mock = await startMock({ live: false });
    ({ page, context, problems } = await openPage(browser, { width: 2880, height: 1080 }));
    await signIn(page, mock.url);
    await at("nav-overview").waitFor();
  });
  afterEach(() => expect(problems.splice(0)).toEqual([]));
  afterAll(async () => {
    await context?.close();
    await browser?.close();
    await mock?.stop();
  });

  it("answers on one glance, each number with its age", async () => {
    await page.goto(`${mock.url}/wall?scenes=overview`);
    await expect.poll(() => at("wall-panel").count()).toBe(6);
    await expect.poll(() => page.locator("[data-panel=answer]").textContent()).toMatch(/\d+ cảnh báo nghiêm trọng.*2\/14 nguồn im lặng/);
    await expect.poll(() => at("wall-vulnerabilities").textContent()).toContain("chưa có nguồn");
    await expect.poll(() => at("wall-age").count()).toBe(6);
    await expect.poll(async () => (await at("wall-age").allTextContents()).every((age) => /^\d+ s$/.test(age))).toBe(true);
  });

  it("raises a critical incident by itself, and goes back when somebody takes it", async () => {
    await page.goto(`${mock.url}/wall?scenes=overview`);
    await expect.poll(scene).toBe("overview");
    await at("wall-age").first().waitFor();
    const incident = mock.openIncident();
    await expect.poll(() => at("wall-incident").textContent()).toBe(incident.title_vi);
    expect(await scene()).toBe("incident");
    await expect.poll(() => page.locator("[data-panel=story] li").count()).toBeGreaterThan(1);
    Object.assign(incident, { status: "acknowledged", assignee: "thuhuong" });
    await expect.poll(scene).toBe("overview");
  });

  it("shows a new alert by itself", async () => {
    await page.goto(`${mock.url}/wall?scenes=overview`);
    const first = page.locator("[data-panel=queue] li").first();
    await first.waitFor();
    mock.raise(8);
    await expect.poll(() => first.textContent()).toMatch(/^Tiến trình lạ đọc bộ nhớ LSASS\d s((×|≥ )\d+)?$/);
  });

  it("has no letter smaller than eight metres allow, whatever it shows", async () => {
    for (const name of ["overview", "attacks", "network", "health", "shift"]) {
      await page.goto(`${mock.url}/wall?scenes=${name}`);
      await expect.poll(() => at("wall-panel").count()).toBe(6);
      const smallest = await at("wall").evaluate((wall) => {
        const walker = document.createTreeWalker(wall, NodeFilter.SHOW_TEXT);
        let least = Number.POSITIVE_INFINITY;
        while (walker.nextNode()) {
          const element = walker.currentNode.parentElement;
          if (element && !element.closest(".hidden-visually"))
            least = Math.min(least, Number.parseFloat(getComputedStyle(element).fontSize));
        }
        return least;
      });
      expect(smallest, name).toBeGreaterThanOrEqual(540 * 0.078 - 0.3);
    }
  });

  it("serves one screen of the grid to a machine of its own", async () => {
    await page.goto(`${mock.url}/wall?scenes=overview&screen=3`);
    await page.locator("[data-panel=queue]").waitFor();
    expect(await at("wall-panel").count()).toBe(1);
  });

  it("is shown by a screen with a credential of its own, until that is revoked", async () => {
    const screen = await openPage(browser, { width: 960, height: 540 });
    await screen.page.goto(`${mock.url}/wall?grid=1x1`);
    await screen.page.getByTestId("wall-code").fill("abcd-efgh-ijkl");
    await screen.page.getByTestId("wall-enrol").click();
    await screen.page.getByTestId("wall-panel").waitFor();
    const refused = await screen.page.evaluate(async () => (await fetch("/api/v1/alerts")).status);
    expect(refused).toBe(403);
    mock.state.walls.clear();
    await screen.page.getByTestId("wall-code").waitFor();
    await screen.context.close();
  });

  it("turns grey and says how old it is when the server is gone", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await page.clock.install({ time: Date.now() });
    await page.goto(`${mock.url}/wall?scenes=overview`);
    await expect.poll(() => page.locator("[data-panel=answer]").textContent()).toContain("nghiêm trọng");
    await page.route("**/api/**", (route) => route.abort());
    await page.clock.runFor(40_000);
    const old = page.locator('[data-testid=wall-panel][data-stale="true"]');
    await expect.poll(() => old.count()).toBe(6);
    await expect.poll(() => at("wall-age").first().textContent()).toMatch(/^CŨ /);
    problems.length = 0; // the browser reports each request that was cut
  });
});

/**
 * Eight simulated hours in a fraction of that, or as many minutes as FANSIPAN_SOAK_MINUTES says. Page and server keep one clock, moved on by
 * six seconds at a time: each step the stream ticks, what is asked every five seconds is answered, and scenes take turns as they would.
 */
const MINUTES = Number(process.env.FANSIPAN_SOAK_MINUTES ?? 480);
const STEP = 6_000;

describe.skipIf(!hasChromium || !process.env.FANSIPAN_SOAK)("the wall over eight hours", () => {
  it("holds no more memory at the end than after the first hour", { timeout: 4 * 3_600_000 }, async () => {
    const browser = await launch();
    const mock = await startMock({ live: false, events: 2_000, alerts: 200 });
    const { page, context, problems } = await openPage(browser, { width: 5760, height: 2160 });
    const devtools = await context.newCDPSession(page);
    const used = async () => {
      await devtools.send("HeapProfiler.collectGarbage");
      // performance.memory is rounded, and old by up to twenty minutes
      const { usedSize: heap } = await devtools.send("Runtime.getHeapUsage");
      const { nodes, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
      return { heap, nodes, jsEventListeners };
    };
    await signIn(page, mock.url);
    await page.getByTestId("nav-overview").waitFor();
    await page.clock.install();
    await page.goto(`${mock.url}/wall`);
    await page.getByTestId("wall-panel").first().waitFor();
    const samples: { heap: number; nodes: number; jsEventListeners: number }[] = [];
    const scenes = new Set<string>();
    for (let minute = 0; minute < MINUTES; minute++) {
      mock.raise();
      // A critical incident every half hour, taken before the next.
      if (minute % 30 === 0) mock.openIncident();
      if (minute % 30 === 3) for (const incident of mock.state.store.incidents) incident.status = "acknowledged";
      if (mock.state.store.alerts.length > 400) mock.state.store.alerts.length = 300;
      if (mock.state.store.incidents.length > 30) mock.state.store.incidents.length = 20;
      for (let gone = 0; gone < 60_000; gone += STEP) {
        vi.setSystemTime(Date.now() + STEP);
        mock.send("tick", mock.state.tick());
        const asked = page.waitForResponse(/\/api\/v1\/wall$/);
        await page.clock.runFor(STEP);
        await asked;
      }
      scenes.add((await page.getByTestId("wall").getAttribute("data-scene")) ?? "");
      if (minute % (MINUTES / 8) === MINUTES / 8 - 1) samples.push(await used());
    }
    vi.useRealTimers();
    console.table(samples);
    expect(scenes.size).toBeGreaterThan(2);
    const [first, last] = [samples[0], samples.at(-1)];
    await context.close();
    await browser.close();
    await mock.stop();
    expect(problems).toEqual([]);
    expect(last?.heap).toBeLessThan((first?.heap ?? 0) * 1.1 + 1_000_000);
    expect(last?.nodes).toBeLessThan((first?.nodes ?? 0) * 1.2 + 500);
    expect(last?.jsEventListeners).toBeLessThan((first?.jsEventListeners ?? 0) * 1.2 + 50);
  });
});

describe.skipIf(!hasChromium).each(["vi", "en"] as const)("the wall at its full size, %s", (language) => {
  it("shows every scene without a fault, kept as pictures", async () => {
    const [browser, mock] = [await launch(), await startMock({ live: false })];
    const { page, problems } = await openPage(browser, { language, width: 5760, height: 2160 });
    await signIn(page, mock.url);
    await page.getByTestId("nav-overview").waitFor();
    for (const scene of SCENES) {
      await page.goto(`${mock.url}/wall?scenes=${scene}`);
      await expect.poll(() => page.getByTestId("wall-age").count()).toBeGreaterThan(0);
      await picture(page, `wall ${scene}`, language, [[5760, 2160]]);
    }
    mock.openIncident();
    await page.locator("[data-panel=story] li").first().waitFor({ timeout: 60_000 });
    await picture(page, "wall incident", language, [[5760, 2160]]);
    expect(problems).toEqual([]);
    await browser.close();
    await mock.stop();
  }, 180_000);
});
