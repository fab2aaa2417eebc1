/** An engineer at work: writes a rule that is checked and tested before it is kept, goes back, switches, excepts; and what rules cover. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

describe.skipIf(!hasChromium)("rules", () => {
  let browser: Browser;
  let mock: Awaited<ReturnType<typeof startMock>>;
  let page: Page;
  let context: BrowserContext;
  let problems: string[];
  const at = (id: string) => page.getByTestId(id);
  const code = () => at("rule-text").locator(".cm-content");

  beforeAll(async () => {
    browser = await launch();
    mock = await startMock({ live: false });
    ({ page, context, problems } = await openPage(browser));
    await signIn(page, mock.url, { username: "engineer" });
    await at("nav-overview").waitFor();
  });
  afterEach(() => expect(problems.splice(0)).toEqual([]));
  afterAll(async () => {
    await context?.close();
    await browser?.close();
    await mock?.stop();
  });

  it("finds faults where they are, tests over stored days, and keeps the rule with a reason", async () => {
    await page.goto(`${mock.url}/rules`);
    await at("rule-new").click();
    await code().waitFor();
    // the template has no title yet
    await expect.poll(() => at("lint").getAttribute("data-ok")).toBe("false");
    expect(await at("rule-save").isDisabled()).toBe(true);
    await code().click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("End");
    await page.keyboard.type("SSH failures");
    await expect.poll(() => at("lint").getAttribute("data-ok")).toBe("true");
    await at("rule-test").click();
    await expect.poll(async () => Number(await at("tested").getAttribute("data-matches"))).toBeGreaterThan(100);
    expect(await at("rule-save").isDisabled()).toBe(true); // no reason yet
    await at("rule-why").fill("Diễn tập tháng 11");
    await at("rule-save").click();
    await at("version").first().waitFor();
    expect(await at("version").first().textContent()).toContain("Diễn tập tháng 11");
    await page.goto(`${mock.url}/rules`);
    await at("rule-row").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("SSH failures");
    await at("rule-row").filter({ hasText: "SSH failures" }).click();
    await at("rule-last").getByText("Diễn tập tháng 11").waitFor();
  });

  it("goes back to an older version", async () => {
    await at("rule-edit").click();
    await code().click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("End");
    await page.keyboard.type(" again");
    await at("rule-why").fill("Đổi tên");
    await expect.poll(() => at("rule-save").isEnabled()).toBe(true);
    await page.keyboard.press("Enter");
    await expect.poll(() => at("version").count()).toBe(2);
    await at("version").nth(1).getByRole("button").click();
    await expect.poll(() => code().textContent()).not.toContain("again");
    await expect.poll(() => at("rule-why").inputValue()).toBe("Quay lại phiên bản 1");
    await expect.poll(() => at("rule-save").isEnabled()).toBe(true);
    await at("rule-save").click();
    await expect.poll(() => at("version").count()).toBe(3);
  });

  it("switches a shipped rule off, with a reason", async () => {
    await page.goto(`${mock.url}/rules`);
    await at("rule-row").filter({ hasText: "pattern" }).first().click();
    await at("rule-switch").click();
    expect(await at("switch-go").isDisabled()).toBe(true);
    await at("switch-why").fill("Không dùng Windows ở đây");
    await at("switch-go").click();
    await at("rule-panel").getByText("đã tắt").waitFor();
    await at("rule-last").getByText("Không dùng Windows ở đây").waitFor();
  });

  it("shows which techniques are blind and why", async () => {
    await page.goto(`${mock.url}/rules?view=coverage`);
    await at("coverage-watched")
      .getByText(/Canh được \d+\/16/)
      .waitFor();
    await page.locator('[data-testid=technique][data-shade="blind"]').first().click();
    await at("technique-rules").getByText("không có nguồn log").first().waitFor();
  });

  it("previews what an exception would hide before it is made, and ends it", async () => {
    await page.goto(`${mock.url}/rules?view=exceptions`);
    await at("exception-row").first().waitFor();
    const before = await at("exception-row").count();
    await at("exception-new").click();
    await at("exception-preview").click();
    await at("exception-refused").getByText("hold back everything").waitFor();
    const victim = mock.state.store.alerts.find((a) => a.status === "true_positive")?.entities[0]?.value ?? "";
    await at("exception-filter").fill(`source.ip:${victim}`);
    await at("exception-preview").click();
    await expect.poll(async () => Number(await at("preview").getAttribute("data-alerts"))).toBeGreaterThan(0);
    await at("preview-true").waitFor(); // a real attack would have been hidden: it says so
    await at("exception-reason").fill("Máy quét của Sở");
    await at("exception-make").click();
    await expect.poll(() => at("exception-row").count()).toBe(before + 1);
    await at("exception-end").first().click();
    await expect.poll(() => at("exception-row").count()).toBe(before);
  });

  it("begins an exception from the alert in hand with one key", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("alert-row").first().click();
    await at("alert-panel").waitFor();
    await page.keyboard.press("x");
    await expect.poll(() => at("exception-filter").inputValue()).toMatch(/^[a-z.]+:/);
  });
});
