/** The filter of a list: `/` leads here, Escape leaves. */
import { TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useRef } from "react";
import { useShortcuts } from "../keyboard/keyboard";

interface FilterBoxProps {
  className: string | undefined;
  label: string;
  value: string;
  onChange: (value: string) => void;
}

export function FilterBox({ className, label, value, onChange }: FilterBoxProps) {
  const box = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: "/", label: "keys.focus", group: "anywhere", run: () => box.current?.focus() }]);
  return (
    <TextInput
      ref={box}
      {...(className ? { className } : {})}
      aria-label={label}
      placeholder={label}
      leftSection={<Search size={14} />}
      rightSection={<kbd>/</kbd>}
      value={value}
      onChange={(e) => onChange(e.currentTarget.value)}
      onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()}
    />
  );
}
