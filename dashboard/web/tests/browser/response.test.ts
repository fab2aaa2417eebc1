/** Actions and playbooks in a real browser: dry run before asking, a second person, proof, a playbook's task. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

describe.skipIf(!hasChromium)("response", () => {
  let browser: Browser;
  let page: Page;
  let mock: Awaited<ReturnType<typeof startMock>>;

  beforeAll(async () => {
    mock = await startMock({ live: false });
    browser = await launch();
    ({ page } = await openPage(browser));
    await signIn(page, mock.url, { username: "responder" });
    await page.getByTestId("nav-overview").waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await mock?.stop();
  });

  it("shows what would be done and who is hit before anything is asked for", async () => {
    await page.goto(`${mock.url}/actions`);
    await page.getByTestId("action-row").first().waitFor();
    const before = await page.getByTestId("action-row").count();
    await page.getByTestId("ask").click();
    await page.getByTestId("ask-target").fill("192.0.2.7");
    await page.getByTestId("ask-reason").fill("dò quét");
    await page.getByTestId("ask-dry").click();
    await page.getByTestId("ask-refused").getByText("FSP-ACT-002").waitFor();
    await page.getByTestId("ask-target").fill("10.9.9.9");
    await page.getByTestId("ask-dry").click();
    await page.getByTestId("action-plan").getByText("10.9.9.9").waitFor();
    await page.getByTestId("action-impact").getByText("lan.pt (3)").waitFor();
    expect(await page.getByTestId("ask-go").textContent()).toContain("người thứ hai");
    await page.getByTestId("ask-go").click();
    await page.getByTestId("action-panel").getByText("Chờ duyệt").waitFor();
    expect(await page.getByTestId("action-row").count()).toBe(before + 1);
    await page.getByTestId("action-approve").click();
    await page.getByText("FSP-ACT-005").waitFor();
  });

  it("says whether it worked", async () => {
    await page.goto(`${mock.url}/actions?state=in_force`);
    await page.getByTestId("action-row").filter({ hasText: "198.51.100.9" }).click();
    await page.getByTestId("action-verdict").getByText("vẫn còn đi qua: 12 luồng").waitFor();
    await page.getByTestId("action-undo").click();
    await page.getByTestId("action-panel").getByText("Đã gỡ").first().waitFor();
  });

  it("starts the playbook that fits and answers its task", async () => {
    await page.goto(`${mock.url}/playbooks?incident=${"0".repeat(32)}`);
    await page.getByTestId("playbook-card").first().getByText("phù hợp sự cố này").waitFor();
    await page.getByTestId("playbook-start").first().click();
    await page.getByTestId("run-task").getByText("Đo mức độ").waitFor();
    await page.getByTestId("task-answer").getByText("Ít nguồn").click();
    await page.getByTestId("run-task").getByText("rút kinh nghiệm").waitFor();
    await page.getByTestId("run-steps").getByText("Ít nguồn").waitFor();
  });
});
