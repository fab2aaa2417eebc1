/** One of a few, side by side: radio buttons that look like one control. Nothing of it is measured, so that a page need not be laid out twice. */
import { type ReactNode, useId } from "react";
import styles from "./Choice.module.css";

interface ChoiceProps<T extends string> {
  /** What is chosen, for who cannot see it. */
  label: string;
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; label: ReactNode }[];
  fullWidth?: boolean;
  className?: string | undefined;
}

export function Choice<T extends string>({ label, value, onChange, options, fullWidth = false, className }: ChoiceProps<T>) {
  const name = useId();
  return (
    <div role="radiogroup" aria-label={label} className={[styles.choice, className].filter(Boolean).join(" ")} data-full={fullWidth}>
      {options.map((option) => (
        <label key={option.value} className={styles.option}>
          <input
            type="radio"
            className="hidden-visually"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}
