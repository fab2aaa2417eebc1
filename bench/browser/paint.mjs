// How soon each page of the console shows what it is for, in a real Chromium over a full store: from the address typed to the first
// row, number or bar on screen, the console's own files in the browser's cache as on any day but the first. Nothing drives the page
// from outside while it is measured: a browser that is debugged keeps no compiled code, and every page would cost what the first visit
// of all costs. An extension opens each page in a new tab, as from a bookmark (`tabs.js`), and looks on (`watch.js`).
// In the environment: URL, PASSWORD (the first login's), ROUNDS, INCIDENT (an id). Prints one line of JSON: milliseconds by page.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { chromium } from '../../dashboard/web/node_modules/playwright-core/index.mjs';
import { CHROMIUM, FLAGS, firstLogin } from '../../tests/browser/first.mjs';

const { URL: url, PASSWORD: password, ROUNDS: rounds = '10', INCIDENT: incident } = process.env;

/** What the alert in hand is about, as a person clicks it. */
const ENTITY = '[data-testid=alert-panel] [data-testid=alert-entity]';
const NEXT = { key: 'n', changes: '[data-testid=alert-panel]' };

/** Name, address, and what must be seen; or, once it is, what is done, the last of which is measured, and what must be seen then. */
const VISITS = [
  { name: 'overview', path: '/', seen: '[data-testid=counter-events] span[title]' },
  { name: 'alerts', path: '/alerts', seen: '[data-testid=alert-row]' },
  { name: 'incidents', path: '/incidents', seen: '[data-testid=incident-row]' },
  { name: 'incident', path: `/incidents/${incident}`, seen: '[data-testid=graph-node]' },
  { name: 'search', path: '/search?q=event.outcome:failure&since=24h', seen: '[data-testid=result-row]' },
  { name: 'entity', path: '/entity?kind=host&value=host-7', seen: '[data-testid=entity-alerts]' },
  { name: 'rules', path: '/rules', seen: '[data-testid=rule-row]' },
  { name: 'coverage', path: '/rules?view=coverage', seen: '[data-testid=technique]' },
  { name: 'handover', path: '/handover', seen: '[data-testid=handover]' },
  { name: 'account', path: '/account', seen: '[data-testid=own-session]' },
  { name: 'wall', path: '/wall', seen: '[data-testid=wall-age]' },
  { name: 'first alert', path: '/alerts', seen: '[data-testid=alert-row]', acts: [NEXT] },
  { name: 'next alert', path: '/alerts', seen: '[data-testid=alert-row]', acts: [NEXT, NEXT, NEXT] },
  {
    name: 'entity, from an alert',
    path: '/alerts',
    seen: '[data-testid=alert-row]',
    acts: [NEXT, { click: ENTITY, then: '[data-testid=entity-alerts]' }],
  },
];
/** Visits before those that count: the browser keeps a page's files at the first, and its compiled code at the third. */
const BEFORE = 3;

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

/** Sends the browser from visit to visit and hears how long each took. */
class Round {
  #visits = VISITS.flatMap((visit) => Array.from({ length: BEFORE + Number(rounds) }, () => visit));
  #at = -1;
  out = Object.fromEntries(VISITS.map(({ name }) => [name, []]));

  constructor() {
    this.done = new Promise((done, failed) => Object.assign(this, { end: done, fail: failed }));
    this.server = createServer((request, response) => {
      const { searchParams } = new URL(request.url, 'http://127.0.0.1');
      if (searchParams.has('ms')) this.#heard(Number(searchParams.get('ms')));
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(this.#next()));
    });
  }

  #heard(ms) {
    const { name } = this.#visits[this.#at];
    if (this.#visits[this.#at - BEFORE]?.name === name) this.out[name].push(ms);
  }

  /** The address of the next visit; null when it was the last. */
  #next() {
    clearTimeout(this.late);
    const visit = this.#visits[++this.#at];
    if (!visit) {
      this.end();
      return null;
    }
    this.late = setTimeout(() => this.fail(new Error(`${visit.name}: not seen within 30 s`)), 30_000);
    const to = new URL(visit.path, url);
    to.hash = String(VISITS.indexOf(visit));
    return to.href;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'fansipan-paint-'));
const [profile, extension] = [join(folder, 'profile'), mkdtempSync(join(folder, 'watch-'))];
const trusted = `--ignore-certificate-errors-spki-list=${await key(new URL(url))}`;
const window = ['--window-size=1920,1080', '--lang=vi-VN'];

// who logs in stays logged in: the session's cookie is in the profile
const context = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  args: [...FLAGS, trusted],
  viewport: { width: 1920, height: 1080 },
  locale: 'vi-VN',
});
const page = await context.newPage();
await firstLogin(page, url, password, 'Đỉnh núi Fansipan 3147 m');
await page.getByTestId('nav-overview').waitFor();
await context.close();

const round = new Round();
round.server.listen(0, '127.0.0.1');
await once(round.server, 'listening');
const tell = `http://127.0.0.1:${round.server.address().port}/`;
for (const script of ['tabs.js', 'watch.js']) copyFileSync(new URL(script, import.meta.url), join(extension, script));
writeFileSync(join(extension, 'plan.js'), `const plan = ${JSON.stringify({ tell, visits: VISITS })};`);
const host = ({ protocol, hostname }) => `${protocol}//${hostname}/*`;
const manifest = {
  manifest_version: 3,
  name: 'watch',
  version: '1',
  host_permissions: [host(new URL(tell))],
  background: { service_worker: 'tabs.js' },
  content_scripts: [{ matches: [host(new URL(url))], js: ['plan.js', 'watch.js'], run_at: 'document_start' }],
};
writeFileSync(join(extension, 'manifest.json'), JSON.stringify(manifest));

const watched = [`--user-data-dir=${profile}`, `--load-extension=${extension}`, '--disable-features=DisableLoadExtensionCommandLineSwitch'];
const browser = spawn(CHROMIUM, [...FLAGS, ...window, trusted, ...watched, 'about:blank'], { stdio: 'ignore' });
browser.on('exit', () => round.fail(new Error('the browser ended')));
try {
  await round.done;
} finally {
  browser.removeAllListeners('exit');
  browser.kill();
  await once(browser, 'exit');
  round.server.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 25, retryDelay: 200 });
}
console.log(JSON.stringify(round.out));
