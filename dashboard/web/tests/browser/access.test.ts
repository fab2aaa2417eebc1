/** axe-core finds nothing serious on any page, in either scheme. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

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

const PAGES: [string, string, ((page: Page) => Promise<unknown>)?][] = [
  ["overview", "/"],
  [
    "alerts",
    "/alerts",
    (page) =>
      page
        .getByTestId("alert-row")
        .nth(2)
        .click()
        .then(() => page.getByTestId("alert-event").first().waitFor()),
  ],
  [
    "verdict",
    "/alerts",
    (page) =>
      page
        .getByTestId("alert-row")
        .first()
        .click()
        .then(() => page.keyboard.press("t")),
  ],
  ["incidents", "/incidents"],
  [
    "incident",
    "/incidents",
    async (page) => {
      await page.getByTestId("incident-row").first().click();
      await page.keyboard.press("Enter");
      await page.getByTestId("graph-node").first().click();
    },
  ],
  ["entity", "/entity?kind=address&value=203.0.113.45", (page) => page.getByTestId("entity-alerts").waitFor()],
  ["wall", "/wall?grid=1x1", (page) => page.getByTestId("wall-panel").waitFor()],
  ["no alerts", "/alerts?q=khongcogi"],
  ["search", "/search?q=event.outcome:failure", (page) => page.getByTestId("result-row").nth(1).click()],
  ["query help", "/search", (page) => page.getByRole("button", { name: "Ngôn ngữ truy vấn" }).click()],
  ["stats", `/search?q=${encodeURIComponent("* | stats count() by source.ip")}`, (page) => page.getByTestId("result-chart").waitFor()],
  ["source", "/sources", (page) => page.getByTestId("source-row").nth(7).click()],
  ["snippets", "/sources", (page) => page.getByTestId("add-source").click()],
  ["action", "/actions", (page) => page.getByTestId("action-row").first().click()],
  ["playbooks", `/playbooks?incident=${"0".repeat(32)}`, (page) => page.getByTestId("playbook-card").first().waitFor()],
  ["rule", "/rules", (page) => page.getByTestId("rule-row").first().click()],
  ["coverage", "/rules?view=coverage", (page) => page.getByTestId("technique").nth(3).click()],
  ["exception", "/rules?view=exceptions&rule=sigma-0003", (page) => page.getByTestId("exception-preview").click()],
  ["rule editor", "/rules/edit", (page) => page.getByTestId("lint").waitFor()],
  ["handover", "/handover", (page) => page.getByTestId("handover-incident").first().waitFor()],
  ["account", "/account", (page) => page.getByTestId("own-session").first().waitFor()],
  ["saved searches", "/search", (page) => page.getByTestId("saved").click()],
  ["status", "/status"],
];

describe.skipIf(!hasChromium).each(["dark", "light"] as const)("accessibility, %s", (scheme) => {
  let browser: Browser;
  let mock: Awaited<ReturnType<typeof startMock>>;
  let page: Page;
  let login: string[];
  beforeAll(async () => {
    browser = await launch();
    mock = await startMock({ live: false });
    ({ page } = await openPage(browser, { scheme }));
    await page.goto(`${mock.url}/login`);
    await page.getByTestId("login-username").waitFor();
    login = await findings(page);
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

  it.each(PAGES)("%s", async (_, path, prepare) => {
    await page.goto(mock.url + path);
    await page.waitForLoadState("networkidle").catch(() => null);
    await prepare?.(page);
    await page.waitForTimeout(400);
    expect(await findings(page)).toEqual([]);
  });
});
