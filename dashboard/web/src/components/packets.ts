/** Fetches the packets of an event or alert, keeps them as a file, and says what is in it, with its hash. */
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type PacketFigures, takePackets } from "../api/packets";
import type { EcsEvent } from "../api/types";
import { useText } from "../time/useText";
import { textOf } from "./event";
import { notify } from "./notify";
import { useRefused } from "./useRefused";

/** Whether an event names a flow that packets could belong to. */
export const namesFlow = (event: EcsEvent): boolean =>
  textOf(event, "network.community_id") !== "" || (textOf(event, "source.port") !== "" && textOf(event, "destination.port") !== "");

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function usePackets(): { take: (id: string) => void; busy: boolean } {
  const { t } = useTranslation();
  const text = useText();
  const refused = useRefused({ title: t("packets.failed"), autoClose: false });
  const asked = ({ collectors = [] }: PacketFigures) =>
    collectors.map((c) => `${c.collector}: ${t(`packets.collector.${c.outcome}`, { count: text.number(c.packets) })}`).join(" · ");
  const taking = useMutation({
    mutationFn: takePackets,
    onSuccess: ({ file, figures }, id) => {
      save(file, `fansipan-${id}.pcapng`);
      const missing = figures.cut + figures.damaged + figures.beyond;
      const gaps = (figures.collectors ?? []).some((c) => c.outcome !== "given" && c.outcome !== "nothing");
      const what = t("packets.got", {
        count: text.number(figures.packets),
        from: text.time(figures.first, "full"),
        to: text.time(figures.last, "full"),
      });
      const rest = missing > 0 ? ` ${t("packets.missing", { count: text.number(missing) })}` : "";
      const message = [asked(figures), `SHA-256 ${figures.sha256}`].filter(Boolean).join("\n");
      const color = missing > 0 || gaps ? "yellow" : "green";
      notify({
        title: what + rest,
        message,
        autoClose: false,
        color,
        styles: { description: { whiteSpace: "pre-line", overflowWrap: "anywhere" } },
      });
    },
    onError: refused,
  });
  return { take: (id) => taking.mutate(id), busy: taking.isPending };
}
