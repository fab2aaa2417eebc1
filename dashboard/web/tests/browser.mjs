/** A real Chromium for tests and pictures. Nothing of the product is mocked here but the server. */
import { existsSync, mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);

export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `more`: further flags. */
export const launch = (more = []) => chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...more] });

/** A page with its language and scheme chosen, problems collected. */
export async function openPage(browser, { width = 1280, height = 800, language = "vi", scheme = "dark" } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    locale: "vi-VN",
    timezoneId: "Asia/Ho_Chi_Minh",
    reducedMotion: "reduce",
  });
  await context.addInitScript(
    ([lang, look]) => {
      localStorage.setItem("fansipan.language", lang);
      localStorage.setItem("fansipan.scheme", look);
    },
    [language, scheme],
  );
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on(
    "console",
    (message) => message.type() === "error" && !/status of (401|403|409|4\d\d|503)/.test(message.text()) && problems.push(message.text()),
  );
  page.on("pageerror", (error) => problems.push(String(error)));
  return { page, context, problems };
}

export async function signIn(page, url, { username = "analyst", password = "fansipan" } = {}) {
  await page.goto(`${url}/login`);
  await page.getByTestId("login-username").fill(username);
  await page.getByTestId("login-password").fill(password);
  await page.getByTestId("login-submit").click();
}

/** Where pictures of every page lie after the tests. */
const PICTURES = "tests/artifacts/pages";

/** Keeps pictures of a page at the usual widths, or of the wall as it is. */
export async function picture(
  page,
  name,
  language,
  sizes = [
    [1280, 800],
    [1920, 1080],
  ],
) {
  mkdirSync(PICTURES, { recursive: true });
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(150);
    await page.screenshot({ path: `${PICTURES}/${name.replace(/\W+/g, "-")}-${width}-${language}.png` });
  }
  const [[width, height]] = sizes;
  await page.setViewportSize({ width, height });
}
