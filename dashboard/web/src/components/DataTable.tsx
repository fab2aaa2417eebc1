/** A table that sorts, shows only the rows in sight, and is walked with the keyboard. Cells are the page's; order and layout are here. */
import { createSortedRowModel, rowSortingFeature, tableFeatures, useTable } from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import styles from "./DataTable.module.css";
import { useList } from "./useList";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** What the column sorts by; absent: it does not sort. Rows without a value come last. */
  sort?: (row: T) => string | number | null;
  /** A track of CSS grid: `minmax(160px, 2fr)`. */
  width: string;
  align?: "right" | undefined;
}

interface DataTableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  rowHeight?: number;
  rowTestId?: string;
  selected?: string | undefined;
  onSelect?: (row: T) => void;
  onOpen?: (row: T) => void;
  order?: { id: string; desc: boolean };
  /** Marks a row, for the stylesheet. */
  tone?: (row: T) => string | undefined;
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });

/** Made once: made for each comparison it would take longer than the rest of the table. */
const collator = new Intl.Collator("vi", { numeric: true });

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}

type Definition<T> = ReturnType<typeof definition<T>>;

function definition<T>(column: Column<T>) {
  return {
    id: column.id,
    accessorFn: (row: T) => column.sort?.(row) ?? undefined,
    enableSorting: column.sort !== undefined,
    sortUndefined: "last" as const,
    sortFn: (a: { getValue: (id: string) => unknown }, b: { getValue: (id: string) => unknown }, id: string) =>
      compare(a.getValue(id), b.getValue(id)),
  };
}

interface HeaderProps {
  text: string;
  align: Column<unknown>["align"];
  direction: false | "asc" | "desc";
  /** Absent: the column does not sort. */
  onSort: ((event: unknown) => void) | undefined;
}

function Header({ text, align, direction, onSort }: HeaderProps) {
  return (
    <div
      role="columnheader"
      tabIndex={-1}
      className={styles.header}
      data-align={align}
      aria-sort={direction === "asc" ? "ascending" : direction === "desc" ? "descending" : undefined}
    >
      {onSort ? (
        <button type="button" className={`${styles.sort} plain`} onClick={onSort}>
          <span className="cut">{text}</span>
          {direction === "asc" && <ArrowUp size={12} aria-hidden="true" />}
          {direction === "desc" && <ArrowDown size={12} aria-hidden="true" />}
        </button>
      ) : (
        <span className="cut">{text}</span>
      )}
    </div>
  );
}

export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { label, columns, rows, rowKey, rowHeight = 36, rowTestId, selected, onSelect, onOpen, order, tone } = props;
  const definitions = useMemo((): Definition<T>[] => columns.map(definition), [columns]);
  const initialState = { sorting: order ? [order] : [] };
  const table = useTable({ features, columns: definitions, data: rows, getRowId: rowKey, initialState });
  const sorted = table.getRowModel().rows;
  const index = selected === undefined ? -1 : sorted.findIndex((r) => r.id === selected);
  const at = (i: number, action: ((row: T) => void) | undefined) => {
    const row = sorted[i];
    if (row) action?.(row.original);
  };
  const list = useList({
    count: sorted.length,
    rowHeight,
    selected: index,
    onSelect: (i) => at(i, onSelect),
    onOpen: (i) => at(i, onOpen),
  });
  const { scroller, rows: virtual } = list;
  const template = columns.map((c) => c.width).join(" ");
  // Below the sum of the least widths the table scrolls sideways as a whole.
  const minWidth = columns.reduce((sum, c) => sum + Number(/\d+/.exec(c.width)?.[0] ?? 0) + 14, 32);
  return (
    <div className={styles.table} role="grid" aria-label={label} aria-rowcount={sorted.length + 1}>
      <div className={styles.head} role="row" tabIndex={-1} style={{ gridTemplateColumns: template, minWidth }}>
        {table.getHeaderGroups()[0]?.headers.map(({ id, column }, i) => (
          <Header
            key={id}
            text={columns[i]?.header ?? ""}
            align={columns[i]?.align}
            direction={column.getIsSorted()}
            onSort={column.getCanSort() ? column.getToggleSortingHandler() : undefined}
          />
        ))}
      </div>
      <div
        ref={scroller}
        className={styles.body}
        role="rowgroup"
        data-list
        tabIndex={onSelect ? 0 : -1}
        aria-label={label}
        style={{ minWidth }}
      >
        <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const row = sorted[item.index];
            return (
              row && (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the body takes the keys
                <div
                  key={row.id}
                  role="row"
                  tabIndex={-1}
                  aria-rowindex={item.index + 2}
                  aria-selected={onSelect ? item.index === index : undefined}
                  className={styles.row}
                  data-pick={onSelect !== undefined}
                  data-tone={tone?.(row.original)}
                  data-testid={rowTestId}
                  style={{ gridTemplateColumns: template, height: rowHeight, transform: `translateY(${item.start}px)` }}
                  onClick={() => {
                    at(item.index, onSelect);
                    scroller.current?.focus({ preventScroll: true });
                  }}
                >
                  {columns.map((column) => (
                    <div key={column.id} role="gridcell" tabIndex={-1} className={styles.cell} data-align={column.align}>
                      {column.cell(row.original)}
                    </div>
                  ))}
                </div>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}
