/** The query language on one card: what can be written, and questions worth asking. */
import { useTranslation } from "react-i18next";
import { QueryText } from "./QueryText";
import styles from "./SearchPage.module.css";

const SYNTAX = [
  ["failed password", "help_words"],
  ["user.name:svc_*", "help_field"],
  ["source.ip:10.8.0.0/16", "help_cidr"],
  ["event.outcome:failure and not (host.name:vpn-gw-01 or user.name:root)", "help_bool"],
  ["* | stats count() by source.ip | sort -count | head 20", "help_stats"],
  ["* | timechart span=1h count() by event.dataset", "help_timechart"],
] as const;

const EXAMPLES = [
  ["event.category:authentication and event.outcome:failure | stats count() by source.ip | sort -count | head 20", "example_failures"],
  ["event.kind:pipeline_error", "example_unparsed"],
  ["event.action:deny | timechart span=1h count() by observer.name", "example_denied"],
] as const;

export function LanguageHelp({ onPick }: { onPick: (query: string) => void }) {
  const { t } = useTranslation();
  return (
    <section className={styles.help} aria-label={t("search.help_title")}>
      <div>
        <h2>{t("search.help_title")}</h2>
        <dl className={styles.syntax}>
          {SYNTAX.map(([text, key]) => (
            <div key={key}>
              <dt>
                <QueryText text={text} />
              </dt>
              <dd className="dim">{t(`search.${key}`)}</dd>
            </div>
          ))}
        </dl>
      </div>
      <div>
        <h2>{t("search.examples")}</h2>
        <ul className={styles.examples}>
          {EXAMPLES.map(([text, key]) => (
            <li key={key}>
              <button type="button" className={styles.example} onClick={() => onPick(text)}>
                {t(`search.${key}`)}
                <QueryText text={text} />
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
