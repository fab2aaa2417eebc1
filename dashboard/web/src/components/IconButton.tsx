/**
 * A small button with an icon alone, whose name the browser shows: for places that draw hundreds of them, where a tooltip of its own
 * for each takes longer to make than all the rest.
 */
import type { LucideIcon } from "lucide-react";
import styles from "./IconButton.module.css";

interface IconButtonProps {
  Icon: LucideIcon;
  /** What it does, in a few words. */
  label: string;
  /** The same said in full, where the words alone would not tell what it is done to. */
  name?: string;
  size: number;
  icon: number;
  className?: string | undefined;
  onClick: () => void;
}

export function IconButton({ Icon, label, name = label, size, icon, className = "", onClick }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`${styles.button} ${className}`}
      style={{ width: size, height: size }}
      title={label}
      aria-label={name}
      onClick={onClick}
    >
      <Icon size={icon} aria-hidden="true" />
    </button>
  );
}
