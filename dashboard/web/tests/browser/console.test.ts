/** The main tasks of an analyst, in a real Chromium against the mock server, under the product's own content policy. */
import { mkdirSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startMock } from "../../mock/server.mjs";
import { hasChromium, launch, openPage, signIn } from "../browser.mjs";

type Mock = Awaited<ReturnType<typeof startMock>>;

if (!hasChromium) console.log("skipped: no Chromium at /usr/bin/chromium (set CHROMIUM)");

describe.skipIf(!hasChromium)("the console", () => {
  let browser: Browser;
  let mock: Mock;
  let page: Page;
  let context: BrowserContext;
  let problems: string[];
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });
  beforeEach(async () => {
    mock = await startMock({ live: false });
    ({ page, context, problems } = await openPage(browser));
  });
  afterEach(async (test) => {
    if (test.task.result?.state === "fail") {
      mkdirSync("tests/artifacts", { recursive: true });
      await page.screenshot({ path: `tests/artifacts/${test.task.name.replace(/\W+/g, "-")}.png` });
    }
    await context.close();
    await mock.stop();
    expect(problems).toEqual([]);
  });

  const enter = async (path = "/") => {
    await signIn(page, mock.url);
    await at("nav-overview").waitFor();
    if (path !== "/") await page.goto(mock.url + path);
  };

  it("changes a one-time password before anything else", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("login-username").fill("admin");
    await at("login-password").fill("wrong");
    await at("login-submit").click();
    await expect.poll(() => at("login-error").textContent()).toContain("Sai tên đăng nhập");
    await at("login-password").fill("Mot-Lan-1234");
    await at("login-submit").click();
    await at("new-password").fill("Đỉnh Fansipan 3143 mét");
    expect(await at("change-password-submit").isDisabled()).toBe(true);
    await at("new-password-repeat").fill("Đỉnh Fansipan 3143 mét");
    await at("change-password-submit").click();
    await at("alert-row").first().waitFor(); // and lands where they wanted to go
    expect(new URL(page.url()).pathname).toBe("/alerts");
  });

  it("says what the server refuses in the language that is chosen", async () => {
    await page.goto(`${mock.url}/alerts`);
    await at("login-username").fill("admin");
    await at("login-password").fill("Mot-Lan-1234");
    await at("login-submit").click();
    // the form counts as the server does: only the server can say what it finds beyond that
    const problem = {
      type: "urn:fansipan:problem:weak_password",
      code: "FSP-API-015",
      detail: "the password is among the first",
      detail_vi: "mật khẩu này quá phổ biến",
    };
    const refusal = { status: 422, contentType: "application/problem+json", body: JSON.stringify(problem) };
    await page.route("**/api/v1/session/password", (route) => route.fulfill(refusal));
    await at("new-password").fill("Đỉnh Fansipan 3143 mét");
    await at("new-password-repeat").fill("Đỉnh Fansipan 3143 mét");
    await at("change-password-submit").click();
    const alert = page.getByRole("alert");
    await alert.getByText("Mật khẩu này quá phổ biến.", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await at("lang-switch").click();
    await alert.getByText("The password is among the first.", { exact: true }).waitFor();
  });

  it("tells what has no source, and never calls it zero", async () => {
    await enter();
    await expect.poll(() => at("counter-vulnerabilities").textContent()).toContain("chưa có nguồn");
    expect(await at("counter-vulnerabilities").textContent()).not.toMatch(/\d/);
    for (const id of ["counter-incidents", "counter-attacks"]) expect(await at(id).textContent()).toMatch(/[1-9]/);
    expect(await at("answer-attack").textContent()).toMatch(/\d+ cảnh báo nghiêm trọng đang mở/);
    expect(await at("answer-blind").textContent()).toContain("2/14 nguồn im lặng");
  });

  it("shows a new alert by itself, in its place", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    const alert = mock.raise(8, 2250); // the highest there is: first of the queue
    await page.locator(`#alert-${alert.id}`).waitFor();
    expect(await at("alert-row").first().getAttribute("id")).toBe(`alert-${alert.id}`);
  });

  it("takes, judges and undoes with keys", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    await page.keyboard.press("n");
    await at("alert-panel").waitFor();
    const id = new URL(page.url()).searchParams.get("id") ?? "";
    const alert = () => mock.state.store.alerts.find((a) => a.id === id);
    await expect.poll(() => alert()).toMatchObject({ status: "acknowledged", assignee: "analyst" });
    await page.keyboard.press("f");
    await at("verdict-reasons").waitFor();
    await page.keyboard.press("2");
    await expect.poll(() => alert()).toMatchObject({ status: "false_positive", reason: "parsing" });
    await expect.poll(() => page.locator(`#alert-${id}`).count()).toBe(0);
    await expect.poll(() => new URL(page.url()).searchParams.get("id")).not.toBe(id); // the next one is in hand
    await page.keyboard.press("u");
    await expect.poll(() => alert()).toMatchObject({ status: "acknowledged", assignee: "analyst" });
    await page.locator(`#alert-${id}`).waitFor();
  });

  it("takes the next one when somebody was faster", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    const first = ((await page.locator('[data-testid=alert-row][data-status="new"]').first().getAttribute("id")) ?? "").slice(6);
    // Somebody else takes it, and this console has not heard of it.
    Object.assign(mock.state.store.alerts.find((a) => a.id === first) ?? {}, { assignee: "minhduc", status: "acknowledged", version: 2 });
    await page.keyboard.press("n");
    await expect.poll(() => mock.state.store.alerts.filter((a) => a.assignee === "analyst" && a.version > 1).length).toBe(1);
    await expect.poll(() => new URL(page.url()).searchParams.get("id")).not.toBe(first);
  });

  it("shows the next one before the server has answered, and judges it once it is ours", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    await page.keyboard.press("n");
    await expect.poll(() => mock.state.store.alerts.filter((a) => a.assignee === "analyst" && a.version > 1).length).toBe(1);
    await expect.poll(() => at("alert-panel").textContent()).toContain("analyst");
    const named = () => new URL(page.url()).searchParams.get("id") ?? "";
    await expect.poll(named).not.toBe("");
    const first = named();
    let answer = () => {};
    const held = new Promise<void>((done) => {
      answer = done;
    });
    await page.route("**/alerts/next", async (route) => {
      await held;
      await route.continue();
    });
    await page.keyboard.press("n");
    await expect.poll(named).not.toBe(first);
    const second = named();
    await page.keyboard.press("f");
    await at("verdict-reasons").waitFor();
    await page.keyboard.press("2");
    expect(mock.state.store.alerts.find((a) => a.id === second)).toMatchObject({ status: "new", assignee: null });
    answer();
    const judged = () => mock.state.store.alerts.find((a) => a.id === second);
    await expect.poll(judged).toMatchObject({ status: "false_positive", assignee: "analyst", reason: "parsing" });
  });

  it("gives another one when what should come next was taken meanwhile", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    await page.keyboard.press("n");
    const mine = () => mock.state.store.alerts.filter((a) => a.assignee === "analyst" && a.version > 1);
    await expect.poll(() => mine().length).toBe(1);
    const waiting = mock.state.store.alerts.filter((a) => a.status === "new");
    const best = Math.max(...waiting.map((a) => a.priority));
    // whichever of these was to come, somebody else has it
    for (const a of waiting.filter((x) => x.priority === best))
      Object.assign(a, { assignee: "minhduc", status: "acknowledged", version: 2 });
    await page.keyboard.press("n");
    await expect.poll(() => mine().length).toBe(2);
    const inHand = () => mine().some((a) => a.id === new URL(page.url()).searchParams.get("id") && a.priority < best);
    await expect.poll(inHand).toBe(true);
    await expect.poll(() => at("alert-panel").textContent()).toContain("analyst");
  });

  it("tells of a storm in one message", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    for (let i = 0; i < 40; i++) mock.raise(8);
    await page
      .getByText(/\d\d cảnh báo khẩn khác/)
      .first()
      .waitFor();
    expect(await page.locator(".mantine-Notification-root").count()).toBeLessThan(4);
  });

  it("offers no verdict to those who only view", async () => {
    await signIn(page, mock.url, { username: "viewer" });
    await at("nav-alerts").click();
    await at("alert-row").first().click();
    await page.getByText("Tài khoản của bạn chỉ xem", { exact: false }).waitFor();
    for (const key of ["c", "t", "1", "u"]) await page.keyboard.press(key);
    expect(await at("verdict-reasons").count()).toBe(0);
    expect(mock.state.store.alerts.every((a) => a.version === 1)).toBe(true);
  });

  it("goes from an alert to its event and finds it again by search", async () => {
    // of today, as far back as an empty search looks; others of high priority may be older
    const { id: alert } = mock.raise(0, 2000);
    await enter("/alerts");
    await page.locator(`#alert-${alert}`).click();
    await at("alert-event").first().waitFor();
    await at("alert-event").first().click();
    await at("event-detail").waitFor();
    const id =
      (await at("event-detail")
        .getByText(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
        .first()
        .textContent()) ?? "";
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await at("search-input").fill(`event.id:"${id}"`);
    await at("search-submit").click();
    await expect.poll(() => at("result-count").getAttribute("data-total")).toBe("1");
    await at("result-row").first().click();
    await expect.poll(() => at("event-detail").textContent()).toContain(id);
  });

  it("underlines a mistake where it is, and says what to write", async () => {
    await enter("/search");
    await at("search-input").fill("đăng nhập | statz count()");
    await expect.poll(() => at("search-fault").textContent()).toMatch(/ký tự 13.*`statz` không phải là một bước.*viết stats/);
    expect(await page.locator("pre [data-fault=true]").textContent()).toBe("statz");
    await at("search-input").fill("event.outcome:failure | stats count() by source.ip");
    await expect.poll(() => at("search-fault").count()).toBe(0);
    await at("search-input").press("Enter");
    await at("result-chart").locator("svg").waitFor();
    expect(await at("result-row").count()).toBeGreaterThan(3);
  });

  it("pages through everything, and narrows by facets and fields", async () => {
    await enter("/search?since=24h");
    await at("result-row").first().waitFor();
    const total = Number(await at("result-count").getAttribute("data-total"));
    await page.getByRole("listbox", { name: "Kết quả tìm kiếm" }).focus();
    for (let i = 0; i < 12; i++) {
      await page.mouse.move(800, 500);
      await page.mouse.wheel(0, 6000);
      await page.waitForTimeout(60);
    }
    await expect.poll(() => page.getByText(/đã tải/).textContent()).not.toContain("đã tải 200 ");
    await page.getByTitle("Chỉ giữ system.auth").click();
    await expect.poll(() => at("search-input").inputValue()).toBe("event.dataset:system.auth");
    await expect.poll(async () => Number(await at("result-count").getAttribute("data-total"))).toBeLessThan(total);
  });

  it("keeps the whole search in the address", async () => {
    await enter("/search");
    await at("search-input").fill("event.outcome:failure");
    await at("search-submit").click();
    await at("result-row").nth(3).click();
    await at("event-detail").waitFor();
    const address = page.url();
    const text = await at("event-detail").textContent();
    await page.goto(`${mock.url}/status`);
    await page.goto(address);
    await expect.poll(() => at("event-detail").textContent()).toBe(text);
  });

  it("shows hostile text as text", async () => {
    await enter(`/search?q=${encodeURIComponent("url.original:*script*")}`);
    await at("result-row").first().click();
    await expect.poll(() => at("event-detail").textContent()).toContain("<script>alert(document.cookie)</script>");
    expect(await page.locator("main script").count()).toBe(0);
  });

  it("lists sources with their ledger and says how to add one", async () => {
    await enter("/sources");
    await at("source-row").filter({ hasText: "fw-huyen-thanuyen" }).click();
    await expect.poll(() => at("source-panel").textContent()).toContain("vượt hạn mức tốc độ");
    await at("add-source").click();
    await page.getByRole("button", { name: "FortiGate" }).click();
    expect(await at("snippet").textContent()).toContain("config log syslogd setting");
  });

  it("speaks English when asked, and remembers", async () => {
    await enter("/sources");
    await at("lang-switch").click();
    await page.getByRole("heading", { name: "Sources" }).waitFor();
    await expect.poll(() => mock.state.users.get("analyst")?.user.language).toBe("en");
  });

  it("goes everywhere from the keyboard and lists its keys", async () => {
    await enter();
    for (const [key, path] of [
      ["a", "/alerts"],
      ["s", "/search"],
      ["r", "/sources"],
      ["u", "/rules"],
      ["i", "/status"],
      ["o", "/"],
    ] as const) {
      await page.keyboard.press("Escape");
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await expect.poll(() => new URL(page.url()).pathname).toBe(path);
      // an empty search takes the keyboard when it has come: only then can it be left
      if (path === "/search") await expect.poll(() => page.evaluate(() => document.activeElement?.matches("input, textarea"))).toBe(true);
    }
    await page.keyboard.press("?");
    await expect.poll(() => at("shortcut-sheet").textContent()).toContain("Đến Cảnh báo");
  });

  it("says what failed and recovers, without losing what is on screen", async () => {
    await enter("/alerts");
    await at("alert-row").first().waitFor();
    mock.state.faults.add("/sources");
    await at("nav-sources").click();
    await page.getByText("kho dữ liệu gặp lỗi", { exact: false }).first().waitFor({ timeout: 15_000 });
    mock.state.faults.clear();
    await page.getByRole("button", { name: "Thử lại" }).click();
    await at("source-row").first().waitFor();
  });

  it("polls while the stream is down, and says so", async () => {
    mock.state.faults.add("/stream");
    await enter("/alerts");
    await expect.poll(() => page.getByRole("status").first().textContent()).toContain("Cập nhật định kỳ");
    const alert = mock.raise(8, 2250);
    await page.locator(`#alert-${alert.id}`).waitFor({ timeout: 12_000 });
  });

  it("comes back to the same place after the session ended", async () => {
    await enter("/alerts?level=critical");
    await at("alert-row").first().click();
    await at("alert-panel").waitFor();
    const inHand = () => new URL(page.url()).searchParams.get("id");
    await expect.poll(inHand).not.toBe(null);
    const id = inHand();
    mock.state.sessions.clear();
    await page.keyboard.press("c"); // whatever asks the server first, this or the page by itself, learns of it
    await at("login-username").waitFor();
    await page.getByText("Phiên làm việc đã hết hạn", { exact: false }).waitFor();
    await at("login-username").fill("analyst");
    await at("login-password").fill("fansipan");
    await at("login-submit").click();
    await at("alert-panel").waitFor();
    expect(new URL(page.url()).searchParams.get("level")).toBe("critical");
    expect(inHand()).toBe(id);
  });
});
