/** How far a device's clock is off, in words. */
import { useTranslation } from "react-i18next";
import type { SourceInfo } from "../../api/types";
import { useText } from "../../time/useText";
import { skewMs } from "./health";

export function useSkewText(): (source: SourceInfo) => string {
  const { t } = useTranslation();
  const text = useText();
  return (source) => {
    const skew = skewMs(source);
    if (skew === null) return t("sources.skew_none");
    // Below a second nobody acts on the direction.
    if (Math.abs(skew) < 1_000) return text.span(skew);
    return t(skew >= 0 ? "sources.skew_ahead" : "sources.skew_behind", { value: text.span(skew) });
  };
}
