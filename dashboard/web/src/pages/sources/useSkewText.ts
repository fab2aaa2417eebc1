/** How far a device's clock is off, in words. */
import { useTranslation } from "react-i18next";
import { useText } from "../../time/useText";

/** Takes the device's clock minus ours, milliseconds; `null`: not measured. */
export function useSkewText(): (skew: number | null) => string {
  const { t } = useTranslation();
  const text = useText();
  return (skew) => {
    if (skew === null) return t("sources.skew_none");
    // Below a second nobody acts on the direction.
    if (Math.abs(skew) < 1_000) return text.span(skew);
    return t(skew >= 0 ? "sources.skew_ahead" : "sources.skew_behind", { value: text.span(skew) });
  };
}
