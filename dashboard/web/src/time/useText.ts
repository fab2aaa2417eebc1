/** Numbers, sizes, ages and instants as people read them in the language and zone in use. */
import i18next from "i18next";
import { type Language, useLanguage } from "../i18n";
import { useZone } from "../settings";
import { instant, type TimeStyle, timeText } from "./zone";

function makeText(language: Language, zone: string) {
  const t = i18next.getFixedT(language);
  const locale = language === "vi" ? "vi-VN" : "en-GB";
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const number = (n: number) => (Math.abs(n) < 10 && !Number.isInteger(n) ? tenth.format(n) : whole.format(n));
  const percent = (share: number, digits = 1) =>
    new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share);
  /** A share that is 100 % only where nothing at all is missing. */
  const share = (part: number) => percent(Math.floor(part * 100_000) / 100_000, 3);
  const bytes = (n: number) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    const power = n > 0 ? Math.min(Math.floor(Math.log2(n) / 10), units.length - 1) : 0;
    return `${tenth.format(n / 1024 ** power)} ${units[power]}`;
  };
  /** A length of time, one unit: `400 ms`, `12 s`, `5 ph`. */
  const span = (ms: number) => {
    const size = Math.abs(ms);
    if (size < 1_000) return t("age.ms", { value: whole.format(size) });
    if (size < 60_000) return t("age.short_seconds", { value: tenth.format(size / 1_000) });
    if (size < 3_600_000) return t("age.short_minutes", { value: tenth.format(size / 60_000) });
    if (size < 86_400_000) return t("age.short_hours", { value: tenth.format(size / 3_600_000) });
    return t("age.short_days", { value: tenth.format(size / 86_400_000) });
  };
  /** How long ago, in words. */
  const age = (ms: number) => {
    if (ms < -5_000) return t("age.ahead");
    if (ms < 1_000) return t("age.now");
    if (ms < 60_000) return t("age.seconds", { value: whole.format(Math.floor(ms / 1_000)) });
    if (ms < 3_600_000) return t("age.minutes", { value: whole.format(Math.floor(ms / 60_000)) });
    if (ms < 2 * 86_400_000) return t("age.hours", { value: whole.format(Math.floor(ms / 3_600_000)) });
    return t("age.days", { value: whole.format(Math.floor(ms / 86_400_000)) });
  };
  const time = (at: number | string | null | undefined, style: TimeStyle = "seconds") =>
    timeText(typeof at === "number" ? at : instant(at), zone, style);
  /** Instants that stand in a sentence of the server's, in the zone in use. */
  const inWords = (words: string) => words.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g, (at) => time(at, "seconds"));
  return {
    number,
    compact: (n: number) => (Math.abs(n) < 10_000 ? number(n) : compact.format(n)),
    percent,
    share,
    bytes,
    span,
    age,
    time,
    inWords,
    zone,
  };
}

type Text = ReturnType<typeof makeText>;

/** By language and zone: every row of a list writes numbers, and the browser's formatters are dear to make. */
const made = new Map<string, Text>();

export function useText(): Text {
  const language = useLanguage();
  const zone = useZone();
  const key = `${language} ${zone}`;
  let text = made.get(key);
  if (!text) {
    text = makeText(language, zone);
    made.set(key, text);
  }
  return text;
}
