// How soon each page of the console shows what it is for, in a real Chromium over a full store: from the address typed to the first
// row, number or bar on screen, the console's own files in the browser's cache as on any day but the first.
// In the environment: URL, PASSWORD (the first login's), ROUNDS, INCIDENT (an id). Prints one line of JSON: milliseconds by page.
import { createHash } from 'node:crypto';
import tls from 'node:tls';
import { firstLogin, launch } from '../../tests/browser/first.mjs';

const { URL: url, PASSWORD: password, ROUNDS: rounds = '10', INCIDENT: incident } = process.env;

/** Name, address, and what must be seen. */
const PAGES = [
  ['overview', '/', '[data-testid=counter-events] span[title]'],
  ['alerts', '/alerts', '[data-testid=alert-row]'],
  ['incidents', '/incidents', '[data-testid=incident-row]'],
  ['incident', `/incidents/${incident}`, '[data-testid=graph-node]'],
  ['search', '/search?q=event.outcome:failure&since=24h', '[data-testid=result-row]'],
  ['entity', '/entity?kind=host&value=host-7', '[data-testid=entity-alerts]'],
  ['rules', '/rules', '[data-testid=rule-row]'],
  ['coverage', '/rules?view=coverage', '[data-testid=technique]'],
  ['handover', '/handover', '[data-testid=handover]'],
  ['account', '/account', '[data-testid=own-session]'],
  ['wall', '/wall', '[data-testid=wall-age]'],
];

/** The console's key, as the flag of Chromium wants it: what comes over a certificate it distrusts it never caches. */
function key({ hostname, port }) {
  return new Promise((done, failed) => {
    const peer = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
      const spki = peer.getPeerX509Certificate().publicKey.export({ type: 'spki', format: 'der' });
      peer.end();
      done(createHash('sha256').update(spki).digest('base64'));
    });
    peer.on('error', failed);
  });
}

const browser = await launch([`--ignore-certificate-errors-spki-list=${await key(new URL(url))}`]);
const context = await browser.newContext({ viewport: { width: 1920, height: 1080 }, locale: 'vi-VN' });
const page = await context.newPage();
const at = (id) => page.getByTestId(id);
const seen = (selector) => page.locator(selector).first().waitFor({ timeout: 30_000 });

// What Playwright waits with is a script of 300 KB that the page would read before its own: a few lines tell of the page instead.
const cdp = await context.newCDPSession(page);
await cdp.send('Page.enable');
await cdp.send('Runtime.enable');
await cdp.send('Runtime.addBinding', { name: 'drawn' });

/** In the page: tells when something is on screen. */
function watch(selector) {
  const look = () => {
    if (!document.querySelector(selector)?.getClientRects().length) requestAnimationFrame(look);
    else requestAnimationFrame(() => setTimeout(() => globalThis.drawn('')));
  };
  if (location.protocol === 'https:') requestAnimationFrame(look);
}

/** Milliseconds from an address to what is looked for. */
async function painted(path, selector) {
  const source = `(${watch})(${JSON.stringify(selector)})`;
  const { identifier } = await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source });
  await page.goto('about:blank');
  const drawn = new Promise((done, failed) => {
    const late = setTimeout(() => failed(new Error(`${path}: ${selector} not seen within 30 s`)), 30_000);
    cdp.once('Runtime.bindingCalled', () => {
      clearTimeout(late);
      done(performance.now());
    });
  });
  const started = performance.now();
  await page.goto(new URL(path, url).href, { waitUntil: 'commit' });
  const took = (await drawn) - started;
  await cdp.send('Page.removeScriptToEvaluateOnNewDocument', { identifier });
  return took;
}

await firstLogin(page, url, password, 'Đỉnh núi Fansipan 3147 m');
await at('nav-overview').waitFor();

const out = {};
for (const [name, path, what] of PAGES) {
  out[name] = [];
  // one more than counts: its first visit brings the page's files into the cache
  for (let round = 0; round <= Number(rounds); round++) {
    const took = await painted(path, what);
    if (round > 0) out[name].push(took);
  }
}

// the next alert: one key, until its panel shows the alert and the events behind it
await page.goto(new URL('/alerts', url).href);
await seen('[data-testid=alert-row]');
out['next alert'] = [];
for (let round = 0; round <= Number(rounds); round++) {
  const before = round > 0 ? await at('alert-panel').innerText() : '';
  const started = performance.now();
  await page.keyboard.press('n');
  await page.waitForFunction((old) => {
    const panel = document.querySelector('[data-testid=alert-panel]');
    return panel && panel.innerText.slice(0, 400) !== old.slice(0, 400);
  }, before);
  if (round > 0) out['next alert'].push(performance.now() - started);
  await page.waitForTimeout(300);
}
await browser.close();
console.log(JSON.stringify(out));
