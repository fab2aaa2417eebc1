/** Sigma's `status` words in the reader's language; unknown words as they are. */
import { useTranslation } from "react-i18next";

export function useMaturity(): (status: string | null) => string {
  const { t, i18n } = useTranslation();
  return (status) =>
    status && i18n.exists(`rules.maturity.${status}`) ? t(`rules.maturity.${status}` as "rules.maturity.stable") : (status ?? "–");
}
