/** For addresses that lead nowhere. */
import { Link } from "@tanstack/react-router";
import { MountainSnow } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Empty } from "../components/States";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty
      icon={<MountainSnow size={26} aria-hidden="true" />}
      title={t("state.not_found_title")}
      hint={t("state.not_found")}
      action={<Link to="/">{t("state.home")}</Link>}
    />
  );
}
