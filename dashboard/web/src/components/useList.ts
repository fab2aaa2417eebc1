/** A long list one walks with the keyboard: virtual rows, j/k and arrows, the selected row kept in sight, more fetched near the end. */
import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useRef } from "react";
import { useShortcuts } from "../keyboard/keyboard";

interface ListOptions {
  count: number;
  rowHeight: number;
  /** -1: none. */
  selected: number;
  onSelect: (index: number) => void;
  onOpen?: (index: number) => void;
  /** Called when the rows shown come near the end. */
  onEnd?: () => void;
}

interface List {
  scroller: RefObject<HTMLDivElement | null>;
  rows: Virtualizer<HTMLDivElement, Element>;
}

export function useList({ count, rowHeight, selected, onSelect, onOpen, onEnd }: ListOptions): List {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12 });
  const move = (by: number) => {
    if (count === 0) return;
    const next = selected < 0 ? 0 : Math.min(count - 1, Math.max(0, selected + by));
    onSelect(next);
    rows.scrollToIndex(next, { align: "auto" });
  };
  useShortcuts([
    { keys: "j", label: "keys.down", group: "lists", run: () => move(1) },
    { keys: "k", label: "keys.up", group: "lists", run: () => move(-1) },
    { keys: "ArrowDown", run: () => move(1) },
    { keys: "ArrowUp", run: () => move(-1) },
    { keys: "Enter", label: "keys.open", group: "lists", run: () => selected >= 0 && onOpen?.(selected) },
  ]);

  const last = rows.getVirtualItems().at(-1)?.index ?? 0;
  const near = count > 0 && last >= count - 25;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks again whenever rows were added and the end is still near
  useEffect(() => {
    if (near) onEnd?.();
  }, [near, count]);
  return { scroller, rows };
}
