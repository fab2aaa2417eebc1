/** Screenshots of every page, for eyes: `node tests/shots.mjs [DIR] [NAME…]`. */
import { mkdirSync } from "node:fs";
import { startMock } from "../mock/server.mjs";
import { launch, openPage, signIn } from "./browser.mjs";

const [dir = "/tmp/fansipan-shots", ...only] = process.argv.slice(2);
mkdirSync(dir, { recursive: true });

const go = (path) => async (page, url) => {
  await page.goto(url + path);
  await page.waitForLoadState("networkidle").catch(() => {});
};

const SCENES = {
  overview: go("/"),
  alerts: async (page, url) => {
    await go("/alerts")(page, url);
    await page.getByTestId("alert-row").nth(1).click();
    await page.getByTestId("alert-event").first().waitFor();
  },
  verdict: async (page, url) => {
    await SCENES.alerts(page, url);
    await page.keyboard.press("f");
  },
  "alerts-empty": go("/alerts?q=khongcogi"),
  incidents: go("/incidents"),
  incident: async (page, url) => {
    await go("/incidents")(page, url);
    await page.getByTestId("incident-row").first().click();
    await page.keyboard.press("Enter");
    await page.getByTestId("graph-node").first().click();
    await page.waitForTimeout(600);
  },
  entity: go("/entity?kind=address&value=203.0.113.45"),
  search: go("/search?q=event.outcome:failure&since=24h"),
  "search-start": go("/search"),
  event: async (page, url) => {
    await go("/search?q=event.outcome:failure&since=24h")(page, url);
    await page.getByTestId("result-row").nth(2).click();
    await page.getByTestId("event-detail").waitFor();
  },
  "search-error": async (page, url) => {
    await go("/search?q=event.outcome:failure&since=24h")(page, url);
    await page.getByTestId("search-input").fill('event.outcome:failure and (user.name:"root" or host.name: | statz count()');
    await page.waitForTimeout(700);
  },
  stats: go(`/search?q=${encodeURIComponent("* | stats count() by source.ip | sort -count | head 20")}&since=24h`),
  timechart: go(`/search?q=${encodeURIComponent("event.outcome:failure | timechart span=1h count() by event.dataset")}&since=24h`),
  sources: go("/sources"),
  source: async (page, url) => {
    await go("/sources")(page, url);
    await page.getByTestId("source-row").nth(7).click();
  },
  snippets: async (page, url) => {
    await go("/sources")(page, url);
    await page.getByTestId("add-source").click();
    await page.waitForTimeout(300);
  },
  rules: go("/rules"),
  rule: async (page, url) => {
    await go("/rules")(page, url);
    await page.getByTestId("rule-row").nth(0).click();
    await page.waitForTimeout(300);
  },
  coverage: async (page, url) => {
    await go("/rules?view=coverage")(page, url);
    await page.getByTestId("technique").nth(3).click();
  },
  exceptions: async (page, url) => {
    await go("/rules?view=exceptions&rule=sigma-0003&q=source.ip%3A203.0.113.45")(page, url);
    await page.getByTestId("exception-preview").click();
    await page.waitForTimeout(500);
  },
  editor: async (page, url) => {
    await go("/rules/edit?id=sigma-0003")(page, url);
    await page.getByTestId("rule-test").click();
    await page.waitForTimeout(500);
  },
  actions: async (page, url) => {
    await go("/actions")(page, url);
    await page.getByTestId("action-row").nth(2).click();
    await page.waitForTimeout(400);
  },
  playbooks: async (page, url) => {
    await go(`/playbooks?incident=${"0".repeat(32)}`)(page, url);
    await page.getByTestId("playbook-card").first().waitFor();
    if ((await page.getByTestId("playbook-start").count()) > 0) await page.getByTestId("playbook-start").first().click();
    await page.waitForTimeout(400);
  },
  handover: async (page, url) => {
    await go("/handover")(page, url);
    await page.getByTestId("handover-incident").first().waitFor();
  },
  account: go("/account"),
  saved: async (page, url) => {
    await go("/search?q=event.outcome:failure&since=24h")(page, url);
    await page.getByTestId("saved").click();
    await page.waitForTimeout(400);
  },
  status: go("/status"),
  keys: async (page, url) => {
    await go("/alerts")(page, url);
    await page.keyboard.press("?");
    await page.waitForTimeout(300);
  },
};

/** The wall, as a room sees it: six joined screens, and one. */
const WALL = ["overview", "attacks", "network", "health", "shift"];

async function wall(page, mock, language, width, grid) {
  for (const scene of WALL) {
    await page.goto(`${mock.url}/wall?scenes=${scene}&grid=${grid}`);
    await page.getByTestId("wall-panel").first().waitFor();
    await page.waitForTimeout(1200);
    await page.screenshot({ path: `${dir}/wall-${scene}-${width}-${language}.png` });
  }
  mock.openIncident();
  await page.getByTestId("wall-incident").waitFor();
  await page.waitForTimeout(800);
  await page.screenshot({ path: `${dir}/wall-incident-${width}-${language}.png` });
}

const looks = process.env.FULL
  ? ["vi", "en"].flatMap((language) =>
      ["dark", "light"].flatMap((scheme) =>
        [
          [1280, 800],
          [1920, 1080],
        ].map(([width, height]) => ({ language, scheme, width, height })),
      ),
    )
  : [
      { language: "vi", scheme: "dark", width: 1280, height: 800 },
      { language: "en", scheme: "light", width: 1920, height: 1080 },
    ];

const browser = await launch();
for (const look of looks) {
  const mock = await startMock({ live: false });
  const { page, context, problems } = await openPage(browser, look);
  const name = (scene) => `${dir}/${scene}-${look.width}-${look.language}-${look.scheme}.png`;
  await page.goto(`${mock.url}/login`);
  await page.waitForTimeout(400);
  if (!only.length || only.includes("login")) {
    await page.screenshot({ path: name("login") });
    await signIn(page, mock.url, { username: "admin", password: "Mot-Lan-1234" });
    await page.getByTestId("new-password").fill("Đỉnh Fansipan 3143");
    await page.screenshot({ path: name("change") });
    await context.clearCookies();
  }
  await signIn(page, mock.url, { username: process.env.WHO ?? "responder" });
  await page.getByTestId("nav-overview").waitFor();
  for (const [scene, play] of Object.entries(SCENES)) {
    if (only.length && !only.includes(scene)) continue;
    try {
      await play(page, mock.url);
      await page.waitForTimeout(350);
    } catch (error) {
      console.log(`${scene}: ${String(error).split("\n")[0]}`);
    }
    await page.screenshot({ path: name(scene) });
  }
  if (problems.length) console.log(JSON.stringify(look), [...new Set(problems)]);
  await context.close();
  await mock.stop();
}
for (const language of only.length && !only.includes("wall") ? [] : ["vi", "en"]) {
  for (const [width, height, grid] of [
    [5760, 2160, "3x2"],
    [1920, 1080, "1x1"],
  ]) {
    const mock = await startMock({ live: false });
    const { page, context } = await openPage(browser, { language, width, height });
    await signIn(page, mock.url);
    await page.getByTestId("nav-overview").waitFor();
    await wall(page, mock, language, width, grid);
    await context.close();
    await mock.stop();
  }
}
await browser.close();
console.log(dir);
process.exit(0);
