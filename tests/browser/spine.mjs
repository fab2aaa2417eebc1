// A person at the console: logs in, must choose a password, sees the alert arrive, opens its event, finds it again by search.
// Arguments in the environment: URL, PASSWORD, HOST (named in the attack), SHOTS (folder for pictures).
// Prints `armed` when the alert list is open and waits for the attack; prints one JSON line with timings at the end.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstLogin, launch } from './first.mjs';

const { URL: url, PASSWORD: password, HOST: host, SHOTS: shots } = process.env;

mkdirSync(shots, { recursive: true });
const browser = await launch();
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, locale: 'vi-VN' });
const page = await context.newPage();
const faults = [];
page.on('pageerror', (error) => faults.push(String(error)));
const at = (id) => page.getByTestId(id);
const picture = (name) => page.screenshot({ path: join(shots, `${name}.png`) });

try {
  await firstLogin(page, url, password, 'Đỉnh núi Fansipan 3147 m');
  await at('nav-alerts').waitFor({ timeout: 15000 });
  await at('nav-overview').click();
  await picture('overview-before');
  await at('nav-alerts').click();
  await page.waitForTimeout(500);
  console.log('armed');
  const row = at('alert-row').filter({ hasText: host }).first();
  await row.waitFor({ timeout: 20000 });
  const seen = Date.now();
  await picture('alerts');
  await row.click();
  await at('alert-panel').waitFor();
  await at('alert-event').first().waitFor({ timeout: 10000 });
  await picture('alert');
  if (!(await at('alert-panel').innerText()).includes(host)) throw new Error('the alert does not name the host');
  await at('nav-search').click();
  await at('search-input').waitFor();
  const box = at('search-input');
  const input = (await box.evaluate((e) => e.matches('input,textarea'))) ? box : box.locator('input,textarea').first();
  await input.fill(`host.name:${host} and event.outcome:failure`);
  await at('search-submit').click();
  await at('result-row').first().waitFor({ timeout: 15000 });
  await picture('search');
  await at('result-row').first().click();
  await at('event-detail').waitFor();
  const detail = await at('event-detail').innerText();
  if (!detail.includes('203.0.113.77')) throw new Error('the event does not show the attacker');
  await picture('event');
  await at('nav-sources').click();
  await at('source-row').first().waitFor();
  await picture('sources');
  await at('nav-overview').click();
  await page.waitForTimeout(1500);
  await picture('overview');
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.waitForTimeout(500);
  await picture('overview-1920');
  if (faults.length > 0) throw new Error(`the page threw: ${faults.join('; ')}`);
  console.log(JSON.stringify({ seen }));
} catch (error) {
  await picture('failure');
  console.error(String(error));
  process.exitCode = 1;
} finally {
  await browser.close();
}
