/** What stands beside or below that for which one comes to a page: drawn in a second pass, right after the first picture. */
import { type ReactNode, useDeferredValue } from "react";

export function Later({ children }: { children: ReactNode }) {
  return useDeferredValue(true, false) ? children : null;
}
