// Opens one page of the console after the other, each in a new tab: an extension's background script (`paint.mjs`).
importScripts('plan.js');

/** Between two visits, milliseconds: for the browser to be done with the last one. */
const REST = 700;

/** `ms`: what the last visit took, in the tab `tab`. */
async function next(ms, tab) {
  const answer = await fetch(ms === undefined ? plan.tell : `${plan.tell}?ms=${ms}`);
  const url = await answer.json();
  if (tab) await chrome.tabs.remove(tab);
  await new Promise((done) => setTimeout(done, REST));
  if (url) await chrome.tabs.create({ url });
}

chrome.runtime.onInstalled.addListener(() => void next());
chrome.runtime.onMessage.addListener((ms, { tab }) => void next(ms, tab.id));
