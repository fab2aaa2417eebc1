/**
 * What an analyst does to alerts: take, give back, judge, reopen, undo. The screen changes at once; if the server refuses, it changes
 * back and says why. Versions make a claim atomic: who comes second is told. Knows nothing of how things look.
 */
import { setAssignee, setStatus } from "../../api/alerts";
import { type GroupFilter, judgeMany, type Taken, takeNext, undoMany } from "../../api/queue";
import type { Alert, AlertStatus, Verdict } from "../../api/types";

type Before = Pick<Alert, "id" | "status" | "assignee" | "reason"> | { token: string };

export type Done =
  | { kind: "release" }
  | { kind: "reopen" }
  | { kind: "judge"; verdict: Verdict; reason: string }
  | { kind: "judge_many"; verdict: Verdict; reason: string; count: number };

/** What the desk needs of the world. */
export interface Room {
  /** The signed-in person. */
  me: string;
  read: (id: string) => Promise<Alert>;
  /** Puts a version of an alert wherever it is shown. */
  show: (alert: Alert) => void;
  /** A change that can be undone was made. */
  done: (what: Done) => void;
  undone: () => void;
  nothingToUndo: () => void;
  /** The server refused; `alert` is shown as it was before. */
  refused: (error: unknown, alert: Alert) => void;
  /** Many alerts changed at once: what is shown is read again. */
  changedMany: () => void;
  /** The server refused a decision about many. */
  refusedMany: (error: unknown) => void;
}

export interface QueueFilter {
  levels: readonly string[];
  rule?: string;
  q?: string;
}

const UNDO_LIMIT = 50;

/** The last changes of this person in this window, newest last. They outlive the page: one may look elsewhere before regretting. */
const undoable: Before[] = [];

function remember({ id, status, assignee, reason }: Alert): void {
  keep({ id, status, assignee, reason: reason ?? null });
}

function keep(before: Before): void {
  undoable.push(before);
  if (undoable.length > UNDO_LIMIT) undoable.shift();
}

/** Changes not answered yet. An undo waits for them: it takes back the last change made, not the last one answered. */
let underWay: Promise<unknown> = Promise.resolve();

/** What the server last said of alerts changed here. A page may still show what it read before the change. */
const answers = new Map<string, Alert>();

function answered(alert: Alert): Alert {
  answers.delete(alert.id);
  answers.set(alert.id, alert);
  const oldest = answers.size > UNDO_LIMIT ? answers.keys().next().value : undefined;
  if (oldest !== undefined) answers.delete(oldest);
  return alert;
}

/** The alert as far as this window knows it. */
function newest(alert: Alert): Alert {
  const known = answers.get(alert.id);
  return known && known.version >= alert.version ? known : alert;
}

function begin<T>(change: Promise<T>): Promise<T> {
  underWay = Promise.allSettled([underWay, change]);
  return change;
}

export class Desk {
  constructor(private readonly room: Room) {}

  /** Whether the alert is now ours. */
  claim(alert: Alert): Promise<boolean> {
    return begin(this.take(alert));
  }

  private async take(alert: Alert): Promise<boolean> {
    const { me, show, refused } = this.room;
    if (alert.assignee === me && alert.status !== "new") return true;
    const status: AlertStatus = alert.status === "new" ? "acknowledged" : alert.status;
    show({ ...alert, assignee: me, status });
    try {
      show(await this.bring(alert, status, me, null));
      remember(alert);
      return true;
    } catch (error) {
      refused(error, alert);
      return false;
    }
  }

  /** The first new alert of the queue, now ours, and which is first after it; `undefined`: the server refused and said why. */
  next(filter: QueueFilter): Promise<Taken | undefined> {
    return begin(this.takeFirst(filter));
  }

  private async takeFirst({ levels, rule, q }: QueueFilter): Promise<Taken | undefined> {
    try {
      const taken = await takeNext({
        ...(levels.length ? { level: levels.join(",") } : {}),
        ...(rule ? { rule } : {}),
        ...(q ? { q } : {}),
      });
      const { alert } = taken;
      if (alert) {
        keep({ id: alert.id, status: "new", assignee: null, reason: null });
        this.room.show(answered(alert));
      }
      return taken;
    } catch (error) {
      this.room.refusedMany(error);
      return undefined;
    }
  }

