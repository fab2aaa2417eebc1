/** What a person does around the events: keeps searches, takes data out, hands the shift over, looks after their own account; and an
 * incident that somebody else changes. */
import { readFileSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

const SIGMA = `title: SSH failures
id: 5c9a1f54-0000-4000-8000-0000000000aa
logsource:
  product: linux
detection:
  selection:
    event.outcome: failure
  condition: selection
`;

describe.skipIf(!hasChromium)("the desk", () => {
  let browser: Browser;
  let mock: Awaited<ReturnType<typeof startMock>>;
  let page: Page;
  let context: BrowserContext;
  let problems: string[];
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    browser = await launch();
    mock = await startMock({ live: false });
    ({ page, context, problems } = await openPage(browser));
    await signIn(page, mock.url);
    await at("nav-overview").waitFor();
  });
  afterEach(() => expect(problems.splice(0)).toEqual([]));
  afterAll(async () => {
    await context?.close();
    await browser?.close();
    await mock?.stop();
  });

  it("keeps a search and takes it up again", async () => {
    await page.goto(`${mock.url}/search?q=event.outcome:failure&since=7d&cols=user.name`);
    await at("result-row").first().waitFor();
    await at("saved").click();
    await at("saved-name").fill("Đăng nhập hỏng");
    await at("saved-keep").click();
    await at("saved-search").getByText("Đăng nhập hỏng").waitFor();
    await page.goto(`${mock.url}/search`);
    await at("saved").click();
    await at("saved-search").click();
    await expect.poll(() => new URL(page.url()).search).toBe("?q=event.outcome%3Afailure&since=7d&cols=user.name");
  });

  it("watches a value with one key, and is told of any alert about it", async () => {
    await page.goto(`${mock.url}/entity?kind=host&value=may-ke-toan`);
    await at("watch").waitFor();
    await page.keyboard.press("w");
    await at("watched").getByText("may-ke-toan").waitFor();
    const seen = mock.raise(0);
    const raised = new Date().toISOString();
    const low = { ...seen, id: "f".repeat(32), raised, last_seen: raised, status: "new", rule: { ...seen.rule, level: "low" } };
    mock.send("alert", { ...low, entities: [{ kind: "host", field: "host.name", value: "may-ke-toan" }] });
    await page.getByText(/^CANH: may-ke-toan/).waitFor();
    await page.keyboard.press("w");
    await expect.poll(() => at("watched").count()).toBe(0);
  });

  it("shows the way back from a value to the list", async () => {
    await page.goto(`${mock.url}/incidents`);
    await at("incident-row").first().click();
    await page.keyboard.press("Enter");
    await at("incident").waitFor();
    await at("crumbs").getByRole("link", { name: "Sự cố" }).click();
    await at("incident-row").first().waitFor();
  });

  it("takes the filter's events out as a file", async () => {
    await page.goto(`${mock.url}/search?q=${encodeURIComponent("event.outcome:failure | stats count() by source.ip")}&since=24h`);
    await at("export").click();
    const link = at("export-csv");
    await link.waitFor();
    const target = new URL((await link.getAttribute("href")) ?? "", mock.url);
    expect(target.pathname).toBe("/api/v1/events/export");
    expect(Object.fromEntries(target.searchParams)).toEqual({ format: "csv", q: "event.outcome:failure", since: "24h" });
    await page.keyboard.press("Escape");
  });

  it("searches with a Sigma rule, and says where one is wrong", async () => {
    await page.goto(`${mock.url}/search`);
    await at("search-input").fill(SIGMA.replace("condition: selection", "condition: selektion"));
    await at("search-fault").getByText("selektion").waitFor();
    await at("search-input").fill(SIGMA);
    await at("search-submit").click();
    await expect.poll(() => new URL(page.url()).searchParams.get("q")).toBe("event.outcome:failure");
    await at("result-row").first().waitFor();
  });

  it("shows what somebody else does to the incident in hand, without asking again and again", async () => {
    await page.goto(`${mock.url}/incidents`);
    await at("incident-row").first().click();
    await page.keyboard.press("Enter");
    await at("incident").waitFor();
    const id = new URL(page.url()).pathname.split("/")[2] ?? "";
    await page.waitForTimeout(1500); // first reads are done
    let asked = 0;
    page.on("request", (request) => request.url().includes(`/incidents/${id}`) && !request.url().endsWith("/presence") && asked++);
    await page.waitForTimeout(6500);
    expect(asked).toBe(0); // nothing changed: nothing was asked
    const incident = mock.state.store.incidents.find((i) => i.id === id);
    Object.assign(incident ?? {}, { assignee: "minhduc", status: "acknowledged", version: 9 });
    mock.send("incident", { id, what: "decision" });
    await expect.poll(() => at("incident-assignee").textContent()).toBe("minhduc");
    mock.send("incident", { id, what: "presence", present: ["analyst", "vangasu"] });
    await expect.poll(() => at("present").textContent()).toContain("vangasu");
    await at("incident-playbooks").click();
    await expect.poll(() => page.url()).toContain(`/playbooks?incident=${id}`);
  });

  it("shades the countries that events come from, with Hoàng Sa and Trường Sa as Vietnam's", async () => {
    await page.goto(mock.url);
    await at("map").waitFor();
    await expect.poll(() => page.locator("[data-testid=map] [data-code=VN] circle").count()).toBe(19);
    await at("map").getByText("Q.đ. Hoàng Sa").waitFor();
    await at("map").getByText("Q.đ. Trường Sa").waitFor();
    expect(await page.locator("[data-testid=map] [data-on=true]").count()).toBeGreaterThan(7);
    expect(await at("counter-events").getByTestId("usual").textContent()).toContain("cao hơn thường lệ 13%");
    expect(await at("counter-alerts").getByTestId("usual").textContent()).toContain("như thường lệ");
  });

  it("draws the centre's own map instead, and says when nobody knows countries", async () => {
    const square = [
      [
        [100, 10],
        [110, 10],
        [110, 20],
        [100, 20],
        [100, 10],
      ],
    ];
    const geometry = { type: "Polygon", coordinates: square };
    mock.state.map = { type: "FeatureCollection", features: [{ type: "Feature", properties: { iso_a2: "VN" }, geometry }] };
    await page.goto(mock.url);
    await expect.poll(() => page.locator("[data-testid=map] [data-code]").count()).toBe(1);
    mock.state.countries = { source: null, countries: [] };
    await page.goto(mock.url);
    await at("map-none").getByText("chưa có nguồn").waitFor();
    expect(await at("map").count()).toBe(0);
    mock.state.map = undefined;
    mock.state.countries = undefined;
  });

  it("hands the shift over with one key; the next one begins there", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("alert-row").first().waitFor();
    await page.keyboard.press("h");
    await at("handover-incident").first().waitFor();
    await page.getByText("fw-mai-son").waitFor(); // a source that fell silent
    await at("handover-note").fill("Theo dõi máy chủ Sở Y tế\nGọi trực ban nếu im quá 30 phút");
    await page.keyboard.press("Escape");
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("s");
    await at("handover-before").getByText("Theo dõi máy chủ Sở Y tế").waitFor();
    expect(readFileSync("src/pages/handover/HandoverPage.module.css", "utf8")).toContain("@media print");
    const pdf = await page.pdf({ format: "A4" });
    expect(pdf.length).toBeGreaterThan(10_000);
  });

  it("sets up a second factor, ends another session, makes and revokes a token", async () => {
    await page.goto(`${mock.url}/account`);
    await at("factor-begin").click();
    await at("factor-code").fill("123456");
    await at("factor-submit").click();
    await at("recovery-kept").click();
    await at("factor-on").waitFor();
    await expect.poll(() => at("own-session").count()).toBe(2);
    await at("session-end").click();
    await expect.poll(() => at("own-session").count()).toBe(1);
    await at("token-name").fill("may-toi");
    await at("token-create").click();
    await expect.poll(() => at("secret").textContent()).toMatch(/^fsp_[0-9a-f]{64}$/);
    await page.keyboard.press("Escape");
    await at("own-token").getByText("analyst/may-toi").waitFor();
    await at("token-revoke").click();
    await expect.poll(() => at("own-token").count()).toBe(0);
  });
});
