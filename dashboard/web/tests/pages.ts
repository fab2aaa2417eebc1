/** Every page of the console in a state worth looking at: what axe examines and what pictures are taken of. */
import type { Page } from "playwright-core";

/** What is done on a page once it is open. */
type Prepare = (page: Page) => Promise<unknown>;

const FAILURES = "/search?q=event.outcome:failure&since=24h";
const search = (query: string) => `/search?q=${encodeURIComponent(query)}&since=24h`;
const ready =
  (id: string): Prepare =>
  (page) =>
    page.getByTestId(id).first().waitFor();
const click =
  (id: string, n = 0): Prepare =>
  (page) =>
    page.getByTestId(id).nth(n).click();
const inTurn =
  (...steps: Prepare[]): Prepare =>
  async (page) => {
    for (const step of steps) await step(page);
  };
const press =
  (key: string): Prepare =>
  (page) =>
    page.keyboard.press(key);
const text =
  (words: string): Prepare =>
  (page) =>
    page.getByText(words).first().waitFor();
const type =
  (id: string, text: string): Prepare =>
  (page) =>
    page.getByTestId(id).fill(text);

/** Name, address, and what is done there. */
export const PAGES: [string, string, Prepare?][] = [
  ["overview", "/"],
  ["alerts", "/alerts", inTurn(click("alert-row", 2), ready("alert-event"))],
  ["verdict", "/alerts", inTurn(click("alert-row"), press("t"))],
  ["no alerts", "/alerts?q=khongcogi"],
  ["keys", "/alerts", inTurn(ready("alert-row"), press("?"))],
  ["incidents", "/incidents"],
  ["incident", "/incidents", inTurn(click("incident-row"), press("Enter"), click("graph-node"))],
  ["entity", "/entity?kind=address&value=203.0.113.45", ready("entity-alerts")],
  ["search", FAILURES, click("result-row", 1)],
  ["search start", "/search"],
  ["query help", "/search", click("query-help")],
  ["query error", FAILURES, type("search-input", 'event.outcome:failure and (user.name:"root" or host.name: | statz count()')],
  ["stats", search("* | stats count() by source.ip | sort -count | head 20"), ready("result-chart")],
  ["timechart", search("event.outcome:failure | timechart span=1h count() by event.dataset"), ready("result-chart")],
  ["saved searches", FAILURES, click("saved")],
  ["sources", "/sources"],
  ["source", "/sources", click("source-row", 7)],
  ["snippets", "/sources", click("add-source")],
  ["actions", "/actions", click("action-row")],
  ["playbooks", `/playbooks?incident=${"0".repeat(32)}`, ready("playbook-card")],
  ["rule", "/rules", click("rule-row")],
  ["coverage", "/rules?view=coverage", click("technique", 3)],
  ["exception", "/rules?view=exceptions&rule=sigma-0003", click("exception-preview")],
  ["rule editor", "/rules/edit?id=sigma-0003", inTurn(ready("lint"), click("rule-test"))],
  ["handover", "/handover", ready("handover-incident")],
  ["account", "/account", ready("own-session")],
  ["status", "/status"],
  ["admin", "/admin", text("so-y-te")],
  ["admin sessions", "/admin?part=sessions", text("2001:db8:7:19::31")],
  ["admin tokens", "/admin?part=tokens", text("zabbix")],
  ["admin walls", "/admin?part=walls", text("phong-hop")],
  ["admin audit", "/admin?part=audit", text("users.create")],
  ["timeline", "/incidents", inTurn(click("incident-row"), press("Enter"), click("timeline-all"), ready("timeline-entry"))],
  ["ask", "/actions", click("ask")],
];

/** Scenes of the videowall that one can ask for. */
export const SCENES = ["overview", "attacks", "network", "health", "shift"];
