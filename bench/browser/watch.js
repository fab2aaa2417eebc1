// Looks on as a page of the console appears, and tells `tabs.js` after how many milliseconds what the visit is about was on screen. An
// extension's script: it sees the page and the clock, and nothing of the page's own code.
const find = (selector) => document.querySelector(selector);
const shown = (selector) => find(selector)?.getClientRects().length > 0;

/** When `holds` does, looked at in every frame: the time after that frame was painted. */
const painted = (holds) =>
  new Promise((done) => {
    const look = () => {
      if (!holds()) requestAnimationFrame(look);
      else requestAnimationFrame(() => setTimeout(() => done(performance.now())));
    };
    requestAnimationFrame(look);
  });

const idle = (ms) => new Promise((done) => setTimeout(done, ms));

/** Milliseconds of something done. */
async function act({ key, changes, click, then }) {
  // a person looks first
  await idle(1000);
  const before = changes && find(changes)?.textContent;
  const started = performance.now();
  if (key) window.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  else find(click).click();
  const after = () => (then ? shown(then) : shown(changes) && find(changes).textContent !== before);
  return (await painted(after)) - started;
}

/** Milliseconds of a visit. */
async function visit({ seen, acts = [] }) {
  let took = await painted(() => shown(seen));
  for (const each of acts) took = await act(each);
  return took;
}

const which = plan.visits[Number(location.hash.slice(1))];
if (which && location.hash) visit(which).then((ms) => chrome.runtime.sendMessage(ms));