  release(alert: Alert): Promise<void> {
    return this.change(alert, { assignee: null, status: "new" }, (now) => this.bring(now, "new", null, null), { kind: "release" });
  }

  reopen(alert: Alert): Promise<void> {
    const action = (now: Alert) => this.settled(now, setStatus(now, "acknowledged", null));
    return this.change(alert, { status: "acknowledged" }, action, { kind: "reopen" });
  }

  judge(alert: Alert, verdict: Verdict, reason: string): Promise<void> {
    const wanted = { status: verdict, reason, assignee: alert.assignee ?? this.room.me };
    return this.change(alert, wanted, (now) => this.settled(now, setStatus(now, verdict, reason)), { kind: "judge", verdict, reason });
  }

  /** Judges every alert that fits, on the server, as one decision that can be taken back. */
  judgeMany(filter: GroupFilter, verdict: Verdict, reason: string): Promise<void> {
    return begin(this.carryOutMany(filter, verdict, reason));
  }

  private async carryOutMany(filter: GroupFilter, verdict: Verdict, reason: string): Promise<void> {
    try {
      const { changed, token } = await judgeMany(filter, verdict, reason);
      if (token) keep({ token });
      this.room.changedMany();
      this.room.done({ kind: "judge_many", verdict, reason, count: changed });
    } catch (error) {
      this.room.refusedMany(error);
    }
  }

  private async takeBackMany(token: string): Promise<null> {
    try {
      await undoMany(token);
      this.room.changedMany();
      this.room.undone();
    } catch (error) {
      this.room.refusedMany(error);
    }
    return null;
  }

  /** Takes back the last change; gives the alert's id. */
  undo(): Promise<string | null> {
    return begin(underWay.then(() => this.takeBack()));
  }

  private async takeBack(): Promise<string | null> {
    const before = undoable.pop();
    if (!before) {
      this.room.nothingToUndo();
      return null;
    }
    if ("token" in before) return this.takeBackMany(before.token);
    let alert: Alert | null = null;
    try {
      alert = await this.room.read(before.id);
      this.room.show(await this.bring(alert, before.status, before.assignee, before.reason ?? null));
      this.room.undone();
    } catch (error) {
      if (alert) this.room.refused(error, alert);
    }
    return before.id;
  }

  /** The alert after `action`; asked for when the server answers with nothing. */
  private async settled(alert: Alert, action: Promise<Alert | null>): Promise<Alert> {
    return answered((await action) ?? (await this.room.read(alert.id)));
  }

  /** Brings status and holder of an alert to what is wanted, in as few calls as it takes. */
  private async bring(alert: Alert, status: AlertStatus, assignee: string | null, reason: string | null): Promise<Alert> {
    let now = alert;
    if (now.assignee !== assignee) now = await this.settled(now, setAssignee(now, assignee));
    if (now.status !== status) now = await this.settled(now, setStatus(now, status, reason));
    // Setting a status may take or drop the alert on its own.
    if (now.assignee !== assignee) now = await this.settled(now, setAssignee(now, assignee));
    return now;
  }

  private change(alert: Alert, wanted: Partial<Alert>, action: (now: Alert) => Promise<Alert>, what: Done): Promise<void> {
    return begin(this.carryOut(alert, wanted, action, what));
  }

  private async carryOut(alert: Alert, wanted: Partial<Alert>, action: (now: Alert) => Promise<Alert>, what: Done): Promise<void> {
    this.room.show({ ...alert, ...wanted });
    // A claim may still be on its way when its verdict is given: the verdict stands on what the claim brings.
    await underWay;
    const before = newest(alert);
    try {
      const now = await action(before);
      remember(before);
      this.room.show(wanted.reason ? { ...now, reason: wanted.reason } : now);
      this.room.done(what);
    } catch (error) {
      this.room.refused(error, before);
    }
  }
}
