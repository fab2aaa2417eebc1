// An administrator whose role requires a second factor: chooses a password, sets up the factor, and logs in with it elsewhere.
// Then hostile records: markup in every field of a log must be shown as text, in the search and in an alert.
// Arguments in the environment: URL, PASSWORD, MARK (a word in the hostile records), SHOTS. Prints `armed` when records may come.
import { createHmac } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstLogin, launch } from './first.mjs';

const { URL: url, PASSWORD: password, MARK: mark, SHOTS: shots } = process.env;
const OWN = 'Đỉnh núi Fansipan 3147 m';

/** The code of an authenticator (RFC 6238), so many steps from now. */
function code(secret, steps) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, '0');
}

mkdirSync(shots, { recursive: true });
const browser = await launch();
const faults = [];

async function open() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, locale: 'vi-VN' });
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => faults.push(`a dialog opened: ${dialog.message()}`));
  page.on('console', (line) => /Content Security Policy/.test(line.text()) && faults.push(line.text()));
  return page;
}

/** Fails when markup of a record became part of the page. */
async function harmless(page, where) {
  const found = await page.evaluate(() => [window.pwned, document.querySelectorAll('img[src="x"], svg[onload], iframe').length]);
  if (found[0] !== undefined || found[1] > 0) throw new Error(`markup of a log came alive on the ${where} page: ${JSON.stringify(found)}`);
  if (!(await page.locator('body').innerText()).includes('<script>')) throw new Error(`the ${where} page does not show the markup as text`);
}

let page = await open();
const at = (id) => page.getByTestId(id);
try {
  await firstLogin(page, url, password, OWN);
  const secret = (await at('factor-secret').innerText()).trim();
  await page.screenshot({ path: join(shots, 'factor.png') });
  await at('factor-code').fill(code(secret, -1));
  await at('factor-submit').click();
  await at('recovery-codes').waitFor();
  await at('recovery-kept').click();
  await at('nav-alerts').waitFor({ timeout: 15000 });

  page = await open(); // another computer
  await page.goto(url);
  await at('login-username').fill('admin');
  await at('login-password').fill(OWN);
  await at('login-submit').click();
  await at('login-code').fill(code(secret, 0));
  await page.screenshot({ path: join(shots, 'code.png') });
  await at('login-submit').click();
  await at('nav-alerts').waitFor({ timeout: 15000 });
  await at('nav-alerts').click();
  console.log('armed');

  const row = at('alert-row').filter({ hasText: mark }).first();
  await row.waitFor({ timeout: 30000 });
  await row.click();
  await at('alert-panel').waitFor();
  await at('alert-event').first().waitFor({ timeout: 15000 });
  await harmless(page, 'alert');
  await page.screenshot({ path: join(shots, 'alert.png') });
  await at('nav-search').click();
  const box = at('search-input');
  await box.waitFor();
  const input = (await box.evaluate((e) => e.matches('input,textarea'))) ? box : box.locator('input,textarea').first();
  await input.fill(mark);
  await at('search-submit').click();
  await at('result-row').first().waitFor({ timeout: 15000 });
  await harmless(page, 'search');
  const rows = await at('result-row').count();
  for (let n = 0; n < Math.min(rows, 3); n += 1) {
    await at('result-row').nth(n).click();
    await at('event-detail').first().waitFor();
    await harmless(page, 'event');
  }
  await page.screenshot({ path: join(shots, 'event.png') });
  if (faults.length > 0) throw new Error(faults.join('; '));
  console.log(JSON.stringify({ rows }));
} catch (error) {
  await page.screenshot({ path: join(shots, 'failure.png') });
  console.error(String(error), faults.join('; '));
  process.exitCode = 1;
} finally {
  await browser.close();
}
