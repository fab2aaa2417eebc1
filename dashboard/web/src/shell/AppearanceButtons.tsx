/** The language switch and the light switch. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { Moon, Sun } from "lucide-react";
import { useTranslation } from "react-i18next";
import styles from "./Shell.module.css";
import { useAppearance } from "./useAppearance";

export function AppearanceButtons() {
  const { t } = useTranslation();
  const { language, light, toggleLanguage, toggleScheme } = useAppearance();
  const languageLabel = language === "vi" ? t("top.switch_to_en") : t("top.switch_to_vi");
  const schemeLabel = light ? t("top.to_dark") : t("top.to_light");
  return (
    <>
      <Tooltip label={languageLabel}>
        <button type="button" className={styles.language} data-testid="lang-switch" onClick={toggleLanguage}>
          {language === "vi" ? "VI" : "EN"}
          <span className="hidden-visually"> {languageLabel}</span>
        </button>
      </Tooltip>
      <Tooltip label={schemeLabel}>
        <ActionIcon aria-label={schemeLabel} onClick={toggleScheme}>
          {light ? <Moon size={17} /> : <Sun size={17} />}
        </ActionIcon>
      </Tooltip>
    </>
  );
}
