/** What one does with a search besides reading it: keep it, take up one that is kept, take the data out, pass the link on. */
import { ActionIcon, Button, Checkbox, Menu, Popover, TextInput, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Bookmark, Download, Link2, Trash2, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { url } from "../../api/client";
import type { Range } from "../../api/queries";
import { removeSearch, type SavedSearch, saveSearch, searchesQuery } from "../../api/searches";
import { useMay, useUser } from "../../api/user";
import { useCopy } from "../../components/clipboard";
import { useRefused } from "../../components/useRefused";
import { split } from "../../query/build";
import styles from "./SearchPage.module.css";

interface SearchToolsProps {
  q: string;
  range: Range;
  columns: readonly string[];
  onOpen: (search: SavedSearch["search"]) => void;
  link: () => string;
}

function Saved({ q, range, columns, onOpen }: Omit<SearchToolsProps, "link">) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refused = useRefused();
  const me = useUser().name;
  const [opened, setOpened] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const list = useQuery({ ...searchesQuery, enabled: opened });
  const deed = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onError: refused,
    onSettled: () => client.invalidateQueries({ queryKey: searchesQuery.queryKey }),
  });
  const keep = () =>
    deed.mutate(async () => {
      await saveSearch(name.trim(), shared, { q, since: range.since ?? null, columns: [...columns] });
      setName("");
    });
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={340} trapFocus shadow="md">
      <Popover.Target>
        <Tooltip label={t("searches.title")}>
          <ActionIcon variant="default" size={38} aria-label={t("searches.title")} onClick={() => setOpened(!opened)} data-testid="saved">
            <Bookmark size={16} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("searches.title")}>
        <ul className={styles.saved}>
          {(list.data ?? []).map((s) => (
            <li key={s.id}>
              <button
                type="button"
                className={`${styles.savedName} plain`}
                title={s.search.q}
                data-testid="saved-search"
                onClick={() => {
                  setOpened(false);
                  onOpen(s.search);
                }}
              >
                {s.name}
                {s.owner !== me && <span className="dim"> {s.owner}</span>}
              </button>
              {s.shared && <Users size={13} role="img" aria-label={t("searches.shared")} />}
              {s.owner === me && (
                <button
                  type="button"
                  className="plain"
                  aria-label={t("searches.forget", { name: s.name })}
                  onClick={() => deed.mutate(() => removeSearch(s.id))}
                >
                  <Trash2 size={13} aria-hidden="true" />
                </button>
              )}
            </li>
          ))}
          {list.data?.length === 0 && <li className="dim">{t("searches.none")}</li>}
        </ul>
        <form
          className={styles.keep}
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim()) keep();
          }}
        >
          <TextInput
            label={t("searches.keep")}
            placeholder={t("searches.name")}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            data-testid="saved-name"
          />
          <Checkbox size="xs" label={t("searches.share")} checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} />
          <Button type="submit" disabled={!name.trim() || !q.trim()} loading={deed.isPending} data-testid="saved-keep">
            {t("searches.save")}
          </Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

const FORMATS = ["jsonl", "csv", "parquet"] as const;

function Export({ q, range, columns }: Pick<SearchToolsProps, "q" | "range" | "columns">) {
  const { t } = useTranslation();
  const { filter, pipes } = split(q);
  const target = (format: string) =>
    url("/events/export", { format, q: filter, ...range, ...(format !== "jsonl" && columns.length ? { columns: columns.join(",") } : {}) });
  return (
    <Menu position="bottom-end" width={270}>
      <Menu.Target>
        <Tooltip label={t("searches.export")}>
          <ActionIcon variant="default" size={38} aria-label={t("searches.export")} data-testid="export">
            <Download size={16} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{pipes ? t("searches.export_filter") : t("searches.export_all")}</Menu.Label>
        {FORMATS.map((format) => (
          <Menu.Item key={format} component="a" href={target(format)} download data-testid={`export-${format}`}>
            {t(`searches.format_${format}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function SearchTools({ link, ...rest }: SearchToolsProps) {
  const { t } = useTranslation();
  const copy = useCopy();
  const may = useMay("export");
  return (
    <>
      <Saved {...rest} />
      {may && <Export {...rest} />}
      <Tooltip label={t("search.share")}>
        <ActionIcon variant="default" size={38} aria-label={t("search.share")} onClick={() => copy(link(), t("search.share_done"))}>
          <Link2 size={16} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
