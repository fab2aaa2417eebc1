/** Tasks 3 to 8 of the analyst: the next alert, many at once, from a value to all that is known of it, and an incident worked on. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

type Mock = Awaited<ReturnType<typeof startMock>>;

describe.skipIf(!hasChromium)("cases", () => {
  let browser: Browser;
  let mock: Mock;
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

  it("shows what is known around an alert", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("alert-row").first().click();
    await expect.poll(() => at("alert-history").locator("li").count()).toBeGreaterThan(1);
    await expect.poll(() => at("alert-similar").textContent()).toMatch(/Báo nhầm \d+/);
  });

  it("judges every copy with three keys, and takes it back with one", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("alert-row").first().click();
    await at("alert-panel").waitFor();
    const id = new URL(page.url()).searchParams.get("id");
    const one = mock.state.store.alerts.find((a) => a.id === id);
    const copies = mock.state.store.alerts.filter(
      (a) =>
        a.rule.id === one?.rule.id &&
        ["new", "acknowledged"].includes(a.status) &&
        a.entities.some((e) => e.value === one?.entities[0]?.value),
    );
    const before = copies.map((a) => a.status);
    await page.keyboard.press("*");
    await expect.poll(() => at("group").textContent()).toContain(`${copies.length} cảnh báo`);
    await page.keyboard.press("f");
    await at("verdict-reasons").waitFor();
    await page.keyboard.press("3");
    await expect.poll(() => copies.every((a) => a.status === "false_positive" && a.reason === "duplicate")).toBe(true);
    await page.getByText(`${copies.length} cảnh báo: Báo nhầm`).waitFor();
    await page.keyboard.press("u");
    await expect.poll(() => copies.map((a) => a.status)).toEqual(before);
  });

  it("fetches the packets of the alert in hand with one key, and tells their hash", async () => {
    await page.goto(`${mock.url}/alerts?level=low`); // seen by the firewall: its events name a flow
    await at("alert-row").first().click();
    await at("alert-event").first().waitFor();
    const saved = page.waitForEvent("download");
    await page.keyboard.press("p");
    expect((await saved).suggestedFilename()).toMatch(/^fansipan-[0-9a-f]{32}\.pcapng$/);
    await page.getByText(/SHA-256 [0-9a-f]{64}/).waitFor();
  });

  it("escalates an alert with one key and its confirmation, and finds the incident again", async () => {
    const held = new Set(mock.state.store.incidents.flatMap((i) => i.items.map((a) => a.id)));
    const lone = mock.state.store.alerts.find((a) => a.status === "new" && !held.has(a.id));
    await page.goto(`${mock.url}/alerts?id=${lone?.id}`);
    await at("escalate").waitFor();
    await page.keyboard.press("e");
    await at("escalate").getByText("Bấm lần nữa").waitFor();
    expect(mock.state.store.incidents.some((i) => i.items.some((a) => a.id === lone?.id))).toBe(false);
    await page.keyboard.press("e");
    await at("incident").waitFor();
    const id = new URL(page.url()).pathname.split("/")[2];
    expect(mock.state.store.incidents.find((i) => i.id === id)?.items.map((a) => a.id)).toEqual([lone?.id]);
    await page.goBack();
    await at("alert-panel").getByText("Thuộc một sự cố").waitFor();
    await page.keyboard.press("e");
    await at("incident").waitFor();
    expect(new URL(page.url()).pathname.split("/")[2]).toBe(id);
  });

  it("goes from a value to all that is known of it, and back", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("alert-row").first().click();
    await at("alert-panel")
      .getByRole("button", { name: /^Địa chỉ/ })
      .first()
      .click();
    await at("entity").waitFor();
    await expect.poll(() => at("entity-alerts").locator("li").count()).toBeGreaterThan(0);
    await page.getByRole("heading", { name: "host.name" }).waitFor();
    await page.keyboard.press("Backspace");
    await at("alert-panel").waitFor();
  });

  it("warns of a source whose clock is off, and tells everything in order with it", async () => {
    const skewed = mock.state.store.incidents.find((i) => i.entities.some((e) => e.value === "fw-huyen-thanuyen"));
    await page.goto(`${mock.url}/incidents/${skewed?.id}`);
    await expect.poll(() => at("skewed").textContent()).toMatch(/udp:10.12.0.1 nhanh 6,9 ph/);
    await at("timeline-all").click();
    const off = at("timeline-entry").filter({ hasText: "đồng hồ nguồn nhanh 6,9 ph" });
    await off.first().waitFor();
    expect(await off.first().textContent()).toContain("nhận lúc");
    const times = await at("timeline-entry").locator("> span:first-child").allTextContents();
    expect(times).toEqual([...times].sort());
  });

  it("leads an incident from the list to containment, with what each stage demands", async () => {
    await page.goto(`${mock.url}/incidents`);
    await at("incident-row").first().click();
    await page.keyboard.press("Enter");
    await at("incident").waitFor();
    const id = new URL(page.url()).pathname.split("/")[2];
    const incident = () => mock.state.store.incidents.find((i) => i.id === id);
    await expect.poll(() => at("present").textContent()).toContain("minhduc");
    await page.keyboard.press("c");
    await expect.poll(() => incident()?.assignee).toBe("analyst");
    await expect.poll(() => at("incident-assignee").textContent()).toBe("analyst");
    await at("stage-triaged").click();
    expect(await at("stage-submit").isDisabled()).toBe(true);
    await at("fact-category").click();
    await page.getByRole("option", { name: "phishing" }).click();
    await at("stage-submit").click();
    await expect.poll(() => incident()?.workspace).toMatchObject({ stage: "triaged", facts: { category: "phishing" } });
    await expect.poll(() => at("stage-triaged").isDisabled()).toBe(true);
  });

  it("keeps notes and evidence with its hash", async () => {
    await page.getByRole("textbox", { name: "Thêm ghi chú" }).fill("Đã gọi trực ban <b>Sở TTTT</b>");
    await page.keyboard.press("Enter");
    await expect.poll(() => at("item-note").textContent()).toContain("Đã gọi trực ban <b>Sở TTTT</b>");
    await at("evidence-file").setInputFiles({ name: "access.log", mimeType: "text/plain", buffer: Buffer.from("abc") });
    await expect
      .poll(() => at("item-evidence").textContent())
      .toContain("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(await at("bundle").getAttribute("href")).toMatch(/\/incidents\/[0-9a-f]+\/bundle$/);
  });

  it("shows events that somebody found and put into it, at their own time, as text", async () => {
    const body = { event: "0199-ev", seen: "2026-03-01T01:02:03Z", host: "db02", text: "Failed password <b>for</b> oracle" };
    const id = new URL(page.url()).pathname.split("/")[2];
    const incident = mock.state.store.incidents.find((i) => i.id === id);
    incident?.workspace?.items.push({ id: "found-1", at: new Date().toISOString(), who: "lan", kind: "event", body, version: 1 });
    await page.getByRole("textbox", { name: "Thêm ghi chú" }).fill("tìm thấy trên db02");
    await page.keyboard.press("Enter");
    await expect.poll(() => at("item-event").textContent()).toContain("db02 Failed password <b>for</b> oracle");
  });

  it("tells what is learned: times beside those of others, how many of those are left out, what it suggests", async () => {
    await expect.poll(() => at("lessons-times").textContent()).toContain("Đến lúc phát hiện (MTTD)1,6 ph4,3 ph");
    expect(await at("lessons-times").textContent()).toContain("Đến lúc khôi phục (MTTR)–1 ng");
    expect(await at("lessons-basis").textContent()).toContain("500 sự cố có thật trong 90 ngày");
    expect(await at("lessons-left-out").textContent()).toBe("Còn 37 sự cố khác trong thời gian đó chưa được tính.");
    expect(await at("proposal").textContent()).toContain("đặt ngoại lệ cho phần chung");
    expect(await at("proposal").locator("code").textContent()).toMatch(/^fansipan exceptions preview --rule /);
  });

  it("expands the graph to related events, and splits what does not belong", async () => {
    const node = at("graph-node");
    await node.first().waitFor();
    const before = await node.count();
    await node.first().focus();
    await page.keyboard.press("Enter");
    await at("graph-card").waitFor();
    await expect.poll(() => node.count()).toBeGreaterThan(before);
    const alerts = await at("incident-alert").count();
    await at("incident-alert").first().getByRole("checkbox").click();
    await at("incident-split").click();
    await expect.poll(() => at("incident-alert").count()).toBe(1); // the new incident is in hand
    await page.goBack();
    await expect.poll(() => at("incident-alert").count()).toBe(alerts - 1);
  });
});
